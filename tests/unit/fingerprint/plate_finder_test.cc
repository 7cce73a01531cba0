#include "fingerprint/plate_finder.h"

#include <gtest/gtest.h>

namespace spanwatch::fingerprint {
namespace {

TEST(PlateFinder, PlatesOfEveryScriptAreFoundAsTheyAreWritten) {
  PlateFinder finder("License Plate");
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
    EXPECT_TRUE(finder.Finds(plate)) << plate;
  }
}

TEST(PlateFinder, WhatPartsThePlateInEveryTextIsNotFound) {
  PlateFinder finder("plate");
  for (const char* plate : {"AB\u2603C-12", "A,B,C,1,2,3", "12(AB)3", "AB -- -- 12"})
    EXPECT_FALSE(finder.Finds(plate)) << plate;
}

TEST(PlateFinder, UnderAnyOtherNameOnlyWhatIsAPlateInAnyText) {
  PlateFinder finder("Kennzeichen");
  EXPECT_TRUE(finder.Finds("M\u00DC-AB 123"));
  EXPECT_FALSE(finder.Finds("123456"));
  EXPECT_FALSE(finder.Finds("ABC - 1234"));
}

}  // namespace
}  // namespace spanwatch::fingerprint
