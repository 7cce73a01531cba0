// The part of RegisterDatabase that remembers who did what: one row an action, without what it was done to, so that the
// log keeps nothing of what is erased.
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/printable.h"
#include "register/register_database.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kPasswdBytes = 16384;

// The user of this process, and who became it through sudo.
std::string Actor() {
  std::array<char, kPasswdBytes> buffer{};
  struct passwd entry{};
  struct passwd* found = nullptr;
  const bool known = ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  std::string actor = known ? entry.pw_name : fmt::format("uid {}", ::getuid());
  const char* behind = std::getenv("SUDO_USER");
  if (behind != nullptr && ::getuid() == 0 && actor != behind) actor += fmt::format(" for {}", behind);
  return Printable(actor);
}

}  // namespace

Result<std::int64_t> RegisterDatabase::BeginLog(std::string_view action, std::string_view collection) {
  auto insert =
      Get("INSERT INTO log SELECT row, ?1, ?2, ?3, ?4, 0, ?5, row_sum(row, ?1, ?2, ?3, ?4, 0, ?5) "
          "FROM (SELECT coalesce(max(row), 0) + 1 AS row FROM log)");
  if (!insert) return Fail(insert.error());
  const Status status = (*insert)
                            ->Bind(1, Nanoseconds(WallClockNow()))
                            .Bind(2, Actor())
                            .Bind(3, action)
                            .Bind(4, collection)
                            .Bind(5, std::string_view("did not end"))
                            .Run();
  if (!status) return Fail(status.error());
  return sqlite3_last_insert_rowid(handle_);
}

Status RegisterDatabase::EndLog(std::int64_t row, std::uint64_t items, std::string_view detail) {
  auto update =
      Get("UPDATE log SET items=?2, detail=?3, sum=row_sum(row, time, actor, action, collection, ?2, ?3) WHERE row=?1");
  if (!update) return Fail(update.error());
  return (*update)->Bind(1, row).Bind(2, SqlInteger(items)).Bind(3, detail).Run();
}

Status RegisterDatabase::Log(std::string_view action, std::string_view collection, std::uint64_t items,
                             std::string_view detail) {
  const auto row = BeginLog(action, collection);
  return row ? EndLog(*row, items, detail) : Fail(row.error());
}

Result<std::vector<LogEntry>> RegisterDatabase::LogEntries() {
  auto query = Get("SELECT time, actor, action, collection, items, detail FROM log ORDER BY row");
  if (!query) return Fail(query.error());
  std::vector<LogEntry> entries;
  while (true) {
    auto row = (*query)->Step();
    if (!row) return Fail(row.error());
    if (!*row) return entries;
    entries.push_back({.time = PacketTimeFromNanoseconds((*query)->Integer(0)),
                       .actor = (*query)->Text(1),
                       .action = (*query)->Text(2),
                       .collection = (*query)->Text(3),
                       .items = static_cast<std::uint64_t>((*query)->Integer(4)),
                       .detail = (*query)->Text(5)});
  }
}

}  // namespace spanwatch::enrolment
