#include "fingerprint/text_escapes.h"

#include <gtest/gtest.h>

#include "fingerprint/text_decoder.h"

namespace spanwatch::fingerprint {
namespace {

TEST(TextEscapes, OfHtmlAndXml) {
  EXPECT_EQ(FoldText("ABC&nbsp;123"), "ABC 123");
  EXPECT_EQ(FoldText("ABC&ndash;123 ABC&mdash;123 ABC&minus;123"), "ABC-123 ABC-123 ABC-123");
  EXPECT_EQ(FoldText("ABC&#45;123 ABC&#x2d;123 ABC&#X2D;123 ABC&#8211;123 ABC&#x2013;123"),
            "ABC-123 ABC-123 ABC-123 ABC-123 ABC-123");
  EXPECT_EQ(FoldText("ABC&shy;123 ABC&zwnj;123 ABC&#8203;123 ABC&ZeroWidthSpace;123"), "ABC123 ABC123 ABC123 ABC123");
  EXPECT_EQ(FoldText("ABC&middot;123 ABC&bull;123"), "ABC 123 ABC 123");
  EXPECT_EQ(FoldText("M&Uuml;-&Aring;&Oslash; 1"), "MU-AO 1");
  EXPECT_EQ(FoldText("ABC&amp;nbsp;123 ABC&amp;#45;123"), "ABC 123 ABC-123");
  EXPECT_EQ(FoldText("&quot;ABC123&quot; &lt;b&gt;"), "\"ABC123\" <b>");
  EXPECT_EQ(FoldText("AT&T;1 a&b &unknown; &"), "AT&T;1 a&b &unknown; &");
  EXPECT_EQ(FoldText("&#150;"), "-") << "as browsers read it: Windows-1252";
}

TEST(TextEscapes, OfJsonAndProgrammes) {
  EXPECT_EQ(FoldText(R"(M\u00dc-AB M\u00DC-AB)"), "MU-AB MU-AB");
  EXPECT_EQ(FoldText(R"(\ud835\udc00\ud835\udc01 1)"), "AB 1") << "surrogate pairs";
  EXPECT_EQ(FoldText(R"(ABC\u{2013}123 \U0001D400)"), "ABC-123 A");
  EXPECT_EQ(FoldText(R"(M\xc3\x9c ABC\xe2\x80\x93123)"), "MU ABC-123");
  EXPECT_EQ(FoldText(R"(2019\/05\/01)"), "2019/05/01");
  EXPECT_EQ(FoldText(R"(ABC\u200b123)"), "ABC123");
  EXPECT_EQ(FoldText(R"(C:\new\table\users \)"), R"(C:\new\table\users \)");
}

TEST(TextEscapes, OfRtf) {
  EXPECT_EQ(FoldText(R"(ABC\'96123 ABC\u8211?123 ABC\u8211\'96123 ABC\~123 ABC\_123)"),
            "ABC-123 ABC-123 ABC-123 ABC 123 ABC_123");
}

TEST(TextEscapes, OfUrls) {
  EXPECT_EQ(FoldText("ABC%20123,ABC%E2%80%93123,M%C3%9C"), "ABC 123,ABC-123,MU");
  EXPECT_EQ(FoldText("ABC%2520123,ABC%25E2%2580%2593123"), "ABC 123,ABC-123");
  EXPECT_EQ(FoldText("ABC%u2013123"), "ABC-123");
  EXPECT_EQ(FoldText("%41%42%43%31%32%33"), "ABC123") << "all of it escaped";
  EXPECT_EQ(FoldText("100%AB12"), "100%AB12");
}

TEST(TextEscapes, OneByteCharactersOfWindows1252AmongAscii) {
  EXPECT_EQ(FoldText("M\xDC-AB 123, ABC\x96"
                     "123, ABC\xA0"
                     "123"),
            "MU-AB 123, ABC-123, ABC 123");
}

}  // namespace
}  // namespace spanwatch::fingerprint
