#include "state/database.h"

#include <sys/stat.h>

#include <fstream>

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

TEST(Database, IsPrivateToItsUser) {
  StateFile file;
  auto state = file.Open();
  struct stat facts{};
  ASSERT_EQ(::stat(file.path().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST(Database, RefusesASecondWriterAndLetsAReaderIn) {
  StateFile file;
  auto state = file.Open();
  const auto second = State::Open(file.path(), file.limits, file.counters);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(State::Open(file.path(), file.limits, file.counters, Access::kReader).has_value());
}

TEST(Database, AReaderCannotWrite) {
  StateFile file;
  file.Open();
  auto reader = State::Open(file.path(), file.limits, file.counters, Access::kReader);
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_FALSE((*reader)->outbox().SetDisabled("siem", true, "x").has_value());
}

TEST(Database, RefusesWhatIsNotAStateFile) {
  StateFile file;
  std::ofstream(file.path()) << "this is a text of more than sixteen bytes, no database at all";
  const auto state = State::Open(file.path(), file.limits, file.counters);
  ASSERT_FALSE(state.has_value());
  EXPECT_NE(state.error().message.find(file.path() + " is damaged"), std::string::npos) << state.error().message;
  EXPECT_NE(state.error().message.find("move it away"), std::string::npos);
}

TEST(Database, RefusesAnotherProgramsDatabase) {
  StateFile file;
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.path().c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "CREATE TABLE t(a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  const auto state = State::Open(file.path(), file.limits, file.counters);
  ASSERT_FALSE(state.has_value());
  EXPECT_NE(state.error().message.find("not a Spanwatch state file"), std::string::npos);
}

TEST(Database, RefusesANewerSchema) {
  StateFile file;
  {
    ASSERT_TRUE(file.Open()->database().Execute("PRAGMA user_version=999").has_value());
  }
  const auto state = State::Open(file.path(), file.limits, file.counters);
  ASSERT_FALSE(state.has_value());
  EXPECT_NE(state.error().message.find("newer Spanwatch"), std::string::npos);
}

TEST(Database, SyncsEveryCommit) {
  StateFile file;
  auto state = file.Open();
  auto statement = state->database().Prepare("PRAGMA synchronous");
  ASSERT_TRUE(statement && *statement->Step());
  EXPECT_EQ(statement->Integer(0), 2);
}

TEST(Database, HashesOfTwoFilesDiffer) {
  StateFile one, two;
  EXPECT_NE(one.Open()->database().hash_seed(), two.Open()->database().hash_seed());
}

TEST(Database, FailedCommitIsRolledBackAsAWhole) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_TRUE(state->events().TakeRingMessage(7, 1));
  ASSERT_EQ(*state->events().NumberEvent("a", At(0s), "spanwatch.sighting"), 1u);
  ASSERT_TRUE(state->Commit());
  // A full disk, as far as SQLite can tell.
  ASSERT_TRUE(state->database().Execute("PRAGMA max_page_count=1"));
  ASSERT_TRUE(state->Begin());
  EXPECT_TRUE(state->events().TakeRingMessage(7, 2));
  bool failed = false;
  for (int i = 0; i < 5000 && !failed; ++i) {
    failed = !state->events().NumberEvent(fmt::format("event {}", i), At(0s), "spanwatch.sighting").has_value();
  }
  ASSERT_TRUE(failed);
  EXPECT_FALSE(state->Commit().has_value()) << "SQLite had ended the transaction by itself";
  EXPECT_EQ(state->events().RingPosition(7), 1u);
  EXPECT_EQ(state->events().last_sequence(), 1u);
}

}  // namespace
}  // namespace spanwatch::state
