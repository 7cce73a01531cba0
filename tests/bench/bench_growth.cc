// bench_growth [--check]: what one more costs when there are many already. Each thing that an inspector or the
// supervisor keeps is grown by tens, and the cost of one printed; it should not grow with how many there are. --check
// (a test) fails where the dearest costs ten times the cheapest, which a walk over all of them does at once.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "alert/alert_book.h"
#include "inspector/flow_sightings.h"
#include "inspector/ring_sink.h"
#include "process/ring.h"
#include "state/state.h"
#include "support/fake_index.h"

namespace spanwatch {
namespace {

constexpr std::size_t kLeast = 100;
constexpr std::size_t kMost = 100'000;
constexpr double kDearest = 10;  // times the cheapest, for --check: caches count, and a walk costs a thousand times
constexpr std::size_t kPacketsPerPicture = 10;

constexpr PacketTime kStart = PacketTimeFromNanoseconds(1'557'713'500'000'000'000);

// Processor time of this process since it was made.
class Stopwatch {
 public:
  double nanoseconds() const { return Now() - begin_; }

 private:
  static double Now() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  }
  double begin_ = Now();
};

class Nowhere : public InspectorSink {
 public:
  void OnMessage(const InspectorMessage&) noexcept override {}
};

// Registered pictures in one stream that nobody parses: their evidence is held to the end of the flow, and every packet
// asks whether something of it is to be told.
double HeldEvidence(std::size_t pictures) {
  FakeIndex index;
  for (std::size_t i = 0; i < pictures; ++i) index.Add({});
  const config::Limits limits;
  Counters counters;
  Nowhere sink;
  PacketTime now = kStart;
  inspector::FlowSightings sightings({index, limits, counters, sink, now, [](Direction) { return FlowSummary{}; },
                                      [](Direction, ItemRef) { return PictureEvidence{}; }});
  ObjectInfo info;
  info.step = "carved jpeg";
  const Provenance provenance{"tcp stream", info.step};
  const Stopwatch watch;
  for (std::size_t i = 0; i < pictures; ++i) {
    ObjectContext context;
    context.info = &info;
    context.provenance = &provenance;
    context.id = static_cast<std::uint32_t>(i);
    inspector::ObjectEvidence& evidence = sightings.Begin(context, true);
    Match match;
    match.item.row = static_cast<std::uint32_t>(i);
    evidence.OnMatch(match);
    sightings.Complete(evidence, ObjectEnd::kComplete, now);
    for (std::size_t packet = 0; packet < kPacketsPerPicture; ++packet) {
      now += std::chrono::microseconds(100);
      const auto deadline = sightings.next_deadline();
      if (deadline && *deadline <= now) sightings.TellEarly(now);
    }
  }
  sightings.Finish(now);
  return watch.nanoseconds();
}

// Sightings of one flow while the supervisor takes nothing.
double MergedSightings(std::size_t count) {
  const auto memory = process::MakeRing(1 << 16);
  const config::Limits limits = [] {
    config::Limits small;
    small.inspector_waiting_bytes = 4096;
    return small;
  }();
  Counters counters;
  inspector::RingSink sink(
      std::move(*process::RingWriter::Open(memory->get())), inspector::RingSink::WhenFull::kQueue,
      [](const std::string& text) { return text; }, limits, counters, [] { return false; });
  Sighting sighting;
  sighting.collection = "lanes";
  sighting.items.resize(1);
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(sighting.items[0].id.data(), &i, sizeof(i));
    sink.OnMessage(sighting);
    sink.Flush();  // as after every packet
  }
  return watch.nanoseconds();
}

// Senders that each raise an alert of their own; beyond the limit the quietest closes.
double OpenAlerts(std::size_t count) {
  const config::Limits limits;
  Counters counters;
  auto state = state::State::Open(":memory:", limits, counters);
  if (!state) std::exit(2);
  alert::AlertBook book("bench", limits, (*state)->alerts(), counters);
  if (!book.Load()) std::exit(2);
  Sighting sighting;
  sighting.time = kStart;
  sighting.collection = "lanes";
  sighting.items.resize(1);
  const Stopwatch watch;
  for (std::size_t i = 0; i < count; ++i) {
    sighting.time += std::chrono::milliseconds(1);
    sighting.flow.flow_id = i;
    Verdict verdict;
    RuleMatch& match = verdict.matches.emplace_back();
    match.rule_id = "rule";
    match.group = {{"source.ip", std::to_string(i)}};
    if (!(*state)->Begin() || !book.OnVerdict(std::to_string(i), sighting, verdict) || !book.Save() ||
        !(*state)->Commit()) {
      std::exit(2);
    }
  }
  return watch.nanoseconds();
}

// True when it is as good as flat.
bool Grow(const char* what, const std::function<double(std::size_t)>& run) {
  double cheapest = 0, dearest = 0;
  std::printf("%-40s", what);
  for (std::size_t count = kLeast; count <= kMost; count *= 10) {
    // The small ones several times, so that each takes about as long.
    const std::size_t rounds = std::max<std::size_t>(1, kMost / count / 10);
    double taken = 0;
    for (std::size_t round = 0; round < rounds; ++round) taken += run(count);
    const double each = taken / static_cast<double>(rounds * count);
    std::printf("%12.0f", each);
    std::fflush(stdout);
    cheapest = count == kLeast ? each : std::min(cheapest, each);
    dearest = std::max(dearest, each);
  }
  std::printf("%10.2f\n", dearest / cheapest);
  return dearest <= kDearest * cheapest;
}

int Run(bool check) {
  std::printf("%-40s", "ns for one more, when there are");
  for (std::size_t count = kLeast; count <= kMost; count *= 10) std::printf("%12zu", count);
  std::printf("%10s\n", "ratio");
  bool flat = Grow("pictures held in a stream", HeldEvidence);
  flat = Grow("sightings merged while the ring is full", MergedSightings) && flat;
  flat = Grow("alerts, each of a sender of its own", OpenAlerts) && flat;
  return check && !flat ? 1 : 0;
}

}  // namespace
}  // namespace spanwatch

int main(int argc, char** argv) { return spanwatch::Run(argc > 1 && std::strcmp(argv[1], "--check") == 0); }
