// SupervisorSetup: what the launcher tells a supervisor when it starts, and the messages it takes while it runs. Sent
// over its ControlChannel with the descriptors in the order given here. No key and no traffic is in it.
#pragma once

#include <string>
#include <vector>

#include "process/control_channel.h"

namespace spanwatch::process {

// Exit status of a supervisor that ended in order on a full disk, so that what waited in its memory is lost.
constexpr int kSupervisorLost = 3;

// What is in force of one hash set, for the log and for metrics.
struct HashSetFacts {
  std::string name;
  std::string digest;  // of the signed manifest, in hex
  std::uint64_t serial = 0;
  std::int64_t created = 0;    // when its owner signed it: wall clock, nanoseconds
  std::int64_t loaded_at = 0;  // wall clock, nanoseconds
  bool superseded = false;     // a later delta of its chain counts what it holds
  std::uint64_t images = 0;
  std::uint64_t records = 0;
  std::uint64_t files = 0;
  std::uint64_t negatives = 0;           // of negative banks, whatever their kind
  std::uint64_t unsearched_records = 0;  // of `records`: their key is missing
};

struct SupervisorSetup {
  struct InspectorPart {
    UniqueFd ring;
    UniqueFd shared_block;
    std::uint64_t incarnation = 0;  // of the ring: unique for ever, since sequences begin at 1 in each ring
    bool running = false;
  };

  std::string run_as;
  bool verbose = false;
  UniqueFd launcher_block;  // the launcher's own counters
  UniqueFd generation;      // what it goes by (supervisor/edition.h)
  std::vector<InspectorPart> inspectors;
  std::vector<HashSetFacts> hashsets;
};

Status SendSetup(ControlChannel& channel, const SupervisorSetup& setup);
Result<SupervisorSetup> ReceiveSupervisorSetup(ControlChannel& channel);

// While it runs. From the launcher: reload, an inspector ended or began again, drain (all inspectors have ended: judge
// what is left, deliver, end). From the supervisor: ready, the reload took effect, it wants one (a hash set was
// pulled), an inspector is not to be believed (its ring is corrupt, or it tells nothing). From either: a reload was
// refused (it has said why). The launcher answers distrust with a new ring; the inspector's end and its successor's
// start are told as always.
enum class SupervisorMessage : std::uint8_t {
  kReload = 64,
  kInspectorEnded,
  kInspectorStarted,
  kDrain,
  kReady,
  kReloaded,
  kReloadRefused,
  kWantsReload,
  kDistrusts,
  kRingReplaced
};

struct SupervisorReload {
  UniqueFd generation;
  std::vector<HashSetFacts> hashsets;
};
Status SendReload(ControlChannel& channel, int generation, const std::vector<HashSetFacts>& hashsets);
// REQUIRES: the body's first byte is kReload.
Result<SupervisorReload> ParseSupervisorReload(ControlMessage message);
Status SendAboutInspector(ControlChannel& channel, SupervisorMessage what, std::uint32_t inspector);
// REQUIRES: the body's first byte is kInspectorEnded, kInspectorStarted or kDistrusts.
Result<std::uint32_t> ParseAboutInspector(ByteView body);

struct ReplacedRing {
  std::uint32_t inspector = 0;
  std::uint64_t incarnation = 0;
  UniqueFd ring;
};
Status SendRingReplaced(ControlChannel& channel, const ReplacedRing& replaced);
// REQUIRES: the body's first byte is kRingReplaced.
Result<ReplacedRing> ParseRingReplaced(ControlMessage message);

}  // namespace spanwatch::process
