// InspectorSetup: everything an inspector is told when it starts, and the messages it takes while it runs. Sent over
// its ControlChannel with the descriptors in the order given here; keys travel inside the body and are wiped by both
// sides.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "config/limits.h"
#include "model/zones.h"
#include "process/control_channel.h"

namespace spanwatch::process {

enum class InspectorMode : std::uint8_t { kLive, kReplay, kFiles };

struct HashSetInput {
  UniqueFd file;     // the verified set
  Bytes record_key;  // 32 bytes, or empty: its records stay unsearched
  std::string name;  // for messages
};

struct NamedFile {
  std::string name;
  UniqueFd file;
};

struct InspectorSetup {
  InspectorMode mode = InspectorMode::kReplay;
  std::string sensor_name;
  std::string interface;    // live: the interface to capture on
  std::string run_as;       // live: user to become; empty: stay
  std::uint32_t index = 0;  // which of `count` inspectors this is
  std::uint32_t count = 1;
  std::uint16_t fanout_group = 0;
  bool join_fanout = false;
  bool carry_on = false;   // a successor: joins an existing group
  bool tag_names = false;  // names: tagged
  bool verbose = false;
  Zones zones;
  std::uint64_t generation = 0;  // digest of the configuration it goes by
  config::Limits limits;
  std::vector<Bytes> trusted_keys;  // Ed25519 public keys
  UniqueFd shared_block;            // SharedBlock
  UniqueFd ring;
  // Live, of several: this inspector's handover channel, and those of all by index (its own is empty).
  UniqueFd handover_receiving;
  std::vector<UniqueFd> handover_sending;
  std::vector<HashSetInput> hashsets;
  std::vector<NamedFile> inputs;  // replay: captures; files: what to inspect
};

Status SendSetup(ControlChannel& channel, const InspectorSetup& setup);
Result<InspectorSetup> ReceiveSetup(ControlChannel& channel);

// While it runs. From the launcher: reload, drain. From the inspector: its capture socket
// with the link type (i32) when it has joined, ready when it is sealed and inspects, reloaded.
enum class ControlKind : std::uint8_t { kSetup, kReload, kDrain, kReady, kCaptureSocket, kReloaded };

// What takes effect in a running inspector, in place of the same in its setup.
struct InspectorReload {
  std::uint64_t generation = 0;
  bool tag_names = false;
  Zones zones;
  std::vector<Bytes> trusted_keys;
  std::vector<HashSetInput> hashsets;
};
Status SendReload(ControlChannel& channel, const InspectorReload& reload);
// REQUIRES: the body's first byte is kReload.
Result<InspectorReload> ParseReload(ControlMessage message);

}  // namespace spanwatch::process
