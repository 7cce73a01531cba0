#include "hashset/row_spool.h"

#include <gtest/gtest.h>

#include "random_set.h"

namespace spanwatch::hashset {
namespace {

Bytes Written(const RowSpool<std::uint64_t>& spool, const TemporaryFolder& folder) {
  auto file = *NewFile::Create(folder / "out", 0600);
  SectionOutput output(file.descriptor(), 0);
  EXPECT_TRUE(spool.WriteTo(output));
  EXPECT_TRUE(output.Finish());
  EXPECT_TRUE(file.Commit());
  return *ReadFile(folder / "out", 1u << 30);
}

TEST(RowSpool, GivesRowsInTheirOrderHoweverMany) {
  for (const std::uint64_t count : {0u, 1u, 131'071u, 131'072u, 131'073u, 400'000u}) {
    const TemporaryFolder folder;
    RowSpool<std::uint64_t> spool(folder / "");
    for (std::uint64_t i = 0; i < count; ++i) {
      spool.Add(i);
      spool.last() *= 3;
    }
    EXPECT_EQ(spool.size(), count);
    const Bytes bytes = Written(spool, folder);
    ASSERT_EQ(bytes.size(), count * sizeof(std::uint64_t));
    const auto* rows = reinterpret_cast<const std::uint64_t*>(bytes.data());
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(rows[i], 3 * i) << count;
  }
}

TEST(RowSpool, TellsOfAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  RowSpool<std::uint64_t> spool("/nonexistent");
  for (std::uint64_t i = 0; i < 200'000; ++i) spool.Add(i);
  auto file = *NewFile::Create(folder / "out", 0600);
  SectionOutput output(file.descriptor(), 0);
  const Status status = spool.WriteTo(output);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::hashset
