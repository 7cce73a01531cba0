#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string DbfNumber(std::size_t value) { return {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8)}; }

std::string DbfTable(const std::vector<std::pair<std::string, int>>& columns, const std::string& rows) {
  std::size_t row_bytes = 1;
  std::string fields;
  for (const auto& [name, width] : columns) {
    row_bytes += static_cast<std::size_t>(width);
    std::string field = name;
    field.resize(11);
    field += 'C' + std::string(4, '\0') + static_cast<char>(width);
    field.resize(32);
    fields += field;
  }
  std::string head =
      "\x03\x77\x05\x0D" + std::string("\x02\0\0\0", 4) + DbfNumber(32 + fields.size() + 1) + DbfNumber(row_bytes);
  head.resize(32);
  return head + fields + "\r" + rows + "\x1A";
}

const std::string kDbfPlates =
    DbfTable({{"ID", 3}, {"STATE", 2}, {"PLATE", 7}, {"DAY", 8}}, "   1TXABC123420190513*  2NMAB12   20190514");

TEST(DbfLayer, TheColumnsOfARowAreParted) {
  ContentRun run;
  run.Feed({.kind = ObjectKind::kMessage}, kDbfPlates, 7);
  EXPECT_EQ(run.recorder.Find("root / dbf")->text(),
            "ID\tSTATE\tPLATE\tDAY\n1\tTX\tABC1234\t20190513\n2\tNM\tAB12\t20190514\n");
}

TEST(DbfLayer, EverySplitGivesTheSame) {
  const auto all = EverySplit({.kind = ObjectKind::kMessage}, kDbfPlates);
  EXPECT_THAT(all, Each(all.front()));
}

TEST(DbfLayer, BehindAGapRowsGoOn) {
  const std::string rows = "   1TXABC123420190513   2NMXYZ987620190514   3NMDEF555520190515";
  const std::string file = DbfTable({{"ID", 3}, {"STATE", 2}, {"PLATE", 7}, {"DAY", 8}}, rows);
  const std::size_t first = file.size() - rows.size() - 1;
  ContentRun run;
  const auto consumer = run.Open({.kind = ObjectKind::kMessage});
  ContentRun::Pass(*consumer, file.substr(0, first + 5));
  consumer->OnGap(21);
  ContentRun::Pass(*consumer, file.substr(first + 26));
  consumer->OnEnd(ObjectEnd::kComplete);
  EXPECT_TRUE(run.recorder.Find("root / dbf")->text().ends_with("\n3\tNM\tDEF5555\t20190515\n"));
}

TEST(DbfLayer, ColumnsWiderThanTheRowGiveNoMoreThanItHolds) {
  std::string file = DbfTable({{"A", 250}, {"B", 250}, {"C", 250}}, std::string(4000, 'x'));
  file.replace(10, 2, DbfNumber(2));
  ContentRun run;
  run.Feed({.kind = ObjectKind::kMessage}, file, 0);
  EXPECT_LT(run.recorder.Find("root / dbf")->text().size(), 3 * file.size());
}

TEST(DbfLayer, WhatIsNoTableIsNotOpened) {
  for (const std::string& text :
       {"\x03\x77\x13\x40" + std::string(700, 'A'), "\x03 is a byte" + std::string(700, ' ')}) {
    ContentRun run;
    run.Feed({.kind = ObjectKind::kMessage}, text, 0);
    EXPECT_EQ(run.recorder.Find("root / dbf"), nullptr);
  }
}

}  // namespace
}  // namespace spanwatch::testing
