// What `replay` and `inspect` have in common on the command line, and what `run` takes from its configuration: the hash
// sets, whom to trust, keys, networks. Also opens them: sets verified, keys derived.
#pragma once

#include "cli/command.h"
#include "config/config.h"
#include "process/inspector_setup.h"
#include "supervisor/metrics_exporter.h"

namespace spanwatch::cli {

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
// The configuration file (if any) with the command line's settings over it. Nothing is taken from the defaults of a
// live sensor: no state, no event file, no metrics unless the command line or the file asks for it.
Result<config::Config> ConfigOf(const SensorOptions& options);

struct OpenedHashSets {
  std::vector<Bytes> trusted_keys;
  std::vector<process::HashSetInput> inputs;
  std::vector<supervisor::HashsetFigures> figures;
};

// Opens, verifies signature and checksums, derives the record keys. A missing record key is one warning. With `keep_in`
// each set is first copied into that directory (mode 0400, without a name there), so that nobody changes it under its
// readers.
Result<OpenedHashSets> OpenHashSets(const config::Config& config, const std::filesystem::path& keep_in = {});

}  // namespace spanwatch::cli
