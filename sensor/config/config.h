// Config: what an operator may set, from one YAML file (`run --config`, optional for `replay`). Read by the launcher
// and the supervisor at start and on SIGHUP; a plain value afterwards, safe from any thread.
//
// Unknown keys, wrong types and numbers out of range are refused with file, line and the nearest known name. Limits
// come from limits.def and stand in their sections; sizes may be written `64 MiB`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/limits.h"
#include "model/zones.h"

namespace spanwatch::config {

inline constexpr std::size_t kHashSetsMax = 64;  // files in force at once: sets and their deltas

struct HashSetConfig {
  std::filesystem::path file;        // or:
  std::string url;                   // pulled over HTTPS and kept in the state directory
  std::filesystem::path record_key;  // empty: records stay unsearched
  // Of a url:
  std::filesystem::path signer;   // public key that must have signed it, whoever else is trusted
  std::filesystem::path ca_file;  // empty: the system's
  bool allow_link_local = false;

  std::string source() const { return url.empty() ? file.string() : url; }
};

// Where to listen: `127.0.0.1:9464`, `[::1]:9464`. Whether there is such an address is not looked at.
struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
};
Result<ListenAddress> ParseListenAddress(std::string_view text);

struct WebhookConfig {
  std::string name;
  std::string url;
  std::filesystem::path secret_file;  // whsec_...; empty: secret_env
  std::string secret_env;
  std::filesystem::path next_secret_file;  // while rotating: signed with both
  std::filesystem::path ca_file;           // empty: the system's
  bool allow_link_local = false;
  bool owner = false;  // the data owner's: hears what signed rules say, whatever unsigned filters keep from others
};

struct Config {
  std::string sensor_name = "spanwatch";
  std::string run_as;     // user of inspectors and supervisor when started as root
  std::string interface;  // live only
  std::uint32_t inspectors = 1;
  Zones zones = Zones::Default();
  std::vector<HashSetConfig> hashsets;
  std::vector<std::filesystem::path> trust;  // public keys of owners
  std::filesystem::path rules_directory;     // empty: the embedded rules
  bool allow_unsigned_authorisations = false;
  std::string events_file = "/var/log/spanwatch/events.jsonl";   // `-`: standard output; empty: none
  std::filesystem::path state_directory = "/var/lib/spanwatch";  // empty: in memory
  std::string metrics_listen = "127.0.0.1:9464";                 // empty: none
  bool tag_names = false;                                        // names: tagged
  std::vector<WebhookConfig> webhooks;
  Limits limits;
};

// The file's text.
Result<std::string> ReadConfigFile(const std::filesystem::path& file);
// A Config with the file's settings over the defaults.
Result<Config> LoadConfig(const std::filesystem::path& file);
Result<Config> ParseConfig(const std::string& yaml, const std::string& name);
// The same, and every problem of it with its place; without one the Config is as ParseConfig gives it.
Config ParseWithProblems(const std::string& yaml, const std::string& name, std::vector<Error>& problems);

// The reference page of every key, in Markdown; the example in deploy/ and the documentation come from it.
std::string ConfigReference();

}  // namespace spanwatch::config
