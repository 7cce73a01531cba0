#include <sodium.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/hex.h"
#include "base/key_file.h"
#include "base/nearest.h"
#include "base/printable.h"
#include "cli/build_output.h"
#include "cli/command.h"
#include "cli/register_command.h"
#include "cli/register_items.h"
#include "cli/register_keys.h"
#include "cli/register_progress.h"
#include "register/build.h"
#include "register/enroll_records.h"
#include "register/import_list.h"

namespace spanwatch::cli {
namespace {

using enrolment::ItemEntry;
using enrolment::ProfileNamed;
using enrolment::RegisterDatabase;

std::optional<fingerprint::DateOrder> DateOrderNamed(const std::string& name) {
  using enum fingerprint::DateOrder;
  if (name.empty()) return std::nullopt;
  return name == "mdy" ? kMonthFirst : name == "dmy" ? kDayFirst : kYearFirst;
}

nlohmann::ordered_json ItemDocument(const ItemEntry& item, const std::vector<std::string>& sources) {
  nlohmann::ordered_json document;
  document["id"] = ToHex(item.id);
  document["collection"] = item.collection_name;
  document["kind"] = item.kind == ItemKind::kImage ? "image" : item.kind == ItemKind::kRecord ? "record" : "file";
  document["source"] = sources.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(sources.front());
  if (sources.size() > 1) document["sources"] = sources;
  document["size"] = item.size == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(item.size);
  document["sha256"] = item.sha256 ? nlohmann::ordered_json(ToHex(*item.sha256)) : nlohmann::ordered_json();
  document["added"] = FormatRfc3339(item.added);
  document["expires"] = item.expires == PacketTime::max() ? nlohmann::ordered_json()
                                                          : nlohmann::ordered_json(FormatRfc3339(item.expires));
  return document;
}

void PrintItem(const RegisterArguments& arguments, const ItemEntry& item, const std::vector<std::string>& sources) {
  const auto document = ItemDocument(item, sources);
  if (arguments.json) {
    // A path need not be UTF-8; JSON must be.
    fmt::print("{}\n", document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return;
  }
  fmt::print("{}  {:<6}  {}  {}{}{}\n", ToHex(item.id), document["kind"].get<std::string>(),
             Printable(item.collection_name), sources.empty() ? "-" : Printable(sources.front()),
             sources.size() > 1 ? fmt::format(" and {} more", sources.size() - 1) : "",
             item.expires == PacketTime::max() ? "" : "  expires " + FormatRfc3339(item.expires));
}

Result<PacketTime> ExpiryOf(const std::string& text) {
  if (text == "never") return PacketTime::max();
  if (text == "now") return WallClockNow();
  auto time = ParseRfc3339(text);
  if (!time) return Fail(ErrorCode::kUsage, "{}", time.error().message);
  return time;
}

}  // namespace

Status MustExist(RegisterDatabase& database, const std::string& collection) {
  const auto collections = database.Collections();
  if (!collections) return Fail(collections.error());
  std::vector<std::string> names;
  for (const enrolment::CollectionEntry& entry : *collections) names.push_back(entry.name);
  if (collection.empty() || std::ranges::find(names, collection) != names.end()) return {};
  return Fail(ErrorCode::kNotFound, "there is no collection '{}' in this register{}", collection,
              DidYouMean(collection, names));
}

Result<enrolment::Selection> SelectionOf(const RegisterArguments& arguments) {
  enrolment::Selection selection{.collection = arguments.collection};
  if (!arguments.item.empty()) {
    const auto id = FromHex(arguments.item);
    if (!id || id->size() != selection.item.emplace().size()) {
      return Fail(ErrorCode::kUsage, "'{}' is not an item's id; `spanwatch register list --json` shows them",
                  arguments.item);
    }
    std::copy(id->begin(), id->end(), selection.item->begin());
  }
  if (!arguments.source.empty()) {
    std::error_code error;
    selection.source = std::filesystem::absolute(arguments.source, error).lexically_normal().string();
  }
  return selection;
}

int RegisterInit(const RegisterArguments& arguments) {
  std::error_code error;
  if (std::filesystem::exists(arguments.database, error)) {
    return Report({ErrorCode::kExists,
                   fmt::format("{} exists already; use it as it is, or choose another name", arguments.database)});
  }
  if (arguments.record_key == arguments.database) {
    return Report({ErrorCode::kUsage, "the register and its record key are two files; give them two names"});
  }
  Bytes key;
  if (!arguments.record_key.empty()) {
    auto read = RecordKey(arguments.record_key, true);
    if (!read) return Report(read.error());
    key = std::move(*read);
  }
  const auto database = RegisterDatabase::Create(arguments.database, {.owner = arguments.owner,
                                                                      .fragment_density = arguments.fragment_density,
                                                                      .fragment_window = arguments.fragment_window,
                                                                      .profile = ProfileNamed(arguments.profile)});
  Status status = database ? Status() : Fail(database.error());
  if (status && !key.empty()) status = UseRecordKey(**database, arguments.record_key, key);
  if (!key.empty()) sodium_memzero(key.data(), key.size());
  return status ? kExitDone : Report(status.error());
}

namespace {

// A value beside a plate confirms it only where it is another one, and only once.
Status CheckColumns(const RegisterArguments& arguments) {
  const auto same = [](std::string_view a, std::string_view b) { return EqualsIgnoringCase(Trim(a), Trim(b)); };
  const std::vector<std::string>& support = arguments.support_columns;
  for (auto column = support.begin(); column != support.end(); ++column) {
    if (same(*column, arguments.plate_column)) {
      return Fail(ErrorCode::kUsage, "--support: column '{}' is the plate's own; nothing confirms itself", *column);
    }
    if (std::any_of(support.begin(), column, [&](const std::string& before) { return same(before, *column); })) {
      return Fail(ErrorCode::kUsage, "--support: column '{}' is named twice", *column);
    }
  }
  return {};
}

}  // namespace

int RegisterAddRecords(const RegisterArguments& arguments) {
  if (Status status = CheckColumns(arguments); !status) return Report(status.error());
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = (*database)->UseCollection(arguments.collection, false); !status) return Report(status.error());
  const auto tagger = Tagger(**database, arguments.record_key);
  if (!tagger) return Report(tagger.error());
  const auto log = (*database)->BeginLog("added", arguments.collection);
  if (!log) return Report(log.error());
  const Interruption interruption;
  ProgressLine progress;
  const auto summary = EnrollRecords(**database,
                                     {.collection = arguments.collection,
                                      .inputs = arguments.inputs,
                                      .plate_column = arguments.plate_column,
                                      .support_columns = arguments.support_columns,
                                      .date_order = DateOrderNamed(arguments.date_order)},
                                     *tagger, progress);
  return FinishEnrolment(summary, progress, {**database, *log, arguments.collection});
}

int RegisterImport(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = (*database)->UseCollection(arguments.collection, arguments.negative); !status) {
    return Report(status.error());
  }
  const auto log = (*database)->BeginLog("imported", arguments.collection);
  if (!log) return Report(log.error());
  ProgressLine progress;
  using enrolment::DigestKind;
  enrolment::ListImport import{arguments.collection, arguments.list, {.kind = std::nullopt, .now = WallClockNow()}};
  for (const auto& [list, kind] :
       {std::pair(&arguments.sha256_list, DigestKind::kSha256), std::pair(&arguments.md5_list, DigestKind::kMd5),
        std::pair(&arguments.pdq_list, DigestKind::kPdq)}) {
    if (list->empty()) continue;
    import.path = *list;
    import.wish.kind = kind;
  }
  const auto summary = ImportList(**database, import, progress);
  const LoggedEnrolment logged{**database, *log, arguments.collection};
  if (!summary) return FinishEnrolment(Fail(summary.error()), progress, logged);
  const int status = FinishEnrolment(enrolment::EnrolmentSummary(*summary), progress, logged);
  if (summary->md5 > 0) {
    fmt::print(stderr, "{} of these items are known by MD5 alone: sensors will compute the MD5 of every object\n",
               summary->md5);
  }
  return status;
}

