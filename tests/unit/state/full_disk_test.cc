// A state on a disk that is full: a file system of three megabytes in a mount namespace of the thread's own.
#include <sched.h>
#include <sys/mount.h>

#include <fstream>
#include <thread>

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path folder) : folder_(std::move(folder)) {
    mounted_ = ::unshare(CLONE_FS | CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("small", folder_.c_str(), "tmpfs", 0, "size=3m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void Fill() const {
    std::ofstream file(folder_ / "fill");
    while (file << std::string(4096, 'x') && file.flush()) {
    }
  }
  void MakeRoom() const { std::filesystem::remove(folder_ / "fill"); }

 private:
  std::filesystem::path folder_;
  bool mounted_;
};

template <typename Body>
void OnSmallDisk(Body body) {
  bool allowed = true;
  std::thread([&] {
    StateFile file;
    const SmallDisk disk(std::filesystem::path(file.path()).parent_path());
    allowed = disk.mounted();
    if (allowed) body(file, disk);
  }).join();
  if (!allowed) GTEST_SKIP() << "mounts are not allowed here";
}

void Number(State& state, const std::string& event) {
  ASSERT_TRUE(state.Begin());
  ASSERT_TRUE(state.events().NumberEvent(event, At(0s), "spanwatch.sighting")->has_value());
  ASSERT_TRUE(state.Commit());
}

std::int64_t NumbersOnDisk(const StateFile& file) {
  auto reader = Database::Open(file.path(), Access::kReader);
  auto statement = (*reader)->Prepare("SELECT COUNT(*) FROM events");
  EXPECT_TRUE(*statement->Step());
  return statement->Integer(0);
}

TEST(FullDisk, WhatIsCommittedWaitsInMemoryAndIsKeptOnceThereIsRoom) {
  OnSmallDisk([](StateFile& file, const SmallDisk& disk) {
    auto state = file.Open();
    Number(*state, "a");
    EXPECT_FALSE(state->database().holding());
    disk.Fill();
    Number(*state, "b");
    Number(*state, "c");
    EXPECT_TRUE(state->database().holding());
    EXPECT_GT(state->database().held_bytes(), 0u);
    EXPECT_EQ(state->events().last_sequence(), 3u);
    EXPECT_EQ(*state->events().NumberEvent("b", At(0s), "spanwatch.sighting"), std::nullopt) << "it sees itself";
    EXPECT_EQ(NumbersOnDisk(file), 1);
    disk.MakeRoom();
    Number(*state, "d");
    EXPECT_FALSE(state->database().holding());
    EXPECT_EQ(NumbersOnDisk(file), 4);
  });
}

TEST(FullDisk, AStateThatBeginsOnOneGoesOnAndACrashLosesOnlyWhatWaited) {
  OnSmallDisk([](StateFile& file, const SmallDisk& disk) {
    auto state = file.Open();
    Number(*state, "a");
    disk.Fill();
    Number(*state, "b");
    state.reset();  // nothing is committed by that
    state = file.Open();
    ASSERT_NE(state, nullptr);
    EXPECT_TRUE(state->database().holding());
    Number(*state, "b");
    EXPECT_EQ(state->events().last_sequence(), 2u);
    disk.MakeRoom();
    ASSERT_TRUE(state->database().CommitHeld());
    EXPECT_EQ(NumbersOnDisk(file), 2);
  });
}

}  // namespace
}  // namespace spanwatch::state
