#include "flow/second_reading.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "flow/stream_history.h"

namespace spanwatch::flow {
namespace {

class ReadingText final : public ReadingSink {
 public:
  void OnReadingData(ByteView bytes) noexcept override {
    EXPECT_FALSE(bytes.empty());
    text.append(AsText(bytes));
  }
  void OnReadingGap(std::uint64_t length) noexcept override {
    EXPECT_GT(length, 0u);
    text.append(std::min<std::uint64_t>(length, 1000), '_');
  }
  std::string text;
};

TEST(SecondReading, LaterBytesReplaceEarlierOnesWithinTheLine) {
  BlockPool lines(8192, 8192);
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    ReadingText sink;
    std::string expected(6000, '_');
    {
      SecondReading reading(lines, sink, 1000);
      for (int i = 0; i < 30; ++i) {
        const std::size_t at = random() % 5000;
        const std::string piece(1 + random() % 900, static_cast<char>('a' + i % 26));
        const bool other = random() % 2 == 0;
        for (std::size_t j = 0; j < piece.size(); ++j) {
          if (other || expected[at + j] == '_') expected[at + j] = piece[j];
        }
        other ? reading.OnOther(1000 + at, AsBytes(piece)) : reading.OnFirst(1000 + at, AsBytes(piece));
      }
      reading.Finish();
    }
    expected.resize(expected.find_last_not_of('_') + 1);
    ASSERT_EQ(sink.text, expected) << round;
  }
  EXPECT_EQ(lines.blocks_in_use(), 0u);
}

TEST(SecondReading, StreamsOfAnyLengthPassThroughTheLine) {
  BlockPool lines(8192, 8192);
  ReadingText sink;
  std::string first(100'000, 'a'), expected;
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<char>('a' + i % 23);
  expected = first;
  SecondReading reading(lines, sink, 0);
  for (std::size_t at = 0; at < first.size(); at += 1000) {
    reading.OnFirst(at, AsBytes(std::string_view(first).substr(at, 1000)));
    if (at < 2000) continue;
    reading.OnOther(at - 2000, AsBytes("###"));
    expected.replace(at - 2000, 3, "###");
  }
  reading.Finish();
  EXPECT_EQ(sink.text, expected);
}

TEST(SecondReading, OlderBytesArePassedOnAgainBehindAGap) {
  for (const std::size_t budget : {std::size_t{8192}, std::size_t{0}}) {  // without memory there is no line
    BlockPool lines(8192, budget);
    ReadingText sink;
    SecondReading reading(lines, sink, 0);
    reading.OnFirst(0, AsBytes(std::string(30'000, 'a')));
    for (std::size_t at = 0; at < 5000; at += 1000) reading.OnOther(at, AsBytes(std::string(1000, 'b')));
    reading.OnFirst(30'000, AsBytes(std::string(1000, 'c')));
    reading.Finish();
    EXPECT_NE(sink.text.find("_" + std::string(5000, 'b')), std::string::npos);
    EXPECT_NE(sink.text.find(std::string(1000, 'c')), std::string::npos);
  }
}

TEST(StreamHistory, ComparesWhatItRemembersAndKnowsWhatItDoesNot) {
  using enum StreamHistory::Comparison;
  BlockPool blocks(2048, 1 << 20);
  std::string stream(100'000, ' ');
  for (std::size_t i = 0; i < stream.size(); ++i) stream[i] = static_cast<char>('a' + i * 7 % 26);
  const auto part = [&](std::size_t at, std::size_t length) {
    return AsBytes(std::string_view(stream).substr(at, length));
  };
  {
    StreamHistory history(blocks, 16 * 1024);
    std::mt19937 random(5);
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t length = std::min<std::size_t>(1 + random() % 3000, stream.size() - at);
      history.Add(at, part(at, length));
      at += length;
    }
    EXPECT_GE(history.end() - history.begin(), 14u * 1024);
    EXPECT_LE(history.end() - history.begin(), 16u * 1024);
    EXPECT_EQ(history.Compare(90'000, part(90'000, 10'000)), kSame);
    EXPECT_EQ(history.Compare(90'000, part(90'001, 9'000)), kDiffers);
    EXPECT_EQ(history.Compare(1000, part(1000, 1000)), kUnknown);
    EXPECT_EQ(history.Compare(70'000, part(70'000, 30'000)), kUnknown);
    EXPECT_EQ(history.Compare(70'000, part(70'001, 29'000)), kDiffers);
    std::string remembered;
    history.ForEach([&](std::uint64_t, ByteView run) { remembered.append(AsText(run)); });
    EXPECT_EQ(remembered, stream.substr(history.begin()));
    history.Add(200'000, part(0, 10));  // behind a gap
    EXPECT_EQ(history.Compare(90'000, part(90'000, 100)), kUnknown);
    EXPECT_EQ(history.Compare(200'000, part(0, 10)), kSame);
  }
  EXPECT_EQ(blocks.blocks_in_use(), 0u);
}

}  // namespace
}  // namespace spanwatch::flow
