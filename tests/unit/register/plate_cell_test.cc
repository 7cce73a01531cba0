#include "register/plate_cell.h"

#include <gtest/gtest.h>

namespace spanwatch::enrolment {
namespace {

TEST(PlateCellTest, TakesPlatesAsTheyAreWritten) {
  for (const char* plate : {"ABC1234", "AB-123-CD", "1-ABC-23", "XX0000", "000X", "12-MAR", "1E5", "12E34", "1-ABC",
                            "mar-1234", "MAR-26", "12.345", "#ABC123", "MAR1234", "1234567"})
    EXPECT_EQ(ReadPlateCell(plate).text, plate);
  EXPECT_EQ(ReadPlateCell("'0123456").text, "0123456");
  EXPECT_EQ(ReadPlateCell("=\"0123456\"").text, "0123456");
  EXPECT_EQ(ReadPlateCell("1234567.0").text, "1234567") << "pandas makes such numbers of whole ones";
  EXPECT_EQ(ReadPlateCell("1234567.5").text, "1234567.5");
}

TEST(PlateCellTest, WhatSaysThatNoPlateWasReadIsANotice) {
  for (const char* cell : {"", " ", "NULL", "\\N", "NaN", "-", "NA", "<NA>", "(null)", "UNKNOWN", "no tag", "no plate",
                           "XXXXXXX", "0000000"}) {
    EXPECT_TRUE(ReadPlateCell(cell).text.empty()) << cell;
    EXPECT_FALSE(ReadPlateCell(cell).notice.empty()) << cell;
    EXPECT_TRUE(ReadPlateCell(cell).problem.empty()) << cell;
  }
}

TEST(PlateCellTest, WhatASpreadsheetMadeOfAPlateIsAProblem) {
  for (const char* cell : {"#REF!",      "#VALUE!",    "#NAME?",   "#DIV/0!",    "#NULL!",   "#NUM!",        "#BEZUG!",
                           "#NOMBRE?",   "########",   "Err:502",  "TRUE",       "1.0E5",    "1.23E+09",     "1,23e+10",
                           "1-Mar",      "Mar-26",     "1-Mar-26", "1-mar",      "01. Mrz",  "12-ao\u00FBt", "mars-26",
                           "2026-03-01", "13/05/2026", "3/1/2026", "01.03.2026", "(2 rows)", "(1 row)"}) {
    EXPECT_TRUE(ReadPlateCell(cell).text.empty()) << cell;
    EXPECT_FALSE(ReadPlateCell(cell).problem.empty()) << cell;
  }
}

TEST(PlateCellTest, KnowsDatesThatNoCalendarHas) {
  for (const char* cell : {"31/02/2026", "2026-13-32", "31.11.2026 10:00", "2026-02-30T10:00", "20260231T081101Z"})
    EXPECT_TRUE(IsImpossibleDate(cell)) << cell;
  for (const char* cell :
       {"28/02/2026", "2026-02-28", "10.0.0.1", "12-34-567", "TX", "1/2", "20260228T081101Z", "28/02/2026 10:00"})
    EXPECT_FALSE(IsImpossibleDate(cell)) << cell;
}

}  // namespace
}  // namespace spanwatch::enrolment
