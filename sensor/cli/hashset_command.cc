#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/key_file.h"
#include "base/printable.h"
#include "cli/attack_cost.h"
#include "cli/command.h"
#include "cli/hashset_diff.h"
#include "cli/quarantine_command.h"
#include "cli/rollback_command.h"
#include "hashset/set_family.h"

namespace spanwatch::cli {
namespace {

using hashset::MappedHashSet;

struct HashSetArguments {
  std::string file;
  std::string other;               // of diff: the later one
  std::vector<std::string> bases;  // of diff: what a delta among them stands on
  bool json = false;
  std::vector<std::string> trust;
  double gpu_rate = 16.2e9;  // SHA-256 of one GPU, hashcat mode 1400: no AES-CMAC kernel is that fast yet
};

void PrintInfo(const MappedHashSet& set, std::string_view signature) {
  const hashset::Manifest& manifest = set.manifest();
  fmt::print("name          {}\nserial        {}\ndigest        {}\nprofile       {}\ncreated       {}\n",
             Printable(manifest.name), manifest.serial, ToHex(set.digest()), manifest.profile,
             FormatRfc3339(PacketTimeFromNanoseconds(manifest.created)));
  if (manifest.is_delta()) {
    fmt::print("delta to      serial {}, digest {}; {} items of it taken back\n", manifest.base_serial,
               ToHex(manifest.base_digest), manifest.Section(hashset::SectionKind::kRemoved).rows);
  }
  fmt::print("signed by     {} ({})\n", ToHex(set.signer()), signature);
  fmt::print("bytes         {}\nitems         {}\nbare digests  {}\n", set.file_bytes(), set.item_count(),
             manifest.has_bare_digests ? "yes: the digest of every object is computed" : "no");
  fmt::print("fragments     one position in {}, windows of {} bytes, sure from {} that agree\n",
             manifest.fragment_density, manifest.fragment_window, manifest.fragment_sure);
  if (manifest.has_bare_md5) fmt::print("bare MD5      yes: the MD5 of every object is computed\n");
  if (manifest.has_records) fmt::print("record key    id {}\n", ToHex(manifest.record_key_id));
  for (std::size_t i = 0; i < hashset::kSectionCount; ++i) {
    fmt::print("section       {:<16} {:>12} rows {:>14} bytes\n", ToString(static_cast<hashset::SectionKind>(i)),
               manifest.sections[i].rows, manifest.sections[i].bytes);
  }
  for (const hashset::CollectionRow& collection : manifest.collections) {
    if (collection.negative) {
      fmt::print("collection    {}: owner {}, {} items, a negative bank\n", Printable(collection.name),
                 Printable(collection.owner), collection.items);
      continue;
    }
    fmt::print(
        "collection    {}: owner {}, {} items, sure up to {}, weak up to {}, {}\n", Printable(collection.name),
        Printable(collection.owner), collection.items, collection.sure_distance, collection.weak_distance,
        collection.calibrated ? fmt::format("calibrated, false rate {:.2g}", collection.false_rate) : "not calibrated");
  }
}

nlohmann::ordered_json InfoDocument(const MappedHashSet& set, bool trusted) {
  const hashset::Manifest& manifest = set.manifest();
  nlohmann::ordered_json collections = nlohmann::ordered_json::array();
  for (const hashset::CollectionRow& collection : manifest.collections) {
    collections.push_back({{"name", collection.name},
                           {"owner", collection.owner},
                           {"items", collection.items},
                           {"negative", collection.negative},
                           {"sure_distance", collection.sure_distance},
                           {"weak_distance", collection.weak_distance},
                           {"calibrated", collection.calibrated}});
  }
  const auto items = [&](ItemKind kind) { return manifest.items_of_kind[static_cast<std::size_t>(kind)]; };
  nlohmann::ordered_json document = {
      {"name", manifest.name},
      {"serial", manifest.serial},
      {"created", FormatRfc3339(PacketTimeFromNanoseconds(manifest.created))},
      {"digest", ToHex(set.digest())},
      {"signer", ToHex(set.signer())},
      {"trusted", trusted},
      {"profile", manifest.profile},
      {"delta", nullptr},
      {"bytes", set.file_bytes()},
      {"items",
       {{"image", items(ItemKind::kImage)}, {"record", items(ItemKind::kRecord)}, {"file", items(ItemKind::kFile)}}},
      {"record_key_id", nullptr},
      {"collections", collections}};
  if (manifest.is_delta())
    document["delta"] = {{"serial", manifest.base_serial}, {"digest", ToHex(manifest.base_digest)}};
  if (manifest.has_records) document["record_key_id"] = ToHex(manifest.record_key_id);
  return document;
}

Result<std::shared_ptr<const MappedHashSet>> Open(const HashSetArguments& arguments, const std::string& path) {
  if (arguments.trust.empty()) return MappedHashSet::OpenUnverified(path);
  std::vector<Bytes> keys;
  for (const std::string& file : arguments.trust) {
    auto key = ReadKeyFile(file, KeyKind::kPublic);
    if (!key) return Fail(key.error());
    keys.push_back(std::move(*key));
  }
  return MappedHashSet::Open(path, keys);
}

int Info(const HashSetArguments& arguments) {
  const auto set = Open(arguments, arguments.file);
  if (!set) return Report(set.error());
  if (arguments.json) {
    const auto document = InfoDocument(**set, !arguments.trust.empty());
    fmt::print("{}\n", document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return kExitDone;
  }
  PrintInfo(**set, arguments.trust.empty() ? "not compared with a trusted key; name one with --trust" : "trusted");
  return kExitDone;
}

int Verify(const HashSetArguments& arguments) {
  const auto set = Open(arguments, arguments.file);
  if (!set) return Report(set.error());
  if (const Status whole = (*set)->VerifyChecksums(); !whole) return Report(whole.error());
  fmt::print("{}: whole, signed by {} ({})\n", arguments.file, ToHex((*set)->signer()),
             arguments.trust.empty() ? "not compared with a trusted key; name one with --trust" : "trusted");
  return kExitDone;
}

int ShowAttackCost(const HashSetArguments& arguments) {
  const auto set = Open(arguments, arguments.file);
  if (!set) return Report(set.error());
  if (!(*set)->manifest().has_records) {
    return Report({ErrorCode::kInvalid, fmt::format("{} holds no plate records", arguments.file)});
  }
  fmt::print("{}", DescribeAttackCost(CostOfAttack((*set)->manifest()), MeasureTagRate(), arguments.gpu_rate));
  return kExitDone;
}

int Diff(const HashSetArguments& arguments) {
  hashset::SetList sets;
  std::vector<std::string> files{arguments.file, arguments.other};
  files.insert(files.end(), arguments.bases.begin(), arguments.bases.end());
  for (const std::string& file : files) {
    const auto set = Open(arguments, file);
    if (!set) return Report(set.error());
    sets.push_back(*set);
  }
  const auto before = hashset::FamilyUpTo(*sets[0], sets), after = hashset::FamilyUpTo(*sets[1], sets);
  if (!before || !after) {
    return Report((before ? after.error() : before.error()).In("what a delta stands on is named with --base"));
  }
  PrintHashSetDiff(*before, *after, arguments.json);
  return kExitDone;
}

void AddDiff(CLI::App& parent, int& exit_status) {
  CLI::App* command = parent.add_subcommand("diff", "Shows which items, and what else, differ between two sets");
  const auto arguments = std::make_shared<HashSetArguments>();
  command->add_option("BEFORE", arguments->file, "A hash set (*.swset)")->required();
  command->add_option("AFTER", arguments->other, "The later hash set, or a delta to the first")->required();
  command
      ->add_option(
          "--base", arguments->bases,
          "What a delta among the two stands on: a whole set, and the deltas between, each with its own --base")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_flag("--json", arguments->json, "One JSON object a line: the sets, then each item that differs");
  command->add_option("--trust", arguments->trust, "Public key of an owner; may be given several times")
      ->type_name("PUB")
      ->allow_extra_args(false);
  command->footer("Example: spanwatch hashset diff --trust owner.pub yesterday.swset agency.swset");
  command->callback([arguments, &exit_status] { exit_status = Diff(*arguments); });
}

void AddAction(CLI::App& parent, const char* name, const char* help, int (*action)(const HashSetArguments&),
               int& exit_status) {
  CLI::App* command = parent.add_subcommand(name, help);
  const auto arguments = std::make_shared<HashSetArguments>();
  command->add_option("FILE", arguments->file, "The hash set (*.swset)")->required();
  command->add_option("--trust", arguments->trust, "Public key of an owner; may be given several times")
      ->type_name("PUB")
      ->allow_extra_args(false);
  command->footer(fmt::format("Example: spanwatch hashset {} --trust owner.pub agency.swset", name));
  command->callback([arguments, action, &exit_status] { exit_status = action(*arguments); });
  if (action == Info) command->add_flag("--json", arguments->json, "One JSON object");
  if (action == ShowAttackCost) {
    command->add_option("--gpu-rate", arguments->gpu_rate, "Tags a second of the attacker's device")
        ->check(CLI::Range(1.0, 1e18))
        ->capture_default_str();
  }
}

}  // namespace

void AddHashsetCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("hashset", "What a hash set holds, whether it is whole and who signed it");
  command->require_subcommand(1);
  command->footer("Example: spanwatch hashset info agency.swset");
  AddAction(*command, "info", "Shows what a set says of itself", Info, exit_status);
  AddAction(*command, "verify", "Reads the whole set and checks signature and checksums", Verify, exit_status);
  AddAction(*command, "attack-cost", "What it costs to learn plates from the set, with its record key and without",
            ShowAttackCost, exit_status);
  AddDiff(*command, exit_status);
  AddQuarantineActions(*command, exit_status);
  AddRollbackAction(*command, exit_status);
}

}  // namespace spanwatch::cli
