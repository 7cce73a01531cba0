#include "supervisor/metrics_exporter.h"

#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/time.h"

namespace spanwatch::supervisor {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr auto kCacheTime = std::chrono::seconds(1);
constexpr auto kMethods = Enumerators<Method>();
constexpr auto kCrossings = Enumerators<Crossing>();
constexpr std::string_view kDatasets[] = {"spanwatch.sighting", "spanwatch.transfer", "spanwatch.anomaly",
                                          "spanwatch.alert"};

// `key="value",other="value"` as counters.def writes labels.
std::vector<ClientMetric::Label> ParseLabels(std::string_view text) {
  std::vector<ClientMetric::Label> labels;
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    CHECK(equals != std::string_view::npos);
    const std::size_t end = text.find('"', equals + 2);
    CHECK(end != std::string_view::npos);
    labels.push_back({std::string(text.substr(0, equals)), std::string(text.substr(equals + 2, end - equals - 2))});
    text.remove_prefix(std::min(text.size(), end + 2));  // the quote and a comma
  }
  return labels;
}

bool IsCounter(std::string_view metric) { return metric.ends_with("_total"); }
// Of points in time the latest one is meant, never a sum.
bool IsTimestamp(std::string_view metric) { return metric.ends_with("_timestamp_seconds"); }

std::size_t SightingIndex(Method method, Confidence confidence, bool authorised, Crossing crossing) {
  std::size_t index = static_cast<std::size_t>(method);
  index = index * kCountOf<Confidence> + static_cast<std::size_t>(confidence);
  index = index * 2 + static_cast<std::size_t>(authorised);
  return index * kCountOf<Crossing> + static_cast<std::size_t>(crossing);
}

void AddSample(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

MetricFamily Single(MetricType type, std::string_view name, std::string_view help,
                    std::vector<std::pair<std::vector<ClientMetric::Label>, double>> values) {
  MetricFamily family{"spanwatch_" + std::string(name), std::string(help), type, {}};
  for (auto& [labels, value] : values) AddSample(family, std::move(labels), value);
  return family;
}

// A digest is no label (design.md section 7), but as many bits of it as a sample holds exactly tell two apart.
double DigestNumber(std::string_view hex) {
  std::uint64_t number = 0;
  std::from_chars(hex.data(), hex.data() + std::min<std::size_t>(hex.size(), 12), number, 16);
  return static_cast<double>(number);
}

}  // namespace

class MetricsExporter::InspectorCounters : public prometheus::Collectable {
 public:
  std::vector<MetricFamily> Collect() const override {
    // By name, so that lines of one metric meet wherever they stand in the list.
    std::map<std::string_view, MetricFamily> families;
    for (std::size_t i = 0; i < kCounters.size(); ++i) {
      const CounterDescription& description = kCounters[i];
      const MetricType type = IsCounter(description.metric) ? MetricType::Counter : MetricType::Gauge;
      MetricFamily& family = families[description.metric];
      if (family.metric.empty()) family = Single(type, description.metric, description.help, {});
      AddSample(family, ParseLabels(description.labels), static_cast<double>(Value(i)));
    }
    std::vector<MetricFamily> all;
    for (auto& [name, family] : families) all.push_back(std::move(family));
    return all;
  }

  void Add(const Counters& block) { blocks_.push_back(&block); }

  void Retire(const Counters& block) {
    std::erase(blocks_, &block);
    for (std::size_t i = 0; i < kCounters.size(); ++i) {
      if (IsCounter(kCounters[i].metric)) retired_[i] += block.values[i].load(std::memory_order_relaxed);
    }
  }

 private:
  std::uint64_t Value(std::size_t index) const {
    std::uint64_t value = retired_[index];
    for (const Counters* block : blocks_) {
      const std::uint64_t own = block->values[index].load(std::memory_order_relaxed);
      value = IsTimestamp(kCounters[index].metric) ? std::max(value, own) : value + own;
    }
    return value;
  }

  std::vector<const Counters*> blocks_;
  std::array<std::uint64_t, kCounters.size()> retired_{};
};

// What the shared pages hold beside the counters.
class MetricsExporter::InspectorPages : public prometheus::Collectable {
 public:
  std::vector<MetricFamily> Collect() const override {
    MetricFamily anomalies =
        Single(MetricType::Counter, "anomalies_total",
               "Anomalies that inspectors met, by code; events of them are rate-limited, this is not.", {});
    for (std::size_t code = 0; code < kAnomalies.size(); ++code) {
      const auto of_code = [&](const process::SharedBlock& page) -> const auto& { return page.anomalies[code]; };
      AddSample(anomalies, {{"code", std::string(kAnomalies[code].name)}}, Sum(of_code));
    }
    const double forbidden = Sum([](const process::SharedBlock& page) -> const auto& { return page.forbidden_calls; });
    std::int64_t latest = 0;
    for (const process::SharedBlock* page : pages_) {
      latest = std::max(latest, page->last_packet_time.load(std::memory_order_relaxed));
    }
    return {std::move(anomalies),
            Single(MetricType::Counter, "sandbox_forbidden_calls_total",
                   "System calls that the sandbox refused to inspectors.", {{{}, forbidden}}),
            Single(MetricType::Gauge, "last_packet_timestamp_seconds",
                   "Packet time of the latest packet, since the Unix epoch; 0 before the first.",
                   {{{}, static_cast<double>(latest) / 1e9}})};
  }

