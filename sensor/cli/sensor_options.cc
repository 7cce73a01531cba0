#include "cli/sensor_options.h"

#include <sodium.h>

#include <fstream>

#include "base/file.h"
#include "base/hex.h"
#include "base/key_file.h"
#include "base/key_source.h"
#include "fingerprint/record_keys.h"
#include "hashset/hashset_format.h"
#include "hashset/set_family.h"
#include "supervisor/hashset_puller.h"
#include "telemetry/log.h"

namespace spanwatch::cli {

void AddHashSetOptions(CLI::App& command, SensorOptions& options) {
  command.add_option("-c,--config", options.config_file, "Configuration file")->type_name("FILE");
  // One value each time, so that what follows may be a capture file.
  command.add_option("--hashset", options.hashsets, "Hash set to look for (up to 8, and the deltas to them)")
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

Status CheckInspected(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(name, error)) continue;
    std::string head(32, '\0');
    std::ifstream file(name, std::ios::binary);
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (head.starts_with(hashset::kMagic)) {
      return Fail(ErrorCode::kUsage, "{} is a hash set, nothing to inspect; give each set a --hashset of its own",
                  name);
    }
    if (BeginsAsKeyFile(head)) {
      return Fail(ErrorCode::kUsage,
                  "{} is a key, nothing to inspect; give each key a --trust or --record-key of its own", name);
    }
  }
  return {};
}

Result<config::Config> ConfigOf(const SensorOptions& options) {
  if (options.hashsets.size() > config::kHashSetsMax) {
    return Fail(ErrorCode::kUsage, "at most {} hash sets and deltas at once", config::kHashSetsMax);
  }
  if (options.record_keys.size() > options.hashsets.size() && !options.hashsets.empty()) {
    return Fail(ErrorCode::kUsage, "there are more record keys than hash sets; the n-th key belongs to the n-th set");
  }
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
    config::HashSetConfig& hashset = config.hashsets.emplace_back();
    hashset.file = options.hashsets[i];
    if (i < options.record_keys.size()) hashset.record_key = options.record_keys[i];
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

// The key with which this set's records are searched: the set's own; without one that of another set of the same
// register, since a delta has the key of its base. Empty where there is none. The caller wipes it.
Result<Bytes> RecordKeyOf(const config::HashSetConfig& hashset, const config::Config& config,
                          const hashset::Manifest& manifest) {
  const auto fits = [&](const Bytes& key) { return hashset::RecordKeyIdOf(key) == manifest.record_key_id; };
  if (!hashset.record_key.empty()) {
    auto key = ReadKey(hashset.record_key.string(), KeyKind::kRecord);
    if (!key || !manifest.has_records || fits(*key)) return key;
    sodium_memzero(key->data(), key->size());
    return Fail(ErrorCode::kInvalid, "{} is not the record key that {} was built with; give the register's own",
                hashset.record_key.string(), hashset.source());
  }
  if (!manifest.has_records) return Bytes();
  for (const config::HashSetConfig& other : config.hashsets) {
    if (other.record_key.empty()) continue;
    auto key = ReadKey(other.record_key.string(), KeyKind::kRecord);
    if (!key || fits(*key)) return key;
    sodium_memzero(key->data(), key->size());
  }
  Log(LogLevel::kWarning, "There is no record key for a hash set that has records, so they are not searched",
      "hashset={}", hashset.source());
  return Bytes();
}

Result<Bytes> DerivedKey(const config::HashSetConfig& hashset, const config::Config& config,
                         const hashset::Manifest& manifest) {
  auto key = RecordKeyOf(hashset, config, manifest);
  if (!key || key->empty()) return key;
  const auto keys = fingerprint::RecordKeys::Derive(*key);
  sodium_memzero(key->data(), key->size());
  if (!keys) return Fail(keys.error());
  const ByteView derived = keys->derived();
  return Bytes(derived.begin(), derived.end());
}

Result<Bytes> ReadPublicKey(const std::filesystem::path& path) { return ReadKeyFile(path, KeyKind::kPublic); }

// The set's file, from the store when there is one; nothing when there is none now.
Result<std::optional<UniqueFd>> FileOf(const config::HashSetConfig& hashset, const config::Config& config,
                                       std::span<const Bytes> trusted, const HashSetIntake* intake) {
  std::filesystem::path path = hashset.file;
  if (!hashset.url.empty()) {
    if (config.state_directory.empty()) {
      return Fail(ErrorCode::kUsage, "{} is pulled by a running sensor; name a file with --hashset", hashset.url);
    }
    path = supervisor::PulledFile(config.state_directory, hashset.url);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      Log(LogLevel::kWarning, "A hash set was not pulled yet; the sensor begins without it", "url={}", hashset.url);
      return std::optional<UniqueFd>();
    }
  }
  if (intake != nullptr) return intake->store.Take(path, trusted, intake->when);
  auto file = OpenForReading(path);
  if (!file) return Fail(file.error());
  return std::optional<UniqueFd>(std::move(*file));
}

