// What `replay` and `inspect` have in common on the command line, and what `run` takes from its configuration: the hash
// sets, whom to trust, keys, networks. Also opens them: sets verified, keys derived.
#pragma once

#include "cli/command.h"
#include "config/config.h"
#include "process/inspector_setup.h"
#include "process/supervisor_setup.h"
#include "supervisor/hashset_store.h"

namespace spanwatch::cli {

inline constexpr std::size_t kOfflineRingBytes = 64u << 20;  // of an inspector of `replay` and `inspect`

struct SensorOptions {
  std::string config_file;
  std::vector<std::string> hashsets;
  std::vector<std::string> trust;
  std::vector<std::string> record_keys;  // the n-th belongs to the n-th hash set
  std::vector<std::string> inside;
  std::string rules;
  bool allow_unsigned = false;
  std::string state;
  std::string events;
  std::string metrics;
  std::uint32_t inspectors = 1;
};

void AddHashSetOptions(CLI::App& command, SensorOptions& options);
// `names` are what a command inspects, as the command line gave them: a hash set or a key among them was meant for an
// option, which takes one value each time.
Status CheckInspected(const std::vector<std::string>& names);
// The configuration file (if any) with the command line's settings over it. Nothing is taken from the defaults of a
// live sensor: no state, no event file, no metrics unless the command line or the file asks for it.
Result<config::Config> ConfigOf(const SensorOptions& options);

struct OpenedHashSets {
  std::vector<Bytes> trusted_keys;
  std::vector<Bytes> set_keys;  // and the pinned signers of sets that are pulled: they sign sets, no rules
  std::vector<process::HashSetInput> inputs;
  std::vector<process::HashSetFacts> facts;
};

// How a live sensor takes its sets in: through its store.
struct HashSetIntake {
  supervisor::HashSetStore& store;
  supervisor::HashSetStore::When when;
};

// Opens, verifies signature and checksums, derives the record keys. A missing record key is one warning. With `intake`
// the sets are copies in the sensor's store, so that nobody changes them under their readers; without it they are where
// they are. One that was not pulled yet, or is held back, is left out with a warning.
Result<OpenedHashSets> OpenHashSets(const config::Config& config, const HashSetIntake* intake = nullptr);

}  // namespace spanwatch::cli
