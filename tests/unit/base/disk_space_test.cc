#include "base/disk_space.h"

#include <gtest/gtest.h>

namespace spanwatch {
namespace {

TEST(DiskSpace, IsThatOfTheFileSystem) {
  const auto space = DiskSpaceAt(testing::TempDir());
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->size_bytes, 0u);
  EXPECT_LE(space->free_bytes, space->size_bytes);
  EXPECT_NE(DiskSpaceAt("/no/such/folder").error().message.find("/no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch
