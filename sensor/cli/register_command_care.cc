// What keeps a register in good order: `register check`, `backup`, `status`, `log`, `export`.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "cli/command.h"
#include "cli/register_command.h"
#include "cli/register_items.h"
#include "register/export_list.h"
#include "register/register_status.h"

namespace spanwatch::cli {
namespace {

using enrolment::CollectionStatus;
using enrolment::RegisterDatabase;
using nlohmann::ordered_json;

void PrintDocument(const ordered_json& document) {
  fmt::print("{}\n", document.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

std::string DayOf(std::int64_t day) {
  return FormatRfc3339(PacketTime(std::chrono::days(day))).substr(0, std::string_view("2027-01-31").size());
}

std::uint64_t AllOf(const CollectionStatus& collection) {
  std::uint64_t items = 0;
  for (const std::uint64_t count : collection.items_of_kind) items += count;
  return items;
}

ordered_json DocumentOf(const CollectionStatus& collection) {
  ordered_json expiring = ordered_json::object();
  for (const auto& [day, items] : collection.expiring) expiring[DayOf(day)] = items;
  const auto& kinds = collection.items_of_kind;
  return {{"collection", collection.name},
          {"negative", collection.negative},
          {"images", kinds[static_cast<std::size_t>(ItemKind::kImage)]},
          {"records", kinds[static_cast<std::size_t>(ItemKind::kRecord)]},
          {"files", kinds[static_cast<std::size_t>(ItemKind::kFile)]},
          {"expired", collection.expired},
          {"expires",
           collection.expires == PacketTime::max() ? ordered_json() : ordered_json(FormatRfc3339(collection.expires))},
          {"expiring", expiring}};
}

void PrintCollection(const CollectionStatus& collection) {
  const auto& kinds = collection.items_of_kind;
  fmt::print("{}: {} images, {} records, {} files{}{}\n", Printable(collection.name),
             kinds[static_cast<std::size_t>(ItemKind::kImage)], kinds[static_cast<std::size_t>(ItemKind::kRecord)],
             kinds[static_cast<std::size_t>(ItemKind::kFile)], collection.negative ? "; a negative bank" : "",
             collection.expires == PacketTime::max() ? "" : "; expires " + FormatRfc3339(collection.expires));
  if (collection.expired > 0) fmt::print("  {} have expired\n", collection.expired);
  for (const auto& [day, items] : collection.expiring) fmt::print("  {} expire on {}\n", items, DayOf(day));
}

enrolment::ListFormat FormatNamed(const std::string& name) {
  using enum enrolment::ListFormat;
  return name == "sha256" ? kSha256 : name == "md5" ? kMd5 : name == "pdq" ? kPdq : kStix;
}

}  // namespace

int RegisterCheck(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  const std::vector<std::string> damage = (*database)->Damage();
  for (const std::string& what : damage) {
    Report({ErrorCode::kCorrupt, fmt::format("register {} is damaged: {}; restore it from its last backup",
                                             arguments.database, Printable(what))});
  }
  if (!damage.empty()) return kExitFailed;
  if (Status status = (*database)->FinishErasure(); !status) return Report(status.error());
  fmt::print("{}: whole\n", arguments.database);
  return kExitDone;
}

int RegisterBackup(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = (*database)->Backup(arguments.out); !status) return Report(status.error());
  fmt::print("{}: a whole copy of {}; read back and checked\n", arguments.out, arguments.database);
  return kExitDone;
}

int RegisterStatus(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  const auto collections = enrolment::StatusOf(**database, WallClockNow());
  const auto erasing = (*database)->IsErasing();
  const auto serial = (*database)->LastSerial();
  if (!collections || !erasing || !serial)
    return Report(!collections ? collections.error() : !erasing ? erasing.error() : serial.error());
  std::uint64_t items = 0;
  for (const CollectionStatus& collection : *collections) {
    items += AllOf(collection);
    arguments.json ? PrintDocument(DocumentOf(collection)) : PrintCollection(collection);
  }
  const enrolment::RegisterFacts& facts = (*database)->facts();
  if (arguments.json) {
    PrintDocument({{"owner", facts.owner},
                   {"profile", ToString(facts.profile)},
                   {"items", items},
                   {"last_serial", *serial == 0 ? ordered_json() : ordered_json(*serial)},
                   {"record_key_file", facts.record_key_file.string()},
                   {"erasure_to_finish", *erasing}});
    return kExitDone;
  }
  fmt::print("{} of {}: {} items, profile {}, {}\n", arguments.database, Printable(facts.owner), items,
             ToString(facts.profile),
             *serial == 0 ? "no set built yet" : fmt::format("last set has serial {}", *serial));
  const auto earlier = (*database)->RecordsUnderEarlierKeys();
  if (!earlier) return Report(earlier.error());
  if (*earlier > 0) {
    fmt::print("{} records are still under the record key before the rotation, {}\n", *earlier,
               facts.earlier_record_key_file.string());
  }
  if (*erasing) fmt::print("what was removed may still lie in its files; spanwatch register check finishes that\n");
  return kExitDone;
}

int RegisterLog(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  const auto entries = (*database)->LogEntries();
  if (!entries) return Report(entries.error());
  for (const enrolment::LogEntry& entry : *entries) {
    if (arguments.json) {
      PrintDocument({{"time", FormatRfc3339(entry.time)},
                     {"actor", entry.actor},
                     {"action", entry.action},
                     {"collection", entry.collection},
                     {"items", entry.items},
                     {"detail", entry.detail}});
      continue;
    }
    fmt::print("{}  {}  {}{}{}: {} items{}{}\n", FormatRfc3339(entry.time), Printable(entry.actor), entry.action,
               entry.collection.empty() ? "" : " ", Printable(entry.collection), entry.items,
               entry.detail.empty() ? "" : "; ", Printable(entry.detail));
  }
  return kExitDone;
}

int RegisterExport(const RegisterArguments& arguments) {
  const auto database = RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = MustExist(**database, arguments.collection); !status) return Report(status.error());
  const auto summary = enrolment::ExportList(
      **database, {.format = FormatNamed(arguments.format), .collection = arguments.collection, .now = WallClockNow()},
      [](std::string_view text) -> Status {
        if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
        return FailErrno("cannot write the list");
      });
  if (!summary) return Report(summary.error());
  if (std::fflush(stdout) != 0) return Report(FailErrno("cannot write the list").error());
  fmt::print(stderr, "{} items; {} that have expired are left out, {} have no {} (plate records are never exported)\n",
             summary->written, summary->expired, summary->without, arguments.format);
  return kExitDone;
}

}  // namespace spanwatch::cli
