#include <gmock/gmock.h>

#include "content/sqlite_page.h"
#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string SqliteNumber(std::uint64_t value, int bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> 8 * bytes);
  return text;
}

// Values of text alone.
std::string SqliteRecord(const std::vector<std::string>& values) {
  std::string types, body;
  for (const std::string& value : values) {
    types += static_cast<char>(13 + 2 * value.size());
    body += value;
  }
  return static_cast<char>(types.size() + 1) + types + body;
}

// A page of `bytes` with these records: of a table when `table`, else of an index.
std::string SqlitePage(std::size_t bytes, const std::vector<std::string>& records, bool table, std::size_t header = 0) {
  std::string page(bytes, '\0');
  std::string pointers;
  std::size_t at = bytes;
  for (const std::string& record : records) {
    const std::string cell = static_cast<char>(record.size()) + std::string(table ? "\x05" : "") + record;
    at -= cell.size();
    page.replace(at, cell.size(), cell);
    pointers += SqliteNumber(at, 2);
  }
  const std::string head = (table ? "\x0D" : "\x0A") + SqliteNumber(0, 2) + SqliteNumber(records.size(), 2) +
                           SqliteNumber(at, 2) + SqliteNumber(0, 1) + pointers;
  return page.replace(header, head.size(), head);
}

std::string SqliteHead(std::size_t page_bytes, std::uint32_t encoding = 1) {
  std::string head = std::string("SQLite format 3\0", 16) + SqliteNumber(page_bytes == 65536 ? 1 : page_bytes, 2) +
                     "\x01\x01" + SqliteNumber(0, 1) + "\x40\x20\x20";
  head.resize(56);
  head += SqliteNumber(encoding, 4);
  head.resize(content::kSqliteHeaderBytes);
  return head;
}

std::string SqliteDatabase(std::size_t page_bytes = 512) {
  std::string first = SqlitePage(page_bytes, {SqliteRecord({"table", "reads"})}, true, content::kSqliteHeaderBytes);
  first.replace(0, content::kSqliteHeaderBytes, SqliteHead(page_bytes));
  return first +
         SqlitePage(page_bytes,
                    {SqliteRecord({"TX", "ABC1234", "2019-05-13"}), SqliteRecord({"NM", "XYZ9876", "lane3"})}, true) +
         SqlitePage(page_bytes, {SqliteRecord({"ABC1234", "\x01"})}, false);
}

std::string SqliteRows(const std::string& file, std::size_t piece = 700) {
  ContentRun run;
  run.Feed({.kind = ObjectKind::kMessage}, file, piece);
  const auto* rows = run.recorder.Find("root / sqlite");
  return rows == nullptr ? "" : rows->text();
}

constexpr std::string_view kSqliteRows = "table\treads\t\nTX\tABC1234\t2019-05-13\t\nNM\tXYZ9876\tlane3\t\n";

TEST(SqliteLayer, TheValuesOfARowAreParted) {
  for (const std::size_t page_bytes : {512, 4096, 65536}) {
    EXPECT_EQ(SqliteRows(SqliteDatabase(page_bytes)), std::string(kSqliteRows) + "ABC1234\t\x01\t\n") << page_bytes;
  }
}

TEST(SqliteLayer, EverySplitGivesTheSame) {
  const auto all = EverySplit({.kind = ObjectKind::kMessage}, SqliteDatabase());
  EXPECT_THAT(all, Each(all.front()));
}

TEST(SqliteLayer, FramesOfAWriteAheadLog) {
  std::string log = "\x37\x7F\x06\x82" + SqliteNumber(3'007'000, 4) + SqliteNumber(512, 4);
  log.resize(32);
  const std::string database = SqliteDatabase();
  for (std::size_t at = 0; at < database.size(); at += 512) log += std::string(24, '\x01') + database.substr(at, 512);
  EXPECT_EQ(SqliteRows(log), SqliteRows(database));
}

TEST(SqliteLayer, NumbersAndUtf16) {
  const content::SqliteForm form{.page_bytes = 512, .text = content::SqliteText::kUtf16Be};
  // NULL, integers of one and two bytes, 0 and 1 as types of their own, a blob, a text.
  const std::string record =
      std::string("\x08\x00\x01\x02\x08\x09\x10\x15", 8) + "\xFF\x01\x02zz" + std::string("\0A\0", 3) + "1";
  std::string rows;
  content::AppendSqliteRows(AsBytes(SqlitePage(512, {record}, true)), 0, form, rows);
  EXPECT_EQ(rows, "\t-1\t258\t0\t1\t\tA1\t\n");
}

TEST(SqliteLayer, AGapLosesThePageThatItTouches) {
  const std::string file = SqliteDatabase();
  for (const std::size_t length : {1U, 100U, 512U}) {
    ContentRun run;
    const auto consumer = run.Open({.kind = ObjectKind::kMessage});
    ContentRun::Pass(*consumer, file.substr(0, 520));
    consumer->OnGap(length);
    ContentRun::Pass(*consumer, file.substr(520 + length));
    consumer->OnEnd(ObjectEnd::kComplete);
    const std::string rows = run.recorder.Find("root / sqlite")->text();
    EXPECT_FALSE(rows.contains("XYZ9876")) << length;
    EXPECT_EQ(rows.contains("ABC1234\t\x01"), length < 512) << length;
  }
}

TEST(SqliteLayer, PagesThatLieGiveNoMoreThanTheyHold) {
  std::string page = SqlitePage(512, {SqliteRecord({std::string(80, 'x')})}, true);
  // Every cell the same one.
  page.replace(3, 2, SqliteNumber(200, 2));
  for (std::size_t i = 8; i < 400; i += 2) page.replace(i, 2, page.substr(8, 2));
  std::string rows;
  content::AppendSqliteRows(AsBytes(page), 0, {.page_bytes = 512}, rows);
  EXPECT_LT(rows.size(), 600U);
  for (std::size_t cut = 0; cut < page.size(); ++cut) {
    std::string damaged = page;
    damaged[cut] = '\xFF';
    content::AppendSqliteRows(AsBytes(damaged), 0, {.page_bytes = 512}, rows);
  }
  EXPECT_LT(rows.size(), 512U * 700U);
}

TEST(SqliteLayer, WhatIsNoDatabaseIsNotOpened) {
  EXPECT_EQ(SqliteRows("SQLite format 3 is described elsewhere" + std::string(600, ' ')), "");
  EXPECT_EQ(SqliteRows(SqliteHead(1000) + std::string(2000, ' ')), "");
  EXPECT_EQ(SqliteRows(SqliteHead(512)), "") << "no whole page";
}

}  // namespace
}  // namespace spanwatch::testing
