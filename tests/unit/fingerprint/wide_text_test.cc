#include "fingerprint/wide_text.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "support/text_run.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kWhole = 1 << 20;
constexpr WideForm kForms[] = {{2, false, false}, {2, true, false}, {2, false, true}, {2, true, true},
                               {4, false, false}, {4, true, false}, {4, false, true}, {4, true, true}};

std::string NameOf(const WideForm& form) {
  return fmt::format("UTF-{}{}{}", 8 * form.width, form.big_endian ? "BE" : "LE", form.marked ? " with mark" : "");
}

// Rows of a table that have `dash` inside the plate and `word` beside it.
std::u32string PlateTable(std::u32string_view dash, std::u32string_view word) {
  std::u32string text = U"plate,timestamp,lane,site\r\n";
  for (char32_t row = 0; row < 40; ++row) {
    const char32_t digits[] = {U'1', U'0' + row / 10, U'0' + row % 10, U'7'};
    text += U"ABC";
    text += dash;
    text += std::u32string_view(digits, 4);
    text += U",2019-05-01T00:00:00Z,lane1,";
    text += word;
    text += U"\r\n";
  }
  return text;
}

std::size_t CountOf(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(WideText, ReadsAsTheSameTextInUtf8) {
  const std::pair<std::u32string, std::string> tables[] = {
      {PlateTable(U"\u2013", U"x"), "ABC-1"},
      {PlateTable(U"\u00A0", U"x"), "ABC 1"},
      {PlateTable(U"\u2022", U"\u2022 x"), "ABC 1"},
      {PlateTable(U"\uFF0D", U"\uFF38\uFF39"), "ABC-1"},
      {PlateTable(U"-", U"\u041C\u043E\u0441\u043A\u0432\u0430"), "ABC-1"},
      {PlateTable(U"-", U"\u3010\u4EAC\u90FD\u3011"), "ABC-1"},
      {PlateTable(U"", U"\U0001D400\U0001F697"), "ABC1"},
      {PlateTable(U"-", U"\u5317\u4EAC\u5E02\u671D\u9633\u533A\u5EFA\u56FD\u8DEF"), "ABC-1"}};
  for (const auto& [table, plate] : tables) {
    for (const WideForm& form : kForms) {
      const std::string text = DecodedText(Widened(table, form), kWhole);
      EXPECT_EQ(CountOf(text, plate), 40U) << NameOf(form) << " " << plate;
      EXPECT_EQ(CountOf(text, "2019-05-01T00:00:00Z,lane1,"), 40U) << NameOf(form);
    }
  }
}

TEST(WideText, BeginsAtAnyPlaceOfAStream) {
  const std::u32string table = PlateTable(U"\u2013", U"\u4EAC");
  for (const WideForm& form : kForms) {
    const std::string wide = Widened(table, form);
    for (std::size_t before = 0; before < 140; ++before) {
      const std::string text = DecodedText(std::string(before, 'x') + "\r\n\r\n" + wide, kWhole);
      ASSERT_EQ(CountOf(text, "ABC-1"), 40U) << NameOf(form) << " behind " << before;
    }
    // In the midst of a row, of a character too: what is lost stands in the first block.
    for (std::size_t cut = 0; cut < 140; ++cut) {
      ASSERT_GE(CountOf(DecodedText(wide.substr(cut), kWhole), "ABC-1"), 37U) << NameOf(form) << " from " << cut;
    }
  }
}

TEST(WideText, AsciiBehindItIsAscii) {
  for (const WideForm& form : kForms) {
    for (std::size_t rows = 0; rows < 70; ++rows) {
      const std::string wide = Widened(std::u32string(rows, U'y') + U",AAA-1234\u2013,\r\n", form);
      const std::string text =
          DecodedText("--boundary\r\n\r\n" + wide + "\r\n--boundary, BBB1234, and more of it\r\n", kWhole);
      ASSERT_EQ(CountOf(text, "AAA-1234"), 1U) << NameOf(form) << " " << rows;
      ASSERT_EQ(CountOf(text, "BBB1234"), 1U) << NameOf(form) << " " << rows;
    }
  }
}

TEST(WideText, EverySplitGivesTheSame) {
  const std::u32string table = PlateTable(U"\u2013", U"\U0001D400\u4EAC");
  for (const WideForm& form : kForms) {
    const std::string bytes = "a line\n" + Widened(table, form) + "\nAAA1234\n";
    const std::string whole = DecodedText(bytes, kWhole);
    for (const std::size_t piece : {1, 3, 63, 64, 65, 1000}) EXPECT_EQ(DecodedText(bytes, piece), whole) << piece;
  }
}

// As in C strings, environments and padded fields.
TEST(WideText, AsciiWithNulsBetweenIsNone) {
  for (std::size_t length = 5; length <= 12; ++length) {
    const std::string part = std::string("ABC123456789").substr(0, length);
    for (std::size_t nuls = 1; nuls <= 4; ++nuls) {
      std::string bytes;
      for (int i = 0; i < 50; ++i) bytes += part + std::string(nuls, '\0');
      EXPECT_EQ(CountOf(DecodedText(bytes, kWhole), part), 50U) << length << " " << nuls;
    }
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
