#include "base/printable.h"

#include <gtest/gtest.h>

namespace spanwatch {
namespace {

using namespace std::literals;

TEST(Printable, LeavesTextOfAnyScriptAsItIs) {
  for (const std::string_view text : {""sv, "lane-3/IMG 0042 (1).jpg"sv, "Zoë Müller.png"sv, "车牌.csv"sv, "🚗"sv})
    EXPECT_EQ(Printable(text), text);
}

TEST(Printable, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("a\x1b[2Jb\r\nc\td\x7f\0"sv), "a\\x1b[2Jb\\x0d\\x0ac\\x09d\\x7f\\x00");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");  // C1: a control sequence, too
  EXPECT_EQ(Printable("gpj.\xe2\x80\xae"
                      "exe"),
            "gpj.\\xe2\\x80\\xae"
            "exe");  // written from right to left
  EXPECT_EQ(Printable("a\xe2\x80\xa8"
                      "b"),
            "a\\xe2\\x80\\xa8"
            "b");  // ends a line
}

TEST(Printable, ShowsBytesThatAreNoText) {
  EXPECT_EQ(Printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(Printable("\xc0\xaf"), "\\xc0\\xaf");                    // '/' in two bytes
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // half of a surrogate pair
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  EXPECT_EQ(Printable("\xe2\x82"), "\\xe2\\x82");                    // cut off
  EXPECT_EQ(Printable("\xe2(\xa1"), "\\xe2(\\xa1");
}

}  // namespace
}  // namespace spanwatch