int RegisterRotateKey(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = (*database)->MayRotateRecordKey(); !status) return Report(status.error());
  const enrolment::RegisterFacts before = (*database)->facts();
  auto key = RecordKey(arguments.record_key, true);
  if (!key) return Report(key.error().In("record key"));
  const hashset::RecordKeyId id = hashset::RecordKeyIdOf(*key);
  sodium_memzero(key->data(), key->size());
  if (id == before.record_key_id)
    return Report({ErrorCode::kUsage, fmt::format("{} is the key that the register has", arguments.record_key)});
  if (Status status = (*database)->RotateRecordKey(KeySource(arguments.record_key), id); !status)
    return Report(status.error());
  fmt::print(
      stderr,
      "records are under {} from now on; keep {} until every table is enrolled again, and build both sets (build, "
      "and build --earlier-key)\n",
      arguments.record_key, before.record_key_file.string());
  return kExitDone;
}

int RegisterList(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  Status status = MustExist(**database, arguments.collection);
  if (!status) return Report(status.error());
  status = (*database)->ForEachItem([&](const ItemEntry& item) -> Status {
    if (!arguments.collection.empty() && item.collection_name != arguments.collection) return {};
    const auto sources = (*database)->Sources(item);
    if (!sources) return Fail(sources.error());
    PrintItem(arguments, item, *sources);
    return {};
  });
  return status ? kExitDone : Report(status.error());
}

int RegisterExpire(const RegisterArguments& arguments) {
  const auto selection = SelectionOf(arguments);
  if (!selection) return Report(selection.error());
  const auto when = ExpiryOf(arguments.at);
  if (!when) return Report(when.error());
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  const auto changed = (*database)->Expire(*selection, *when);
  if (!changed) return Report(changed.error());
  if (*changed == 0)
    return Report({ErrorCode::kNotFound, "nothing in the register is meant by that; nothing was changed"});
  fmt::print(stderr, "{} items; build the hash set again for sensors to know\n", *changed);
  return kExitDone;
}

int RegisterBuild(const RegisterArguments& arguments) {
  auto seed = ReadKeyFile(arguments.signing_key, KeyKind::kSigning);
  if (!seed) return Report(seed.error().In("signing key"));
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = MayBuild(arguments, (*database)->facts().owner); !status) return Report(status.error());
  ProgressLine progress;
  const auto summary = BuildHashSet(
      **database,
      {.out = arguments.out,
       .name = arguments.name,
       .profile = arguments.profile.empty() ? (*database)->facts().profile : ProfileNamed(arguments.profile),
       .fragment_sure = arguments.fragment_sure,
       .delta_from = {arguments.delta_from.begin(), arguments.delta_from.end()},
       .earlier_key = arguments.earlier_key,
       .serial = arguments.serial == 0 ? std::nullopt : std::optional(arguments.serial),
       .now = WallClockNow(),
       .progress = [&](auto step, auto done, auto total) { progress.Show(step, done, total); }},
      *seed);
  progress.EndLine();
  sodium_memzero(seed->data(), seed->size());
  if (!summary) return Report(summary.error());
  fmt::print(stderr, "{}: {}", arguments.out, Describe(*summary));
  return kExitDone;
}

}  // namespace spanwatch::cli
