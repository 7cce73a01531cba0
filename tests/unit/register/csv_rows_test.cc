#include "register/csv_rows.h"

#include <gtest/gtest.h>

#include <sstream>

namespace spanwatch::enrolment {
namespace {

using Cells = std::vector<std::string>;

struct ReadRows {
  std::vector<Cells> rows;
  std::vector<std::uint64_t> lines;
  std::vector<std::uint64_t> problems;  // the lines that have one
};

ReadRows Read(const std::string& text, char delimiter = ',') {
  std::istringstream input(text);
  TextLines lines(input);
  CsvRows rows(lines, delimiter, [](const Cells& cells) { return cells.size() == 3 && cells[0].size() == 7; });
  ReadRows read;
  CellRow row;
  while (rows.Next(row)) {
    read.rows.push_back(row.cells);
    read.lines.push_back(row.line);
    if (!row.problem.empty()) read.problems.push_back(row.line);
  }
  return read;
}

TEST(CsvRows, ReadsAsPythonDoes) {
  const std::pair<const char*, Cells> rows[] = {
      {"a,b,c", {"a", "b", "c"}},
      {"a,,", {"a", "", ""}},
      {"a,pickup 6\" lift,c", {"a", "pickup 6\" lift", "c"}},
      {"a,\"b, \"\"b\"\"\",c", {"a", "b, \"b\"", "c"}},
      {"a,\"5\" bolt\",c", {"a", "5 bolt\"", "c"}},
      {"a,  b ,c", {"a", "  b ", "c"}},
      {"a,\"\",c", {"a", "", "c"}},
      {"a,\"b\nb\",c", {"a", "b\nb", "c"}},
      {"\"a\",\"b\r\nb\",c", {"a", "b\nb", "c"}},
  };
  for (const auto& [text, cells] : rows) {
    const ReadRows read = Read(text);
    ASSERT_EQ(read.rows.size(), 1u) << text;
    EXPECT_EQ(read.rows[0], cells) << text;
    EXPECT_TRUE(read.problems.empty()) << text;
  }
}

TEST(CsvRows, SpacesMayStandBeforeAQuoteThatIsClosed) {
  EXPECT_EQ(Read("a, \"b, b\", c").rows.at(0), (Cells{"a", "b, b", " c"}));
  EXPECT_EQ(Read("a, \"b, c\nd,e,f").rows, (std::vector<Cells>{{"a", " \"b", " c"}, {"d", "e", "f"}}));
}

TEST(CsvRows, EveryLineEndEndsARow) {
  for (const char* text : {"a\nb\nc", "a\r\nb\r\nc\r\n", "a\rb\rc\r"}) {
    const ReadRows read = Read(text);
    EXPECT_EQ(read.rows, (std::vector<Cells>{{"a"}, {"b"}, {"c"}})) << text;
    EXPECT_EQ(read.lines, (std::vector<std::uint64_t>{1, 2, 3})) << text;
  }
}

TEST(CsvRows, AQuoteThatNothingClosesSwallowsNoRows) {
  // At the end of the file, by the quote of a later row, and before rows like itself.
  for (const std::string last : {"", "ABD1234,\"ok\",TX\n", "ABD1234,x,TX\n", "ABD1234,13 inch\",TX\n"}) {
    const ReadRows read = Read("ABC1234,\"12 inch,TX\n" + last);
    ASSERT_EQ(read.rows.size(), last.empty() ? 1u : 2u) << last;
    EXPECT_EQ(read.rows[0], (Cells{"ABC1234", "\"12 inch", "TX"}));
    EXPECT_EQ(read.problems, std::vector<std::uint64_t>{1});
  }
}

TEST(CsvRows, ACellOfManyLinesIsOneCell) {
  std::string note = "first";
  for (int i = 0; i < 5000; ++i) note += "\nnote, with a comma and 6 inches";
  const ReadRows read = Read("ABC1234,\"" + note + "\",TX\nABD1234,b,TX\n");
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0][1], note);
  EXPECT_EQ(read.lines[1], 5002u);
  EXPECT_TRUE(read.problems.empty());
}

TEST(CsvRows, ZeroBytesAndLinesThatAreCutAreTold) {
  EXPECT_EQ(Read(std::string("a\0b,c\nd,e\n", 10)).rows, (std::vector<Cells>{{"ab", "c"}, {"d", "e"}}));
  EXPECT_EQ(Read(std::string("a\0b,c\nd,e\n", 10)).problems, std::vector<std::uint64_t>{1});
  const ReadRows cut = Read("a," + std::string(TextLines::kLongestLine, 'x') + ",z\nd,e\n");
  ASSERT_EQ(cut.rows.size(), 2u);
  EXPECT_EQ(cut.problems, std::vector<std::uint64_t>{1});
}

}  // namespace
}  // namespace spanwatch::enrolment
