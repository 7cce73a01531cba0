#include "hashset/set_family.h"

#include <gtest/gtest.h>

#include "random_set.h"

namespace spanwatch::hashset {
namespace {

struct Described {
  std::string name = "agency";
  std::uint64_t serial = 7;
  std::uint64_t base_serial = 0;
  std::uint8_t signer = 1;
  std::uint8_t item = 1;
  std::vector<ItemId> removed;
};

class SetFamily : public testing::Test {
 protected:
  // A set of one digest-only item.
  std::shared_ptr<const MappedHashSet> Set(const Described& described) {
    HashSetWriter writer({.name = described.name, .serial = described.serial, .base_serial = described.base_serial});
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
  const auto delta = Set({.serial = 8, .base_serial = 7, .item = 2, .removed = {{1}}});
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
  EXPECT_EQ(Found({base, Set({.serial = 8, .base_serial = 7, .item = 1, .removed = {{1}}})}, 1), 1u);
}

TEST_F(SetFamily, ADeltaTakesBackNothingOfAnotherSet) {
  const SetList sets{Set({.item = 1}), Set({.serial = 8, .base_serial = 7, .item = 2, .removed = {{1}}}),
                     Set({.name = "other", .item = 1})};
  EXPECT_EQ(Found(sets, 1), 1u);
}

TEST_F(SetFamily, ADeltaWithoutItsBaseIsRefusedInOneLine) {
  const auto delta = Set({.serial = 9, .base_serial = 7});
  for (const SetList& sets :
       {SetList{delta}, SetList{delta, Set({.serial = 8})}, SetList{delta, Set({.name = "other"})},
        SetList{delta, Set({.signer = 2})}, SetList{delta, Set({.serial = 7, .base_serial = 3}), Set({.serial = 3})}}) {
    const auto deltas = DeltasOf(sets);
    ASSERT_FALSE(deltas);
    EXPECT_NE(deltas.error().message.find("'agency' serial 7"), std::string::npos);
    EXPECT_EQ(deltas.error().message.find('\n'), std::string::npos);
    EXPECT_FALSE(Snapshot::Make(sets));
  }
  const SetList two{Set({}), delta, Set({.serial = 10, .base_serial = 7})};
  EXPECT_FALSE(DeltasOf(two)) << "of two deltas to one base the later says all";
}

}  // namespace
}  // namespace spanwatch::hashset
