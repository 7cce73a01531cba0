#include "fingerprint/plate_finder.h"

#include <gtest/gtest.h>

#include "fingerprint/plate_normaliser.h"

namespace spanwatch::fingerprint {
namespace {

// Of a table of one column.
bool FindsIn(std::string_view column, std::string_view written) {
  PlateFinder finder;
  finder.Read(std::string(column) + "\n\"" + std::string(written) + "\"\n");
  return finder.Finds(PlateVariants(written));
}

TEST(PlateFinder, PlatesOfEveryScriptAreFoundAsTheyAreWritten) {
  for (const char* plate : {"AAA1234",
                            "aaa-1234",
                            "ABC - 1234",
                            "ABC  1234",
                            "A B C 1 2 3 4",
                            "M\u00DC-AB 123",
                            "12\uAC00 3456",
                            "12\uAC003456",
                            "\uC11C\uC6B8 12 \uAC00 3456",
                            "\u54C1\u5DDD 155 \u3042 73-79",
                            "\u4EACA\u00B712345",
                            "\u7CA4Z 1234\u6E2F",
                            "\u0410123\u0411\u0416 77",
                            "\u0391\u0393\u0394-1234",
                            "\u0623 \u0628 \u062C 1234",
                            "\u0662\u0663\u0664\u0665 \u0623\u0628",
                            "\u0E01\u0E01 1234",
                            "1\u0E01\u0E02 1234 \u0E01\u0E23\u0E38\u0E07\u0E40\u0E17\u0E1E",
                            "A\u200BBC\u00AD123",
                            "TX-ABC1234",
                            "A/B12345"}) {
    EXPECT_TRUE(FindsIn("License Plate", plate)) << plate;
  }
}

TEST(PlateFinder, WhatPartsThePlateInEveryTextIsNotFound) {
  for (const char* plate : {"AB\u2603C-12", "A,B,C,1,2,3", "12(AB)3", "AB -- -- 12"})
    EXPECT_FALSE(FindsIn("plate", plate)) << plate;
}

TEST(PlateFinder, UnderAnyOtherNameOnlyWhatIsAPlateInAnyText) {
  EXPECT_TRUE(FindsIn("Kennzeichen", "M\u00DC-AB 123"));
  EXPECT_FALSE(FindsIn("Kennzeichen", "123456"));
  EXPECT_FALSE(FindsIn("Kennzeichen", "ABC - 1234"));
}

// The other columns tell whether a name that may mean other things names plates; in an object they come first.
TEST(PlateFinder, WhatStandsBesideThePlateCounts) {
  const auto second_row = [](std::string_view first, std::string_view second) {
    PlateFinder finder;
    finder.Read(first);
    finder.Read(second);
    return finder.Finds(PlateVariants("1234567"));
  };
  EXPECT_TRUE(second_row("tag;state\n", "1234567;TX\n"));
  EXPECT_FALSE(second_row("tag;when\n", "1234567;10:00\n"));
  EXPECT_FALSE(second_row("plate,seen\n1234567,x\n", "7654321,y\n")) << "that was in the row before";
  EXPECT_FALSE(second_row("[\n", "{\"tag\":\"1234567\",\"state\":\"TX\"},\n"));
  EXPECT_TRUE(second_row("{\"tag\":\"7654321\",\"state\":\"TX\"},\n", "{\"tag\":\"1234567\",\"state\":\"TX\"},\n"));
}

// A fraction that a table wrote behind a plate of digits alone is none of it.
TEST(PlateFinder, TheRegisteredPlateIsLookedForInWhatIsWritten) {
  PlateFinder finder;
  finder.Read("plate\n1234567.0\n");
  EXPECT_TRUE(finder.Finds(PlateVariants("1234567")));
  finder.Read("\"=\"\"0123456\"\"\"\n");
  EXPECT_TRUE(finder.Finds(PlateVariants("0123456")));
  EXPECT_FALSE(finder.Finds(PlateVariants("1234567"))) << "that was in the row before";
}

TEST(PlateFinder, ReadsRowsOfAnyLength) {
  PlateFinder finder;
  finder.Read("plate;note\n");
  for (int i = 0; i < 100; ++i) {
    const std::string plate = "AB" + std::to_string(1000 + i);
    finder.Read(plate + ";" + std::string(static_cast<std::size_t>(i) * 97, 'n') + "\n");
    EXPECT_TRUE(finder.Finds(PlateVariants(plate))) << i;
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