  void Add(const process::SharedBlock& page) { pages_.push_back(&page); }

 private:
  template <typename Field>
  double Sum(Field field) const {
    std::uint64_t sum = 0;
    for (const process::SharedBlock* page : pages_) sum += field(*page).load(std::memory_order_relaxed);
    return static_cast<double>(sum);
  }

  std::vector<const process::SharedBlock*> pages_;
};

class MetricsExporter::Figures : public prometheus::Collectable {
 public:
  explicit Figures(std::function<SupervisorFigures()> source) : source_(std::move(source)) {}

  std::vector<MetricFamily> Collect() const override {
    const SupervisorFigures figures = source_();
    std::vector<MetricFamily> all;
    const auto gauge = [&](std::string_view name, std::string_view help, double value) {
      all.push_back(Single(MetricType::Gauge, name, help, {{{}, value}}));
    };
    AddWebhooks(figures, all);
    gauge("alerts_open", "Alerts that are open.", static_cast<double>(figures.alerts_open));
    gauge("inspectors_alive", "Inspectors that run.", static_cast<double>(figures.inspectors_alive));
    gauge("capture_interface_down", "1 while the interface is gone, down or without carrier; 0 in a replay.",
          figures.interface_down ? 1 : 0);
    all.push_back(Single(MetricType::Counter, "inspector_restarts_total", "Inspectors started again after they ended.",
                         {{{}, static_cast<double>(figures.inspector_restarts)}}));
    all.push_back(Single(MetricType::Counter, "ring_refused_messages_total",
                         "Messages of inspectors that the supervisor could not believe, by reason.",
                         {{{{"reason", "undecodable"}}, static_cast<double>(figures.ring_messages_undecodable)},
                          {{{"reason", "corrupt"}}, static_cast<double>(figures.ring_corruptions)}}));
    all.push_back(Single(MetricType::Gauge, "rules", "Rules and authorisations in force, by kind.",
                         {{{{"kind", "detection"}}, static_cast<double>(figures.rules.detections)},
                          {{{"kind", "correlation"}}, static_cast<double>(figures.rules.correlations)},
                          {{{"kind", "filter"}}, static_cast<double>(figures.rules.filters)},
                          {{{"kind", "authorisation"}}, static_cast<double>(figures.rules.authorisations)}}));
    gauge("rules_signed", "1 when every rule in force is signed by a trusted key.", figures.rules.all_signed ? 1 : 0);
    gauge("rules_serial", "Serial of the signature over the rules in force; 0: unsigned, or the program's own.",
          static_cast<double>(figures.rules.serial));
    gauge("sightings_crossed_nothing",
          "1 when registered material was seen since the zones came into force, and none of it crossed them.",
          figures.crossed_nothing ? 1 : 0);
    gauge("config_digest",
          "The first 48 bits of the digest over configuration, rules and hash sets in force, as a number.",
          static_cast<double>(figures.generation));
    MetricFamily other = Single(MetricType::Gauge, "inspector_of_other_generation",
                                "1 while an inspector goes by another configuration than the supervisor.", {});
    for (std::size_t i = 0; i < figures.of_other_generation.size(); ++i) {
      AddSample(other, {{"inspector", std::to_string(i)}}, figures.of_other_generation[i] ? 1 : 0);
    }
    all.push_back(std::move(other));
    gauge("config_restart_wanted_settings", "Settings that were changed and take effect at the next start only.",
          static_cast<double>(figures.settings_that_need_restart));
    gauge("config_last_reload_successful", "1 when the last reload took effect.",
          figures.last_reload_successful ? 1 : 0);
    gauge("config_last_reload_timestamp_seconds", "When configuration and rules were last read.",
          figures.last_reload_timestamp_seconds);
    gauge("state_bytes", "Size of the state file.", static_cast<double>(figures.state_bytes));
    gauge("state_held", "1 while the disk of the state is full and what is found waits in memory.",
          figures.state_held ? 1 : 0);
    gauge("event_file_failing", "1 while the event file cannot be written.", figures.event_file_failing ? 1 : 0);
    AddDisks(figures, all);
    AddHashsets(figures, all);
    AddProcess(all);
    return all;
  }

