// Sighting, TransferSummary, AnomalyReport: what an inspector tells the supervisor, through the ring (design.md section
// 6).
//
// Values own their content; no raw plate, pixel or payload byte is ever in one. Names are already masked.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/flow_facts.h"
#include "model/match.h"
#include "model/object.h"
#include "model/zones.h"

namespace spanwatch {

// The parts of a flow that every event repeats, seen from the sender of the bytes.
struct FlowSummary {
  std::uint64_t flow_id = 0;
  Endpoint source;  // who sent the bytes
  Endpoint destination;
  bool from_client = true;
  Transport transport = Transport::kOther;
  std::uint8_t ip_protocol = 0;
  Crossing crossing = Crossing::kInternal;
  std::array<std::uint16_t, 2> vlan{};
  std::vector<Encapsulation> encapsulations;
  std::string interface_name;
  std::string community_id;
  FlowFacts facts;
};

struct SightedItem {
  ItemId id{};
  Method method = Method::kExact;
  Confidence confidence = Confidence::kSure;
  std::uint16_t distance = 0;
  View view = View::kFull;
  float coverage = 0;
  bool supported = false;
  std::vector<Provenance> provenances;  // where else in this flow, at most 8, the best first
};

enum class SightingPhase : std::uint8_t { kFirst, kComplete };
template <>
inline constexpr std::size_t kCountOf<SightingPhase> = 2;

// Registered material of one collection in one object of one flow, recognised by one method with one confidence.
// `items` has no limit here; an event lists 32 of them.
struct Sighting {
  PacketTime time;  // packet time of the decision
  SightingPhase phase = SightingPhase::kComplete;
  FlowSummary flow;
  std::uint32_t object_id = 0;
  ObjectKind object_kind = ObjectKind::kMessage;
  std::string object_name;        // masked
  std::string media_type;         // what the bytes are, else as declared
  std::uint64_t object_size = 0;  // bytes seen so far
  bool object_complete = false;   // no byte missing
  std::optional<Sha256Digest> sha256;
  Provenance provenance;  // masked
  bool evasive = false;
  std::string collection;
  std::string hashset_name;
  std::uint64_t hashset_serial = 0;
  Method method = Method::kExact;  // of every item (a merged sighting: the best among them)
  Confidence confidence = Confidence::kSure;
  std::vector<SightedItem> items;
  std::optional<RecordEvidence> records;
  std::optional<ArchiveEvidence> archive;
  std::optional<PictureEvidence> pictures;
};

// What the conversations have in common that one transfer of a flood stands for.
struct FloodSum {
  Flood flood = Flood::kNone;
  std::uint64_t conversations = 0;
  Network sources;  // the smallest networks that hold all of their ends
  Network destinations;
};

// One direction of one conversation that crosses: emitted at its end, and every few minutes while it runs.
struct TransferSummary {
  PacketTime time;
  PacketTime start;
  FlowSummary flow;
  DirectionCounters counters;
  std::uint64_t objects = 0;
  std::uint64_t opaque_bytes = 0;  // delivered bytes that nothing could look into
  bool lpr_structure = false;      // plate-reader structures or names seen, registered or not (domain.md, E5)
  bool encrypted_archive = false;  // an archive that needs a password was seen
  bool evasive = false;
  bool final = true;
  std::optional<FloodSum> flood;  // it stands for many conversations; the ends of `flow` are then networks
};

struct AnomalyReport {
  PacketTime time;
  std::string code;         // from telemetry/anomalies.def
  std::uint64_t count = 1;  // since the last report of the same code and flow
  std::optional<FlowSummary> flow;
};

// Everything before `time` has been reported by this inspector (design.md section 9.1).
struct Watermark {
  PacketTime time;
};

using InspectorMessage = std::variant<Sighting, TransferSummary, AnomalyReport, Watermark>;

// Implemented by the ring's writer; by recorders in tests.
class InspectorSink {
 public:
  virtual ~InspectorSink() = default;
  virtual void OnMessage(const InspectorMessage& message) noexcept = 0;
};

}  // namespace spanwatch
