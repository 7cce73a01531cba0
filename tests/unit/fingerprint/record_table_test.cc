#include "fingerprint/record_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "fingerprint/record_value.h"

namespace spanwatch::fingerprint {
namespace {

class RecordTableReaderTest : public testing::Test {
 protected:
  struct Table {
    std::vector<RecordRow> rows;
    std::uint64_t read = 0;
    std::uint64_t without_plate = 0;
    std::string error;
  };
  Table Read(const std::string& text, RecordTableOptions options = {"plate", {"state"}}) {
    Table table;
    std::istringstream input(text);
    auto reader = RecordTableReader::Open(input, std::move(options), tagger_);
    if (!reader) {
      table.error = reader.error().message;
      return table;
    }
    RecordRow row;
    while (true) {
      const auto more = reader->Next(row);
      if (!more) table.error = more.error().message;
      if (!more || !*more) break;
      table.rows.push_back(row);
    }
    table.read = reader->rows_read();
    table.without_plate = reader->rows_without_plate();
    return table;
  }
  bool Has(const RecordRow& row, std::string_view plate, std::string_view value) {
    const RecordFingerprint& record = row.fingerprints.front();
    const std::uint64_t pair = tagger_.PairTag(record.plate_tag, tagger_.Tag(value));
    return record.plate_tag == tagger_.Tag(plate) &&
           std::ranges::find(record.pair_tags, pair) != record.pair_tags.end();
  }

  RecordKeys keys_ = *RecordKeys::Derive(Bytes(32, 1));
  RecordTagger tagger_{keys_};
};

TEST_F(RecordTableReaderTest, CommaTabAndSemicolonGiveTheSame) {
  for (const char* text : {"plate,state\naaa-123,us-tx\nBBB123,NM\n", "Plate\tState\r\nAAA123\tTX\r\nBBB123\tNM",
                           "\xEF\xBB\xBFstate;plate\nTX;AAA123\nNM;bbb 123\n"}) {
    const Table table = Read(text);
    ASSERT_EQ(table.rows.size(), 2U) << text;
    EXPECT_TRUE(Has(table.rows[0], "AAA123", "xTX"));
    EXPECT_TRUE(Has(table.rows[1], "BBB123", "xNM"));
    EXPECT_EQ(table.rows[1].line, 3U);
  }
}

TEST_F(RecordTableReaderTest, QuotedCellsMayHoldDelimitersQuotesAndLines) {
  const Table table = Read("note,plate,state\n\"a, \"\"b\"\"\nc\",\"AAA,123\",TX\nx,BBB123,NM\n");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_TRUE(Has(table.rows[0], "AAA123", "xTX"));
  EXPECT_EQ(table.rows[1].line, 4U);
}

TEST_F(RecordTableReaderTest, JsonLinesWithNestedKeys) {
  const Table table = Read("{\"vehicle\":{\"plate\":\"AAA123\"},\"at\":1557713500}\n\n{\"vehicle\":{},\"at\":1}\n",
                           {"vehicle.plate", {"at"}});
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_TRUE(Has(table.rows[0], "AAA123", "t25961891"));
  EXPECT_EQ(table.read, 3U);
  EXPECT_EQ(table.without_plate, 2U);
}

TEST_F(RecordTableReaderTest, RowsWithoutPlateAreCounted) {
  const Table table = Read("plate,state\n,TX\nunreadable plate,TX\nAAA123,TX\nBBB123\n");
  EXPECT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.without_plate, 2U);
}

TEST_F(RecordTableReaderTest, VariantsOfOnePlateAreOneRow) {
  const Table table = Read("plate,state\nA/B12345,TX\n");
  ASSERT_EQ(table.rows.size(), 1U);
  ASSERT_EQ(table.rows[0].fingerprints.size(), 3U);
  EXPECT_EQ(table.rows[0].fingerprints[1].plate_tag, tagger_.Tag("12345"));
}

TEST_F(RecordTableReaderTest, PairsAreBoundToBothSpellings) {
  const auto records = FingerprintRecord(tagger_, "AAO123", {"TX"});
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].folded_tag, tagger_.Tag("AA0123"));
  EXPECT_EQ(records[0].pair_tags.size(), 2U);
}

TEST_F(RecordTableReaderTest, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(Read("tag,state\n").error, "no column \"plate\" in the header; it has: tag, state");
  EXPECT_EQ(Read("").error, "no header: the file is empty");
  EXPECT_EQ(Read("{\"plate\":\"AAA123\"}\n[1]\n").error, "line 2: not a JSON object");
}

}  // namespace
}  // namespace spanwatch::fingerprint
