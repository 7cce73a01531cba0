#include "content/workbook.h"

#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

constexpr std::string_view kStringsPart =
    "<?xml version=\"1.0\"?><sst count=\"5\"><si><t>plate</t></si><si><t>state</t></si><si><r><t>AAA</t></r><r><t "
    "xml:space=\"preserve\">1234</t></r></si><si><t/></si><si><t>TX</t></si></sst>";
constexpr std::string_view kSheetPart =
    "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"s\"><v>1</v></c></row>"
    "<row r=\"2\"><c r=\"A2\" s=\"3\" t=\"s\"><v>2</v></c><c r=\"B2\"><v>43598.0914</v></c><c r=\"C2\" "
    "t=\"s\"><v>4</v></c></row>"
    "<row r=\"3\"><c r=\"B3\" t=\"inlineStr\"><is><t>BBB1234</t></is></c><c r=\"C3\" t=\"s\"><v>99</v></c></row>"
    "</sheetData></worksheet>";
constexpr std::string_view kRows = "plate\t\tstate\nAAA1234\t43598.0914\tTX\n\tBBB1234\t\n";
constexpr std::string_view kPath = "root / rows xl/worksheets/sheet1.xml";

Members Parts(bool strings_first) {
  Members sheet = {{"xl/worksheets/sheet1.xml", std::string(kSheetPart)}};
  Members strings = {{"xl/sharedStrings.xml", std::string(kStringsPart)}};
  Members parts = strings_first ? strings : sheet;
  parts.push_back(strings_first ? sheet.front() : strings.front());
  parts.push_back({"docProps/app.xml", "<Properties/>"});
  return parts;
}

TEST(Workbook, RowsHaveTheTextsWhereverTheyStand) {
  for (const bool strings_first : {false, true}) {
    ContentRun run;
    run.Feed({}, MakeArchive("zip", Parts(strings_first)), 1460);
    const RecordedObject* rows = run.recorder.Find(kPath);
    ASSERT_NE(rows, nullptr);
    EXPECT_EQ(rows->text(), kRows);
    EXPECT_EQ(rows->end, ObjectEnd::kComplete);
    EXPECT_EQ(run.recorder.Count("rows xl/worksheets/sheet1.xml"), 1U);
  }
}

TEST(Workbook, EverySplitGivesTheSame) {
  const auto splits = EverySplit({}, MakeArchive("zip", Parts(false)));
  EXPECT_THAT(splits, Each(splits.front()));
}

TEST(Workbook, WithoutTextsTheNumbersAreGivenAtTheEnd) {
  ContentRun run;
  run.Feed({}, MakeArchive("zip", {{"xl/worksheets/sheet1.xml", std::string(kSheetPart)}}), 0);
  const RecordedObject* rows = run.recorder.Find(kPath);
  ASSERT_NE(rows, nullptr);
  EXPECT_EQ(rows->text(), "\t\t\n\t43598.0914\t\n\tBBB1234\t\n");
}

TEST(Workbook, WhatIsHeldIsLimitedAndSaidSo) {
  config::Limits limits;
  limits.content_held_bytes = 65536;
  ContentRun run(limits);
  std::string sheet = "<worksheet><sheetData>";
  for (int i = 0; i < 20000; ++i) sheet += "<row><c t=\"inlineStr\"><is><t>BBB1234</t></is></c></row>";
  run.Feed(
      {},
      MakeArchive("zip", {{"xl/worksheets/sheet1.xml", sheet}, {"xl/sharedStrings.xml", std::string(kStringsPart)}}),
      0);
  EXPECT_EQ(run.recorder.Find(kPath), nullptr);
  EXPECT_TRUE(run.notes().limit_reached);
}

TEST(Workbook, OtherArchivesHaveNone) {
  ContentRun run;
  run.Feed(
      {}, MakeArchive("zip", {{"worksheets/sheet1.xml", std::string(kSheetPart)}, {"sharedStrings.xml", "<sst/>"}}), 0);
  EXPECT_EQ(run.recorder.Count("rows worksheets/sheet1.xml"), 0U);
}

}  // namespace
}  // namespace spanwatch::testing