process::HashSetFacts FactsOf(const hashset::MappedHashSet& set, bool has_key) {
  process::HashSetFacts facts;
  facts.name = set.manifest().name;
  facts.digest = ToHex(set.digest());
  facts.serial = set.manifest().serial;
  facts.created = set.manifest().created;
  facts.loaded_at = Nanoseconds(WallClockNow());
  const auto& items = set.manifest().items_of_kind;
  facts.images = items[static_cast<std::size_t>(ItemKind::kImage)];
  facts.records = items[static_cast<std::size_t>(ItemKind::kRecord)];
  facts.files = items[static_cast<std::size_t>(ItemKind::kFile)];
  for (const auto& collection : set.manifest().collections)
    facts.negatives += collection.negative ? collection.items : 0;
  if (!has_key) facts.unsearched_records = facts.records;
  return facts;
}

// The last delta of a chain speaks for all of it.
void Supersede(process::HashSetFacts& facts) {
  facts.images = facts.records = facts.files = facts.negatives = facts.unsearched_records = 0;
  facts.superseded = true;
}

}  // namespace

Result<OpenedHashSets> OpenHashSets(const config::Config& config, const HashSetIntake* intake) {
  OpenedHashSets opened;
  for (const auto& path : config.trust) {
    auto key = ReadPublicKey(path);
    if (!key) return Fail(key.error());
    opened.trusted_keys.push_back(std::move(*key));
  }
  opened.set_keys = opened.trusted_keys;
  hashset::SetList sets;
  for (const auto& hashset : config.hashsets) {
    std::vector<Bytes> trusted = opened.trusted_keys;
    if (!hashset.url.empty()) {
      auto key = ReadPublicKey(hashset.signer);
      if (!key) return Fail(key.error());
      trusted = {*key};
      opened.set_keys.push_back(std::move(*key));
    }
    auto file = FileOf(hashset, config, trusted, intake);
    if (!file) return Fail(file.error());
    if (!*file) continue;
    const auto set = hashset::MappedHashSet::Open(**file, hashset.source(), trusted);
    if (!set) return Fail(set.error());
    if (intake == nullptr) {  // the store has done so
      if (Status status = (*set)->VerifyChecksums(); !status) return Fail(status.error());
    }
    if ((*set)->manifest().has_bare_digests) {
      Log(LogLevel::kInfo, "A hash set holds bare digests, so the SHA-256 of every object is computed", "hashset={}",
          hashset.source());
    }
    auto key = DerivedKey(hashset, config, (*set)->manifest());
    if (!key) return Fail(key.error());
    opened.facts.push_back(FactsOf(**set, !key->empty()));
    opened.inputs.push_back({std::move(**file), std::move(*key), hashset.source()});
    sets.push_back(*set);
  }
  const auto families = hashset::FamiliesOf(sets);
  if (!families) return Fail(families.error());
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (!(*families)[i].followers().empty()) Supersede(opened.facts[i]);
  }
  return opened;
}

}  // namespace spanwatch::cli
