// `register remove`: takes items out of the register, by collection, id, source, or by their value; and out of its
// files.
#include <algorithm>
#include <array>
#include <cstdio>

#include "base/ascii.h"
#include "base/hex.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/register_command.h"
#include "cli/register_items.h"
#include "cli/register_keys.h"
#include "fingerprint/file_fingerprint.h"
#include "fingerprint/plate_normaliser.h"
#include "register/find_items.h"

namespace spanwatch::cli {
namespace {

using enrolment::FoundItems;
using enrolment::ItemEntry;
using enrolment::RegisterDatabase;

constexpr std::size_t kLineBytesMax = 4096;

// A value of `-` stands on standard input, so that it is in no list of processes and in no history.
std::string ValueOf(const std::string& value) {
  if (value != "-") return value;
  std::array<char, kLineBytesMax> line{};
  if (std::fgets(line.data(), line.size(), stdin) == nullptr) return "";
  return std::string(Trim(line.data()));
}

Result<FoundItems> FindPlate(RegisterDatabase& database, const RegisterArguments& arguments) {
  const std::vector<std::string> variants = fingerprint::PlateVariants(ValueOf(arguments.plate));
  if (variants.empty()) return Fail(ErrorCode::kUsage, "--plate: what is given is no plate");
  if (database.facts().record_key_file.empty())
    return Fail(ErrorCode::kNotFound, "this register has no record key, and so no plates");
  const auto tagger = Tagger(database, arguments.record_key);
  if (!tagger) return Fail(tagger.error());
  const auto earlier = EarlierTagger(database);
  if (!earlier) return Fail(earlier.error());
  std::vector<std::uint64_t> tags;
  for (const std::string& variant : variants) {
    tags.push_back(tagger->Tag(variant));
    if (*earlier) tags.push_back((*earlier)->Tag(variant));
  }
  return ItemsOfPlate(database, arguments.collection, tags);
}

Result<FoundItems> FindPicture(RegisterDatabase& database, const RegisterArguments& arguments) {
  const config::Limits limits;
  const auto picture =
      fingerprint::FingerprintFile(arguments.picture, {.fragment_seed = database.facts().fragment_seed}, limits);
  if (!picture) return Fail(picture.error());
  return ItemsOfPicture(database, arguments.collection, *picture);
}

Result<FoundItems> FindDigest(RegisterDatabase& database, const RegisterArguments& arguments) {
  const auto digest = FromHex(ValueOf(arguments.digest));
  if (!digest || (digest->size() != sizeof(Sha256Digest) && digest->size() != sizeof(Md5Digest)))
    return Fail(ErrorCode::kUsage,
                "--digest: what is given is neither the 64 digits of a SHA-256 nor the 32 of an MD5");
  return ItemsOfDigest(database, arguments.collection, *digest);
}

Result<FoundItems> FindSelected(RegisterDatabase& database, const RegisterArguments& arguments) {
  const auto selection = SelectionOf(arguments);
  if (!selection) return Fail(selection.error());
  auto items = database.Selected(*selection);
  if (!items) return Fail(items.error());
  return FoundItems{.items = std::move(*items), .look_alikes = {}};
}

// A line for each item that says where it came from: one that is named by one source may have had others.
Status Describe(RegisterDatabase& database, const std::vector<ItemEntry>& items, std::string_view what,
                std::string& lines) {
  for (const ItemEntry& item : items) {
    const auto sources = database.Sources(item);
    if (!sources) return Fail(sources.error());
    lines += fmt::format("{} {} of {}", what, ToHex(item.id), Printable(item.collection_name));
    for (std::size_t i = 0; i < sources->size(); ++i)
      lines += fmt::format("{}{}", i == 0 ? ", from " : ", ", Printable((*sources)[i]));
    lines += '\n';
  }
  return {};
}

Status CheckWish(const RegisterArguments& arguments) {
  const bool by_value = !arguments.plate.empty() || !arguments.picture.empty() || !arguments.digest.empty();
  const auto named = std::ranges::count_if(
      std::array{arguments.item, arguments.source, arguments.plate, arguments.picture, arguments.digest},
      [](const std::string& value) { return !value.empty(); });
  if (named + (arguments.all ? 1 : 0) != 1) {
    return Fail(
        ErrorCode::kUsage,
        "say what to remove: one of --item ID, --source FILE, --plate PLATE, --picture FILE, --digest DIGITS, or "
        "--all for the whole collection");
  }
  if (arguments.collection.empty() && !by_value)
    return Fail(ErrorCode::kUsage, "name the collection with --collection");
  return {};
}

}  // namespace

int RegisterRemove(const RegisterArguments& arguments) {
  if (Status status = CheckWish(arguments); !status) return Report(status.error());
  const auto opened = RegisterDatabase::Open(arguments.database);
  if (!opened) return Report(opened.error());
  RegisterDatabase& database = **opened;
  if (Status status = database.FinishErasure(); !status) return Report(status.error());
  const auto found = !arguments.plate.empty()     ? FindPlate(database, arguments)
                     : !arguments.picture.empty() ? FindPicture(database, arguments)
                     : !arguments.digest.empty()  ? FindDigest(database, arguments)
                                                  : FindSelected(database, arguments);
  if (!found) return Report(found.error());
  std::string look_alikes;
  if (Status status =
          Describe(database, found->look_alikes, "looks like it, and stays (--item removes it):", look_alikes);
      !status) {
    return Report(status.error());
  }
  if (found->items.empty()) {
    fmt::print("{}", look_alikes);
    return Report({ErrorCode::kNotFound, "nothing in the register is meant by that; nothing was removed"});
  }
  // Known only as long as the items are there; told once they are gone, for it may be refused. Of a whole collection
  // nothing is elsewhere.
  std::string removed;
  if (!arguments.all) {
    if (Status status = Describe(database, found->items, "removed", removed); !status) return Report(status.error());
  }
  if (Status status = database.Erase(found->items); !status) return Report(status.error());
  fmt::print("{}{}", look_alikes, removed);
  fmt::print(
      stderr,
      "{} items removed, and nothing of them is left in the register's files; build the hash set again for sensors "
      "to forget them, and destroy the sets and backups of before\n",
      found->items.size());
  return kExitDone;
}

}  // namespace spanwatch::cli