 private:
  static void AddDisks(const SupervisorFigures& figures, std::vector<MetricFamily>& all) {
    MetricFamily free =
        Single(MetricType::Gauge, "disk_free_bytes", "Room on the disk of the state and of the events.", {});
    MetricFamily size =
        Single(MetricType::Gauge, "disk_size_bytes", "Size of the disk of the state and of the events.", {});
    for (const SupervisorFigures::Disk& disk : figures.disks) {
      AddSample(free, {{"of", disk.what}}, static_cast<double>(disk.space.free_bytes));
      AddSample(size, {{"of", disk.what}}, static_cast<double>(disk.space.size_bytes));
    }
    all.push_back(std::move(free));
    all.push_back(std::move(size));
  }

  // The names of endpoints are the operator's own: a bounded label. Without a webhook there is one series without it,
  // so that every metric exists.
  static void AddWebhooks(const SupervisorFigures& figures, std::vector<MetricFamily>& all) {
    MetricFamily attempts = Single(MetricType::Counter, "webhook_deliveries_total",
                                   "Delivery attempts that ended, by endpoint and class of the HTTP status; none: no "
                                   "answer, other: not by HTTP.",
                                   {});
    MetricFamily queue =
        Single(MetricType::Gauge, "webhook_queue_length", "Alert messages that wait to be delivered.", {});
    MetricFamily dead = Single(MetricType::Gauge, "webhook_dead_letters", "Alert messages that were given up.", {});
    MetricFamily oldest = Single(MetricType::Gauge, "webhook_oldest_pending_age_seconds",
                                 "Age of the oldest alert message that waits.", {});
    MetricFamily disabled = Single(MetricType::Gauge, "webhook_disabled",
                                   "1 when the receiver answered 410 and nothing is sent to it any more.", {});
    std::vector<alert::EndpointFigures> webhooks = figures.webhooks;
    if (webhooks.empty()) webhooks.emplace_back();
    for (const alert::EndpointFigures& webhook : webhooks) {
      const std::vector<ClientMetric::Label> endpoint{{"endpoint", webhook.endpoint}};
      for (const alert::AttemptResult result : Enumerators<alert::AttemptResult>()) {
        AddSample(attempts, {endpoint.front(), {"status", std::string(ToString(result))}},
                  static_cast<double>(webhook.attempts[static_cast<std::size_t>(result)]));
      }
      AddSample(queue, endpoint, static_cast<double>(webhook.pending));
      AddSample(dead, endpoint, static_cast<double>(webhook.dead));
      AddSample(oldest, endpoint, webhook.oldest_pending_age_seconds);
      AddSample(disabled, endpoint, webhook.disabled ? 1 : 0);
    }
    for (MetricFamily* family : {&attempts, &queue, &dead, &oldest, &disabled}) all.push_back(std::move(*family));
  }

  // Of each set the facts that are told by its name. The name is the owner's, and at most eight are loaded: a bounded
  // label. Of a chain the last delta speaks; of two sets of one name the older one, and each name is told once.
  static void AddHashsets(const SupervisorFigures& figures, std::vector<MetricFamily>& all) {
    std::map<std::string, process::HashSetFacts> by_name;
    std::array<std::uint64_t, 4> items{};
    std::uint64_t unsearched = 0;
    for (const process::HashSetFacts& hashset : figures.hashsets) {
      items[0] += hashset.images;
      items[1] += hashset.records;
      items[2] += hashset.files;
      items[3] += hashset.negatives;
      unsearched += hashset.unsearched_records;
      if (hashset.superseded) continue;
      const auto [place, first] = by_name.emplace(hashset.name, hashset);
      if (!first && hashset.created < place->second.created) place->second = hashset;
    }
    const auto each = [&](std::string_view name, std::string_view help, auto value) {
      MetricFamily family = Single(MetricType::Gauge, name, help, {});
      for (const auto& [set, facts] : by_name) AddSample(family, {{"hashset", set}}, value(facts));
      all.push_back(std::move(family));
    };
    each("hashset_created_timestamp_seconds", "When its owner made and signed a hash set.",
         [](const process::HashSetFacts& facts) { return static_cast<double>(facts.created) / 1e9; });
    each("hashset_loaded_timestamp_seconds", "When a hash set was loaded.",
         [](const process::HashSetFacts& facts) { return static_cast<double>(facts.loaded_at) / 1e9; });
    each("hashset_serial", "Serial of a hash set.",
         [](const process::HashSetFacts& facts) { return static_cast<double>(facts.serial); });
    each("hashset_digest", "The first 48 bits of a hash set's digest, as a number.",
         [](const process::HashSetFacts& facts) { return DigestNumber(facts.digest); });
    all.push_back(Single(MetricType::Gauge, "hashset_items", "Registered items in the loaded hash sets, by kind.",
                         {{{{"kind", "image"}}, static_cast<double>(items[0])},
                          {{{"kind", "record"}}, static_cast<double>(items[1])},
                          {{{"kind", "file"}}, static_cast<double>(items[2])},
                          {{{"kind", "negative"}}, static_cast<double>(items[3])}}));
    all.push_back(Single(MetricType::Gauge, "hashset_unsearched_records",
                         "Registered records that are not looked for, since their record key is missing.",
                         {{{}, static_cast<double>(unsearched)}}));
  }

