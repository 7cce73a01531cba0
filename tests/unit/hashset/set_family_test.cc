#include "hashset/set_family.h"

#include <gtest/gtest.h>

#include "random_set.h"

namespace spanwatch::hashset {
namespace {

struct Described {
  std::string name = "agency";
  std::uint64_t serial = 7;
  std::shared_ptr<const MappedHashSet> base = nullptr;
  std::uint8_t signer = 1;
  std::uint8_t item = 1;
  std::vector<ItemId> removed;
};

class SetFamily : public testing::Test {
 protected:
  // A set of one digest-only item.
  std::shared_ptr<const MappedHashSet> Set(const Described& described) {
    HashSetDescription description{.name = described.name, .serial = described.serial};
    if (described.base != nullptr) {
      description.base_serial = described.base->manifest().serial;
      description.base_digest = described.base->digest();
    }
    HashSetWriter writer(description);
    writer.AddCollection({.name = "lanes", .owner = "Agency"});
    writer.AddDigest(writer.AddItem({.id = {described.item}, .collection = 0}), {described.item});
    for (const ItemId& id : described.removed) writer.Remove(id);
    const auto path = folder_ / fmt::format("{}.swset", ++files_);
    EXPECT_TRUE(writer.Write(path, TestSeed(described.signer)));
    const std::vector<Bytes> trusted{TestPublicKey(1), TestPublicKey(2)};
    const auto set = MappedHashSet::Open(path, trusted);
    EXPECT_TRUE(set && (*set)->VerifyChecksums());
    return *set;
  }
  static std::size_t Found(const SetList& sets, std::uint8_t item, Counters* counters = nullptr) {
    std::vector<ItemRef> found;
    (*Snapshot::Make(sets, counters))->FindDigest({item}, 100, found);
    return found.size();
  }

 private:
  TemporaryFolder folder_;
  int files_ = 0;
};

TEST_F(SetFamily, ADeltaAddsAndTakesBack) {
  const auto base = Set({.item = 1});
  const auto delta = Set({.serial = 8, .base = base, .item = 2, .removed = {{1}}});
  Counters counters;
  for (const SetList& sets : {SetList{base, delta}, SetList{delta, base}}) {
    EXPECT_EQ(Found(sets, 1, &counters), 0u);
    EXPECT_EQ(Found(sets, 2), 1u);
  }
  EXPECT_EQ(counters.Get(Counter::matches_removed), 2u);
  EXPECT_EQ(Found({base}, 1), 1u);
}

TEST_F(SetFamily, AChangedItemIsThatOfTheDelta) {
  const auto base = Set({.item = 1});
  EXPECT_EQ(Found({base, Set({.serial = 8, .base = base, .item = 1, .removed = {{1}}})}, 1), 1u);
}

TEST_F(SetFamily, ADeltaTakesBackNothingOfAnotherSet) {
  const auto base = Set({.item = 1});
  const SetList sets{base, Set({.serial = 8, .base = base, .item = 2, .removed = {{1}}}),
                     Set({.name = "other", .item = 1})};
  EXPECT_EQ(Found(sets, 1), 1u);
}

TEST_F(SetFamily, ADeltaWithoutItsBaseIsRefusedInOneLine) {
  const auto base = Set({});
  const auto delta = Set({.serial = 9, .base = base});
  for (const SetList& sets : {SetList{delta}, SetList{delta, Set({.serial = 8})},
                              SetList{delta, Set({.name = "other"})}, SetList{delta, Set({.signer = 2})}}) {
    const auto families = FamiliesOf(sets);
    ASSERT_FALSE(families);
    EXPECT_NE(families.error().message.find("'agency' serial 7"), std::string::npos);
    EXPECT_EQ(families.error().message.find('\n'), std::string::npos);
    EXPECT_FALSE(Snapshot::Make(sets));
  }
}

TEST_F(SetFamily, AnotherSetOfTheSameSerialIsNoBase) {
  const auto base = Set({.item = 1});
  const auto foreign = Set({.item = 3});  // name, signer and serial are those of the base
  const auto delta = Set({.serial = 9, .base = base, .item = 2});
  const auto families = FamiliesOf(SetList{foreign, delta});
  ASSERT_FALSE(families);
  EXPECT_NE(families.error().message.find("another set of that serial"), std::string::npos) << families.error().message;
  EXPECT_TRUE(FamiliesOf(SetList{base, delta}));
}

TEST_F(SetFamily, DeltasFormAChainWhateverTheirOrder) {
  const auto base = Set({.item = 1});
  const auto first = Set({.serial = 8, .base = base, .item = 2});
  const auto second = Set({.serial = 9, .base = first, .item = 1, .removed = {{1}, {2}}});
  for (const SetList& sets : {SetList{base, first, second}, SetList{second, base, first}}) {
    EXPECT_EQ(Found(sets, 1), 1u) << "that of the last";
    EXPECT_EQ(Found(sets, 2), 0u);
  }
  EXPECT_EQ(Found({base, first}, 2), 1u);
  EXPECT_FALSE(FamiliesOf(SetList{base, second})) << "a link is missing";
  const auto rival = Set({.serial = 10, .base = base});
  EXPECT_FALSE(FamiliesOf(SetList{base, first, rival})) << "two deltas to one set";
}

TEST_F(SetFamily, EightFamiliesAndManyDeltas) {
  const auto base = Set({});
  SetList sets(kSetsMax, base);
  EXPECT_TRUE(FamiliesOf(sets));
  auto last = base;
  for (std::uint64_t serial = 8; serial < 30; ++serial) sets.push_back(last = Set({.serial = serial, .base = last}));
  EXPECT_TRUE(FamiliesOf(sets));
  sets.push_back(base);
  EXPECT_FALSE(FamiliesOf(sets));
}

}  // namespace
}  // namespace spanwatch::hashset
