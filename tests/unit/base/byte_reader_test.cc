#include "base/byte_reader.h"

#include <gtest/gtest.h>

#include "base/byte_writer.h"

namespace spanwatch {
namespace {

TEST(ByteReader, ReadsBothByteOrders) {
  const Bytes bytes{1, 2, 3, 4, 5, 6, 7};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.U16Be(), 0x0102);
  EXPECT_EQ(reader.U16Le(), 0x0403);
  EXPECT_EQ(reader.U24Be(), 0x050607u);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteReader, FailureIsStickyAndConsumesNothing) {
  const Bytes bytes{1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.U32Be(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_TRUE(reader.Take(1).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.position(), 0u);
}

TEST(ByteReader, NothingRemainsAfterFailureSoThatLoopsEnd) {
  const Bytes bytes{9, 1, 2, 3};
  ByteReader reader(bytes);
  int rounds = 0;
  while (reader.remaining() >= 2 && rounds < 10) {
    reader.Take(reader.U8());
    ++rounds;
  }
  EXPECT_EQ(rounds, 1);
  EXPECT_TRUE(reader.rest().empty());

  ByteReader told(bytes);
  told.Skip(1);
  told.Fail();
  EXPECT_EQ(told.remaining(), 0u);
  EXPECT_EQ(told.position(), 1u);
}

TEST(ByteReader, ReadsBackWhatByteWriterWrote) {
  ByteWriter writer;
  writer.Le(std::uint64_t{0x1122334455667788});
  writer.Text("abc");
  ByteReader reader(writer.bytes());
  EXPECT_EQ(reader.U64Le(), 0x1122334455667788u);
  EXPECT_EQ(AsText(reader.Take(reader.U32Le())), "abc");
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace spanwatch
