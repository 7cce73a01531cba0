#include "register/enroll_records.h"

#include <set>

#include "fingerprint/record_keys.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

class EnrollRecordsTest : public RegisterTest {
 protected:
  Result<EnrolmentSummary> Enrol(const std::string& path, const std::string& plate = "plate") {
    const fingerprint::RecordTagger tagger(*fingerprint::RecordKeys::Derive(Bytes(32, 1)));
    return EnrollRecords(
        *database_,
        {.collection = "reads", .inputs = {path}, .plate_column = plate, .support_columns = {"state", "lane"}}, tagger,
        observer_);
  }
  RecordingObserver observer_;
};

TEST_F(EnrollRecordsTest, RegistersEachPlateOnceWithItsRows) {
  const std::string path = Write("reads.csv", "plate,state,lane\nAAA1234,TX,3\nBBB1234,TX,3\nAAA-1234,NM,4\n");
  const auto summary = Enrol(path);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->added, 2u);
  EXPECT_EQ(summary->sources, 1u);
  EXPECT_EQ(summary->problems, 0u);
  const auto items = Items();
  ASSERT_EQ(items.size(), 2u);
  const auto sources = [&](const ItemEntry& item) { return *database_->Sources(item); };
  const auto twice = std::ranges::find(items, std::vector<std::string>{path + ":2", path + ":4"}, sources);
  ASSERT_NE(twice, items.end());
  EXPECT_EQ(twice->kind, ItemKind::kRecord);
  EXPECT_EQ((*database_->Records(*twice)).front().pair_tags.size(), 4u);
}

TEST_F(EnrollRecordsTest, EnrollingAgainAddsNothing) {
  const std::string path = Write("reads.csv", "plate,state,lane\nAAA1234,TX,3\nBBB1234,TX,3\n");
  ASSERT_EQ(Enrol(path)->added, 2u);
  const auto again = Enrol(path);
  EXPECT_EQ(again->added, 0u);
  EXPECT_EQ(again->known, 2u);
}

TEST_F(EnrollRecordsTest, RowsOfSeveralBatchesCountWhenTheyAreCommitted) {
  EnrolmentSummary summary;
  int on_their_way = 0;
  RowBatch batch(*database_, *database_->CollectionRow("reads"), {.path = "/r"}, summary, [&] { ++on_their_way; });
  const auto add = [&](std::uint64_t line, std::uint64_t tag) {
    ASSERT_TRUE(batch.Add({.line = line, .fingerprints = {{.plate_tag = tag, .folded_tag = tag, .shape = 240}}}));
  };
  add(2, 7);
  add(3, 5);
  EXPECT_EQ(summary.added, 0u);
  EXPECT_EQ(on_their_way, 0);
  ASSERT_TRUE(batch.Flush());
  EXPECT_EQ(summary.added, 2u);
  add(4, 7);
  add(5, 6);
  ASSERT_TRUE(batch.Flush());
  EXPECT_EQ(summary.added, 3u);
  EXPECT_EQ(summary.sources, 1u);
  EXPECT_EQ(on_their_way, 4);
  EXPECT_EQ(Items().size(), 3u);
}

TEST_F(EnrollRecordsTest, NamesAMissingColumnOrFileAndTablesWithoutPlates) {
  EXPECT_EQ(Enrol(Write("a.csv", "tag,state,lane\nAAA1234,TX,3\n"))->problems, 1u);
  EXPECT_EQ(Enrol((folder_ / "nothing.csv").string())->problems, 1u);
  EXPECT_EQ(Enrol(Write("b.csv", "plate,state,lane\n,TX,3\n,TX,4\n"))->problems, 1u);
  EXPECT_EQ(Enrol(Write("c.csv", "plate,state,lane\n,TX,3\nAAA1234,TX,4\n"))->problems, 0u);
  ASSERT_EQ(observer_.problems.size(), 3u);
  EXPECT_EQ(observer_.notices.size(), 2u) << "an empty cell is told, and is no problem";
  for (const auto& problem : observer_.problems) EXPECT_EQ(problem.find("AAA1234"), std::string::npos);
}

// Registered it is, since another table may have it plainly.
TEST_F(EnrollRecordsTest, NamesTheRowWhosePlateIsNotFoundAsItIsWritten) {
  const auto summary =
      Enrol(Write("odd.csv", "plate,state,lane\nAB\u2603C123,TX,3\nABC - 1234,TX,3\nM\u00DC-AB 123,TX,3\n"));
  EXPECT_EQ(summary->added, 3u);
  EXPECT_EQ(summary->problems, 1u);
  ASSERT_EQ(observer_.problems.size(), 1u);
  EXPECT_NE(observer_.problems[0].find("line 2: the plate is registered, but"), std::string::npos);
}

TEST_F(EnrollRecordsTest, TheDatabaseHoldsNoPlateInClear) {
  ASSERT_EQ(Enrol(Write("reads.csv", "plate,state,lane\nAAA1234,ZQTEXAS,3\n"))->added, 1u);
  database_.reset();
  std::ifstream input(folder_ / "R.db", std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(input), {}};
  EXPECT_FALSE(content.empty());
  EXPECT_EQ(content.find("AAA1234"), std::string::npos);
  EXPECT_EQ(content.find("ZQTEXAS"), std::string::npos);
}

TEST_F(EnrollRecordsTest, ColumnsThatCannotSupportAreTold) {
  EXPECT_EQ(Enrol(Write("a.csv", "plate,state,lane\nAAA1234,\"6\"\" lift\",3\nBBB1234,\"7\"\" lift\",4\n"))->problems,
            1u);
  EXPECT_NE(observer_.problems.at(0).find("no value of column 'state' can support"), std::string::npos);
  EXPECT_EQ(Enrol(Write("b.csv", "plate,state,lane\nAAA1234,\"6\"\" lift\",3\nBBB1234,TX,4\n"))->problems, 0u);
  EXPECT_NE(observer_.notices.back().find("1 of 2 values of column 'state'"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::enrolment
