#include "fingerprint/text_fold.h"

#include <gtest/gtest.h>

#include "fingerprint/plate_normaliser.h"
#include "fingerprint/text_decoder.h"

namespace spanwatch::fingerprint {
namespace {

TEST(TextFold, EveryFormOfALatinLetterOrDigitIsIt) {
  for (const char* written :
       {"ABC123", "\uFF21\uFF22\uFF23\uFF11\uFF12\uFF13",
        "\U0001D400\U0001D401\U0001D402\U0001D7CF\U0001D7D0\U0001D7D1", "\u24B6\u24B7\u24B8\u2460\u2461\u2462",
        "\u00C4B\u00C7123", "A\u0308BC\u0327123", "\u0410\u0412\u0421123", "\u0391\u0392C\u0661\u0662\u0663",
        "A\u200BB\u00ADC\u206012\uFEFF3", "\u202AABC\u202C\u200E123"}) {
    EXPECT_EQ(FoldText(written), "ABC123") << written;
  }
}

TEST(TextFold, SpacesBulletsAndHyphensOfEveryKind) {
  for (const char* space : {" ", "\u00A0", "\u2009", "\u202F", "\u3000", "\u2022", "\u00B7", "\u30FB"}) {
    EXPECT_EQ(FoldText("A" + std::string(space) + "1"), "A 1") << space;
  }
  for (const char* hyphen : {"-", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\uFF0D", "\uFE63"}) {
    EXPECT_EQ(FoldText("A" + std::string(hyphen) + "1"), "A-1") << hyphen;
  }
  EXPECT_EQ(FoldText("A\u2028B\u0085"), "A\nB\n");
}

TEST(TextFold, LettersOfOtherScriptsAreLettersInEveryForm) {
  const auto same = [](const char* a, const char* b) {
    const std::string folded = NormalisePlate(a);
    EXPECT_EQ(folded, NormalisePlate(b)) << a << " " << b;
    EXPECT_TRUE(std::ranges::all_of(folded, [](char c) { return IsFoldedLetter(c) || IsFoldedDigit(c); })) << a;
    return folded.size();
  };
  EXPECT_EQ(same("\u0416\u042F 12", "\u0436\u044F-12"), 4U) << "Cyrillic, small and capital";
  EXPECT_EQ(same("\uAC00 12", "\u1100\u1161 12"), 3U) << "Hangul, composed and not";
  EXPECT_EQ(same("\u304C12", "\u304B\u309912"), 3U) << "Kana, with its voice mark apart";
  EXPECT_EQ(same("\u30AB12", "\uFF7612"), 3U) << "half-width Katakana";
  EXPECT_EQ(same("\u0623\u0628 \u0661\u0662", "\u0627\uFE8F 12"), 4U) << "Arabic, isolated forms and its digits";
  EXPECT_EQ(same("\u03A9\u039E 12", "\u03C9\u03BE12"), 4U) << "Greek";
  EXPECT_EQ(same("\u4EAC A1", "\u4EACA1"), 3U) << "Han";
  EXPECT_NE(NormalisePlate("\u4EACA1"), NormalisePlate("\u6CAAA1"));
}

TEST(TextFold, AsciiStaysAsItIs) {
  std::string ascii;
  for (char c = ' '; c < 0x7F; ++c) {
    if (c != '\\' && c != '&' && c != '%') ascii += c;
  }
  EXPECT_EQ(FoldText(ascii), ascii);
  EXPECT_EQ(FoldText("\u2603"), std::string(1, kTextOther));
}

}  // namespace
}  // namespace spanwatch::fingerprint
