#include "base/block_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace spanwatch {
namespace {

TEST(BlockPool, GivesBlocksThatDoNotOverlapUntilTheBudgetIsUsed) {
  BlockPool pool(100, 100 * 150 + 99);
  EXPECT_EQ(pool.blocks_at_most(), 150u);
  std::vector<std::uint8_t*> blocks;
  for (int i = 0; i < 150; ++i) {
    blocks.push_back(pool.Take());
    ASSERT_NE(blocks.back(), nullptr);
    std::memset(blocks.back(), i, 100);
  }
  EXPECT_EQ(pool.Take(), nullptr);
  EXPECT_EQ(pool.blocks_in_use(), 150u);
  for (int i = 0; i < 150; ++i) {
    EXPECT_EQ(blocks[static_cast<std::size_t>(i)][0], i);
    EXPECT_EQ(blocks[static_cast<std::size_t>(i)][99], i);
    pool.Return(blocks[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(pool.blocks_in_use(), 0u);
}

TEST(BlockPool, ReturnedBlocksAreGivenAgain) {
  BlockPool pool(64, 64 * 3);
  std::set<std::uint8_t*> seen;
  for (int round = 0; round < 10; ++round) {
    std::uint8_t* const a = pool.Take();
    std::uint8_t* const b = pool.Take();
    seen.insert({a, b});
    pool.Return(a);
    pool.Return(b);
  }
  EXPECT_LE(seen.size(), 3u);
  EXPECT_FALSE(seen.contains(nullptr));
}

TEST(BlockPool, WithoutBudgetGivesNothing) {
  BlockPool pool(64, 63);
  EXPECT_EQ(pool.Take(), nullptr);
}

}  // namespace
}  // namespace spanwatch
