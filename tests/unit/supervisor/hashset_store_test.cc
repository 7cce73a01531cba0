#include "supervisor/hashset_store.h"

#include <gtest/gtest.h>

#include "hashset/hashset_writer.h"
#include "unit/hashset/random_set.h"

namespace spanwatch::supervisor {
namespace {

using hashset::TemporaryFolder;
using hashset::TestPublicKey;
using hashset::TestSeed;
using When = HashSetStore::When;

class HashSetStoreTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directory(folder_ / "state"); }

  // Writes a set as its owner would send it.
  void Send(std::uint64_t serial, const std::string& file = "agency.swset", const std::string& name = "agency",
            std::uint8_t signer = 1) {
    hashset::HashSetWriter writer({.name = name, .serial = serial, .fragment_seed = 5});
    writer.AddCollection({.name = "lanes", .owner = "Agency"});
    ASSERT_TRUE(writer.Write(folder_ / file, TestSeed(signer)));
  }
  HashSetStore Open() {
    auto store = HashSetStore::Open(folder_ / "state", 2);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return std::move(*store);
  }
  // A (re)load of these files; the serials that are in force, 0 for one that was left out.
  Result<std::vector<std::uint64_t>> Load(const std::vector<std::string>& files = {"agency.swset"},
                                          When when = When::kReload, bool commit = true) {
    HashSetStore store = Open();
    std::vector<std::uint64_t> serials;
    for (const std::string& file : files) {
      auto taken = store.Take(folder_ / file, trusted_, when);
      if (!taken) return Fail(taken.error());
      if (!*taken) {
        serials.push_back(0);
        continue;
      }
      const auto set = hashset::MappedHashSet::Open(**taken, file, trusted_);
      if (!set) return Fail(set.error());
      serials.push_back((*set)->manifest().serial);
    }
    if (commit) {
      EXPECT_TRUE(store.Commit());
    }
    return serials;
  }
  std::size_t FilesKept() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "state/hashsets")) {
      count += entry.path().extension() == ".swset";
    }
    return count;
  }
  using Serials = std::vector<std::uint64_t>;

  TemporaryFolder folder_;
  const std::vector<Bytes> trusted_{TestPublicKey(1), TestPublicKey(2)};
};

TEST_F(HashSetStoreTest, TheSetIsACopyThatOutlivesItsFile) {
  Send(1);
  HashSetStore store = Open();
  auto taken = store.Take(folder_ / "agency.swset", trusted_, When::kStart);
  ASSERT_TRUE(taken && *taken);
  std::filesystem::resize_file(folder_ / "agency.swset", 10);
  const auto set = hashset::MappedHashSet::Open(**taken, "copy", trusted_);
  ASSERT_TRUE(set);
  EXPECT_TRUE((*set)->VerifyChecksums());
}

TEST_F(HashSetStoreTest, AnUnchangedSetIsNotCopiedAgain) {
  Send(1);
  ASSERT_TRUE(Load());
  ASSERT_TRUE(Load());
  EXPECT_EQ(FilesKept(), 1u);
  EXPECT_EQ(Open().generations().size(), 1u);
}

TEST_F(HashSetStoreTest, AnOlderSetIsRefusedOnReloadAndGivesWayAtTheStart) {
  Send(5);
  ASSERT_EQ(*Load(), Serials{5});
  Send(4);
  const auto refused = Load();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("serial 4 is older than serial 5"), std::string::npos);
  EXPECT_EQ(*Load({"agency.swset"}, When::kStart), Serials{5});
  Send(6);
  EXPECT_EQ(*Load(), Serials{6});
}

TEST_F(HashSetStoreTest, AnotherNameOrSignerHasSerialsOfItsOwn) {
  Send(5);
  Send(1, "other.swset", "other");
  Send(2, "second.swset", "agency", 2);
  EXPECT_EQ(*Load({"agency.swset", "other.swset", "second.swset"}), (Serials{5, 1, 2}));
}

TEST_F(HashSetStoreTest, WhatDidNotComeIntoForceIsNotNoted) {
  Send(5);
  ASSERT_TRUE(Load());
  Send(7);
  ASSERT_TRUE(Load({"agency.swset"}, When::kReload, false)) << "then the rules were refused";
  Send(6);
  EXPECT_EQ(*Load(), Serials{6});
  EXPECT_EQ(FilesKept(), 2u) << "5 and 6; 7 is gone";
}

TEST_F(HashSetStoreTest, ARollbackHoldsUntilALaterSetComes) {
  Send(1);
  ASSERT_TRUE(Load());
  Send(2);
  ASSERT_TRUE(Load());
  HashSetStore store = Open();
  const auto changes = store.RollBack();
  ASSERT_TRUE(changes);
  EXPECT_EQ(*changes, std::vector<std::string>{"agency: from serial 2 back to serial 1"});
  EXPECT_EQ(*Load(), Serials{1});
  EXPECT_EQ(*Load(), Serials{1}) << "a reload for another reason does not undo it";
  EXPECT_EQ(*Load({"agency.swset"}, When::kStart), Serials{1}) << "nor does a restart";
  Send(3);
  EXPECT_EQ(*Load(), Serials{3});
  Send(2);
  EXPECT_FALSE(Load());
}

TEST_F(HashSetStoreTest, ARollbackGoesFurtherBackEachTimeAndThenSaysThatThereIsNothing) {
  for (const std::uint64_t serial : {1u, 2u, 3u}) {
    Send(serial);
    ASSERT_TRUE(Load());
  }
  ASSERT_TRUE(Open().RollBack());
  ASSERT_TRUE(Open().RollBack());
  EXPECT_EQ(*Load(), Serials{1});
  EXPECT_FALSE(Open().RollBack());
}

TEST_F(HashSetStoreTest, ASetThatIsNewSinceIsLeftOutAfterTheRollback) {
  Send(1);
  ASSERT_TRUE(Load());
  Send(1, "other.swset", "other");
  ASSERT_EQ(*Load({"agency.swset", "other.swset"}), (Serials{1, 1}));
  ASSERT_TRUE(Open().RollBack());
  EXPECT_EQ(*Load({"agency.swset", "other.swset"}), (Serials{1, 0}));
}

TEST_F(HashSetStoreTest, OnlySoManyGenerationsAreKept) {
  for (std::uint64_t serial = 1; serial <= 9; ++serial) {
    Send(serial);
    ASSERT_TRUE(Load());
  }
  EXPECT_EQ(Open().generations().size(), 3u);
  EXPECT_EQ(FilesKept(), 3u);
}

TEST_F(HashSetStoreTest, ABrokenOrForeignSetIsRefusedAndADamagedCopyIsMadeAnew) {
  Send(1);
  ASSERT_TRUE(Load());
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "state/hashsets")) {
    if (entry.path().extension() == ".swset") std::filesystem::resize_file(entry.path(), 100);
  }
  EXPECT_EQ(*Load(), Serials{1});
  Send(2, "agency.swset", "agency", 3);
  EXPECT_FALSE(Load()) << "nobody trusts its signer";
  Send(2);
  std::filesystem::resize_file(folder_ / "agency.swset", 100);
  EXPECT_FALSE(Load());
  EXPECT_EQ(FilesKept(), 1u);
}

}  // namespace
}  // namespace spanwatch::supervisor
