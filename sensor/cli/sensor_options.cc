#include "cli/sensor_options.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sodium.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/key_source.h"
#include "fingerprint/record_keys.h"
#include "hashset/mapped_hashset.h"
#include "telemetry/log.h"

namespace spanwatch::cli {

void AddHashSetOptions(CLI::App& command, SensorOptions& options) {
  command.add_option("-c,--config", options.config_file, "Configuration file")->type_name("FILE");
  // One value each time, so that what follows may be a capture file.
  command.add_option("--hashset", options.hashsets, "Hash set to look for (up to 8)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_option("--trust", options.trust, "Public key of an owner whose sets and rules are believed")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      .add_option(
          "--record-key", options.record_keys,
          "Record key of the set named at the same place: a file, credential:NAME or keyring:NAME; without it plate "
          "records are not searched")
      ->type_name("KEY")
      ->allow_extra_args(false);
}

Result<config::Config> ConfigOf(const SensorOptions& options) {
  config::Config config;
  config.events_file.clear();
  config.state_directory.clear();
  config.metrics_listen.clear();
  if (!options.config_file.empty()) {
    auto loaded = config::LoadConfig(options.config_file);
    if (!loaded) return Fail(loaded.error());
    loaded->events_file.clear();
    loaded->state_directory.clear();
    loaded->metrics_listen.clear();
    loaded->webhooks.clear();
    config = std::move(*loaded);
  }
  if (!options.hashsets.empty()) config.hashsets.clear();
  for (std::size_t i = 0; i < options.hashsets.size(); ++i) {
    config.hashsets.push_back({options.hashsets[i], i < options.record_keys.size() ? options.record_keys[i] : ""});
  }
  if (config.hashsets.empty()) {
    return Fail(ErrorCode::kUsage,
                "there is no hash set to look for; give --hashset FILE or a --config that names one");
  }
  for (const std::string& key : options.trust) config.trust.emplace_back(key);
  if (config.trust.empty()) {
    return Fail(ErrorCode::kUsage, "nobody is trusted; give --trust PUBLIC-KEY of the owner who signed the hash set");
  }
  if (options.inside.size() == 1 && options.inside.front() == "any") {
    config.zones = Zones::Any();
  } else if (!options.inside.empty()) {
    std::vector<Network> networks;
    for (const std::string& text : options.inside) {
      const auto network = ParseNetwork(text);
      if (!network) return Fail(ErrorCode::kUsage, "--inside: {}", network.error().message);
      networks.push_back(*network);
    }
    config.zones = Zones::Inside(std::move(networks));
  }
  if (!options.rules.empty()) config.rules_directory = options.rules;
  if (options.allow_unsigned) config.allow_unsigned_authorisations = true;
  config.state_directory = options.state;
  config.events_file = options.events;
  config.metrics_listen = options.metrics;
  config.inspectors = options.inspectors;
  return config;
}

namespace {

Result<Bytes> DerivedKey(const config::HashSetConfig& hashset, const hashset::MappedHashSet& opened) {
  if (hashset.record_key.empty()) {
    if (opened.manifest().has_records) {
      Log(LogLevel::kWarning, "There is no record key for a hash set that has records, so they are not searched",
          "hashset={}", hashset.file.string());
    }
    return Bytes();
  }
  auto key = ReadKey(hashset.record_key.string(), KeyKind::kRecord);
  if (!key) return Fail(key.error());
  const bool fits = !opened.manifest().has_records || hashset::RecordKeyIdOf(*key) == opened.manifest().record_key_id;
  const auto keys = fingerprint::RecordKeys::Derive(*key);
  sodium_memzero(key->data(), key->size());
  if (!keys) return Fail(keys.error());
  if (!fits) {
    return Fail(ErrorCode::kInvalid, "{} is not the record key that {} was built with; give the register's own",
                hashset.record_key.string(), hashset.file.string());
  }
  const ByteView derived = keys->derived();
  return Bytes(derived.begin(), derived.end());
}

// A copy that only holders of the descriptor reach; shares the blocks where the file system can.
Result<UniqueFd> CopyInto(const UniqueFd& source, const std::filesystem::path& directory) {
  std::string name = (directory / ".hashset-XXXXXX").string();
  const UniqueFd writable(::mkostemp(name.data(), O_CLOEXEC));
  if (!writable) return FailErrno("cannot copy a hash set into " + directory.string());
  UniqueFd copy(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  const bool reopened = copy && ::fchmod(writable.get(), 0400) == 0;
  ::unlink(name.c_str());
  if (!reopened) return FailErrno("cannot reopen the copy of a hash set in " + directory.string());
  if (::ioctl(writable.get(), FICLONE, source.get()) == 0) return copy;
  struct stat status{};
  if (::fstat(source.get(), &status) != 0) return FailErrno("cannot look at a hash set");
  for (off_t copied = 0; copied < status.st_size;) {
    const ssize_t moved = ::sendfile(writable.get(), source.get(), &copied, 1u << 30);
    if (moved <= 0) return FailErrno("cannot copy a hash set into " + directory.string());
  }
  return copy;
}

}  // namespace

Result<OpenedHashSets> OpenHashSets(const config::Config& config, const std::filesystem::path& keep_in) {
  OpenedHashSets opened;
  for (const auto& path : config.trust) {
    auto key = ReadKeyFile(path, KeyKind::kPublic);
    if (!key) return Fail(key.error());
    opened.trusted_keys.push_back(std::move(*key));
  }
  for (const auto& hashset : config.hashsets) {
    auto file = OpenForReading(hashset.file);
    if (file && !keep_in.empty()) file = CopyInto(*file, keep_in);
    if (!file) return Fail(file.error());
    const auto set = hashset::MappedHashSet::Open(*file, hashset.file.string(), opened.trusted_keys);
    if (!set) return Fail(set.error());
    if (Status status = (*set)->VerifyChecksums(); !status) return Fail(status.error());
    if ((*set)->manifest().has_bare_digests) {
      Log(LogLevel::kInfo, "A hash set holds bare digests, so the SHA-256 of every object is computed", "hashset={}",
          hashset.file.string());
    }
    auto key = DerivedKey(hashset, **set);
    if (!key) return Fail(key.error());
    supervisor::HashsetFigures figures;
    figures.name = (*set)->manifest().name;
    figures.loaded_timestamp_seconds = static_cast<double>(Nanoseconds(WallClockNow())) / 1e9;
    const auto& items = (*set)->manifest().items_of_kind;
    figures.images = items[static_cast<std::size_t>(ItemKind::kImage)];
    figures.records = items[static_cast<std::size_t>(ItemKind::kRecord)];
    figures.files = items[static_cast<std::size_t>(ItemKind::kFile)];
    for (const auto& collection : (*set)->manifest().collections)
      figures.negatives += collection.negative ? collection.items : 0;
    if (key->empty()) figures.unsearched_records = figures.records;
    opened.figures.push_back(std::move(figures));
    opened.inputs.push_back({std::move(*file), std::move(*key), hashset.file.string()});
  }
  return opened;
}

}  // namespace spanwatch::cli
