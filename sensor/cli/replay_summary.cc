#include "cli/replay_summary.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/printable.h"

namespace spanwatch::cli {
namespace {

std::string Amount(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < std::size(kUnits)) {
    amount /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string Joined(const std::vector<std::string>& words, std::string_view between = ", ") {
  return Printable(fmt::format("{}", fmt::join(words, between)));
}

void PrintAlert(const Alert& alert) {
  std::vector<std::string> methods;
  for (const Method method : alert.methods) methods.emplace_back(ToString(method));
  const AlertRule* rule = alert.rules.empty() ? nullptr : &alert.rules.front();
  std::fprintf(stderr, "  %-13s %s\n", std::string(ToString(alert.severity)).c_str(),
               rule ? Printable(rule->name).c_str() : "");
  const std::string destination = ToString(alert.destination.address);
  const std::string name = alert.server_name == destination ? "" : " " + Printable(alert.server_name);
  std::fprintf(stderr, "                %s -> %s%s  %s%s\n", ToString(alert.source.address).c_str(),
               destination.c_str(), name.c_str(), alert.protocol.c_str(), alert.authorised ? "  (authorized)" : "");
  if (!alert.collections.empty()) {
    std::fprintf(stderr, "                %s: %llu items (%llu plates), by %s\n", Joined(alert.collections).c_str(),
                 static_cast<unsigned long long>(alert.totals.items),
                 static_cast<unsigned long long>(alert.totals.plates), Joined(methods).c_str());
  }
  std::fprintf(stderr, "                %s in %llu conversations\n", Amount(alert.totals.bytes).c_str(),
               static_cast<unsigned long long>(alert.totals.flows));
  std::fprintf(stderr, "                %s to %s\n", FormatRfc3339(alert.first).c_str(),
               FormatRfc3339(alert.last).c_str());
  if (!alert.near_miss.empty())
    std::fprintf(stderr, "                nearly authorized: %s\n", Printable(alert.near_miss).c_str());
  for (std::size_t i = 0; i < std::min<std::size_t>(alert.examples.size(), 2); ++i) {
    if (alert.examples[i].provenance.empty()) continue;
    std::fprintf(stderr, "                e.g. %s\n", Joined(alert.examples[i].provenance, " / ").c_str());
  }
}

// Zones under which nothing can cross make every replay look harmless.
void PrintCrossing(const supervisor::Summary& summary, const process::InspectorGroup& group) {
  std::uint64_t crossed = 0, others = 0;
  for (std::size_t i = 0; i < group.count(); ++i) {
    const Counters& counters = group.block(i).counters;
    crossed += counters.Get(Counter::crossing_bytes_outbound) + counters.Get(Counter::crossing_bytes_inbound);
    others += counters.Get(Counter::crossing_bytes_internal) + counters.Get(Counter::crossing_bytes_external);
  }
  if (!summary.crossed_nothing.empty()) {
    std::fprintf(stderr, "Registered material was seen, but crossed nothing: %s. Look at --inside (zones.inside).\n",
                 summary.crossed_nothing.c_str());
  } else if (crossed == 0 && others > 0) {
    std::fprintf(stderr,
                 "No conversation crossed the zones (%s stayed on one side). Look at --inside (zones.inside).\n",
                 Amount(others).c_str());
  }
}

}  // namespace

ProgressBar::ProgressBar(std::uint64_t total_bytes, bool quiet)
    : total_bytes_(total_bytes), shown_(!quiet && total_bytes > 0 && ::isatty(STDERR_FILENO) != 0) {}

void ProgressBar::Show(std::uint64_t position_bytes) {
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  const double share = std::min(1.0, static_cast<double>(position_bytes) / static_cast<double>(total_bytes_));
  const int filled = static_cast<int>(share * 40);
  std::fprintf(stderr, "\r[%-40s] %3.0f %%  %s", std::string(static_cast<std::size_t>(filled), '#').c_str(),
               share * 100, Amount(position_bytes).c_str());
}

void ProgressBar::Clear() {
  if (shown_) std::fprintf(stderr, "\r%70s\r", "");
}

std::string AmountOf(std::uint64_t bytes, std::uint64_t total) {
  return total == 0 ? Amount(bytes) : fmt::format("{} of {}", Amount(bytes), Amount(total));
}

Status AllHeard(const supervisor::Summary& summary) {
  if (summary.messages_refused == 0 && summary.ring_corruptions == 0) return {};
  return Fail(ErrorCode::kCorrupt,
              "{} messages of the inspectors could not be read and {} times their memory was damaged: the events are "
              "incomplete; this is a fault of the program, report it with the capture",
              summary.messages_refused, summary.ring_corruptions);
}

void PrintSummary(const supervisor::Summary& summary, const process::InspectorGroup& group) {
  std::vector<const Alert*> alerts;
  for (const auto& [id, alert] : summary.alerts) alerts.push_back(&alert);
  std::ranges::sort(alerts, [](const Alert* a, const Alert* b) {
    return std::pair(-static_cast<int>(a->severity), a->first) < std::pair(-static_cast<int>(b->severity), b->first);
  });
  std::fprintf(stderr, alerts.empty() ? "No alert.\n" : "Alerts: %zu\n", alerts.size());
  for (const Alert* alert : alerts) PrintAlert(*alert);
  std::uint64_t packets = 0, bytes = 0;
  for (std::size_t i = 0; i < group.count(); ++i) {
    packets += group.block(i).counters.Get(Counter::packets_captured);
    bytes += group.block(i).counters.Get(Counter::bytes_captured);
  }
  std::fprintf(
      stderr, "Inspected %llu packets, %s; %llu sightings (%llu authorized), %llu transfers, %llu anomalies.\n",
      static_cast<unsigned long long>(packets), Amount(bytes).c_str(),
      static_cast<unsigned long long>(summary.sightings), static_cast<unsigned long long>(summary.authorised_sightings),
      static_cast<unsigned long long>(summary.transfers), static_cast<unsigned long long>(summary.anomalies));
  std::fprintf(stderr, "Egress by visibility:");
  for (const auto& [visibility, amount] : summary.egress_bytes) {
    std::fprintf(stderr, " %s %s;", visibility.c_str(), Amount(amount).c_str());
  }
  std::fprintf(stderr, summary.egress_bytes.empty() ? " none.\n" : "\n");
  PrintCrossing(summary, group);
  for (const auto& [code, count] : summary.anomaly_counts) {
    std::fprintf(stderr, "Anomaly %s: %llu\n", code.c_str(), static_cast<unsigned long long>(count));
  }
}

}  // namespace spanwatch::cli