  static void AddProcess(std::vector<MetricFamily>& all) {
    std::uint64_t pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    MetricFamily memory = Single(MetricType::Gauge, "", "Resident memory of the supervisor.",
                                 {{{}, static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE))}});
    memory.name = "process_resident_memory_bytes";
    all.push_back(std::move(memory));
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    MetricFamily processor = Single(MetricType::Counter, "", "Processor time of the supervisor.",
                                    {{{}, static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9}});
    processor.name = "process_cpu_seconds_total";
    all.push_back(std::move(processor));
  }

  std::function<SupervisorFigures()> source_;
};

MetricsExporter::MetricsExporter(std::string revision, std::function<SupervisorFigures()> figures)
    : inspector_counters_(std::make_shared<InspectorCounters>()),
      inspector_pages_(std::make_shared<InspectorPages>()),
      figures_(std::make_shared<Figures>(std::move(figures))) {
  auto& build = prometheus::BuildGauge().Name("spanwatch_build_info").Help("What runs; always 1.").Register(registry_);
  build.Add({{"version", SPANWATCH_VERSION}, {"revision", revision}}).Set(1);
  auto& start = prometheus::BuildGauge()
                    .Name("process_start_time_seconds")
                    .Help("When the supervisor began, since the Unix epoch.")
                    .Register(registry_);
  start.Add({}).Set(std::chrono::duration<double>(WallClockNow().time_since_epoch()).count());

  auto& sightings = prometheus::BuildCounter()
                        .Name("spanwatch_sightings_total")
                        .Help("Sightings of registered material, completed objects, by how they were recognised.")
                        .Register(registry_);
  for (const Method method : kMethods) {
    for (const Confidence confidence : Enumerators<Confidence>()) {
      for (const bool authorised : {false, true}) {
        for (const Crossing crossing : kCrossings) {
          sightings_[SightingIndex(method, confidence, authorised, crossing)] =
              &sightings.Add({{"method", std::string(ToString(method))},
                              {"confidence", std::string(ToString(confidence))},
                              {"authorized", authorised ? "true" : "false"},
                              {"direction", std::string(ToString(crossing))}});
        }
      }
    }
  }
  auto& alerts =
      prometheus::BuildCounter().Name("spanwatch_alerts_total").Help("Alerts opened, by severity.").Register(registry_);
  for (const Severity severity : Enumerators<Severity>()) {
    alerts_[static_cast<std::size_t>(severity)] = &alerts.Add({{"severity", std::string(ToString(severity))}});
  }
  auto& events =
      prometheus::BuildCounter().Name("spanwatch_events_total").Help("Events written, by dataset.").Register(registry_);
  for (std::size_t i = 0; i < events_.size(); ++i) events_[i] = &events.Add({{"dataset", std::string(kDatasets[i])}});
}

void MetricsExporter::AddCounters(const Counters& block) { inspector_counters_->Add(block); }
void MetricsExporter::RetireCounters(const Counters& block) { inspector_counters_->Retire(block); }
void MetricsExporter::AddInspector(const process::SharedBlock& block) {
  inspector_counters_->Add(block.counters);
  inspector_pages_->Add(block);
}

void MetricsExporter::CountSighting(Method method, Confidence confidence, bool authorised, Crossing crossing) {
  sightings_[SightingIndex(method, confidence, authorised, crossing)]->Increment();
}
void MetricsExporter::CountAlert(Severity severity) { alerts_[static_cast<std::size_t>(severity)]->Increment(); }
void MetricsExporter::CountEvent(EventDataset dataset) { events_[static_cast<std::size_t>(dataset)]->Increment(); }

std::string MetricsExporter::Render() {
  const auto now = std::chrono::steady_clock::now();
  if (now < cached_until_) return cached_;
  std::vector<MetricFamily> families = registry_.Collect();
  const prometheus::Collectable* const sources[] = {inspector_counters_.get(), inspector_pages_.get(), figures_.get()};
  for (const prometheus::Collectable* source : sources) {
    for (MetricFamily& family : source->Collect()) {
      // A metric without a series is left out: its help alone says nothing.
      if (!family.metric.empty()) families.push_back(std::move(family));
    }
  }
  std::ranges::sort(families, {}, &MetricFamily::name);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  cached_ = text.str();
  cached_until_ = now + kCacheTime;
  return cached_;
}

}  // namespace spanwatch::supervisor
