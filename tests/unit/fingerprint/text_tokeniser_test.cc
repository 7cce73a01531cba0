#include "fingerprint/text_tokeniser.h"

#include <gtest/gtest.h>

#include <random>

#include "fingerprint/record_distinct_set.h"
#include "fingerprint/record_ratio_test.h"
#include "fingerprint/text_filter.h"

namespace spanwatch::fingerprint {
namespace {

using Words = std::vector<std::string>;

std::string Text(PlateWord word) {
  std::string text;
  for (; word != 0; word >>= 8) text += static_cast<char>(word & 0xFF);
  return text;
}

Words Tokens(std::string_view text, TokenPlace place) {
  TextTokeniser tokeniser;
  for (std::size_t i = 0; i < text.size(); i += kTextBlock) tokeniser.Append(AsBytes(text.substr(i, kTextBlock)), 0, i);
  tokeniser.Finish(0);
  Words words;
  for (const PlateToken& token : tokeniser.tokens()) {
    if (token.place == place) words.push_back(Text(token.word));
  }
  return words;
}
Words Plain(std::string_view text) { return Tokens(text, TokenPlace::kPlain); }
Words Joined(std::string_view text) { return Tokens(text, TokenPlace::kJoined); }
Words Field(std::string_view text) { return Tokens(text, TokenPlace::kField); }

TEST(TextTokeniser, RunsOfPlateShapesInAnyCase) {
  EXPECT_EQ(Plain("see aaa1234, BBB123;x"), (Words{"AAA1234", "BBB123"}));
  EXPECT_EQ(Plain("123456 ABCDEF AB12 ABCDEFG12"), Words{});
}

TEST(TextTokeniser, OneSeparatorAPlaceAndAtMostThree) {
  EXPECT_EQ(Joined("(AAA-1234)"), Words{"AAA1234"});
  EXPECT_EQ(Joined("(AA A-12 34)"), (Words{"AAA12", "A1234", "AAA1234"}));
  EXPECT_EQ(Joined("(AAA--1234)(AAA\n1234)"), Words{});
  EXPECT_EQ(Joined("(A.B.C.1.2)"), Words{});
  EXPECT_EQ(Joined("AAA\u20221234"), Words{"AAA1234"});
}

TEST(TextTokeniser, LookAlikesAndFullWidth) {
  EXPECT_EQ(Plain("\u0410\u0412\u0421123"), Words{"ABC123"});
  EXPECT_EQ(Plain("\uFF21\uFF21\uFF21\uFF11\uFF12\uFF13"), Words{"AAA123"});
}

TEST(TextTokeniser, EscapesOfJsonXmlAndUrls) {
  EXPECT_EQ(Plain(R"("\u0041AA123")"), Words{"AAA123"});
  EXPECT_EQ(Plain(R"(x\nAAA123)"), (Words{"NAAA123", "AAA123"}));
  EXPECT_EQ(Plain("&#65;&#x41;A123;"), Words{"AAA123"});
  EXPECT_EQ(Plain("q=1%0AAAA123%2CBBB123"), (Words{"AAA123", "BBB123"}));
  EXPECT_EQ(Joined("AAA%20123,"), Words{"AAA123"});
}

TEST(TextTokeniser, NoiseGivesNoTokens) {
  EXPECT_EQ(Plain("550e8400-e29b-41d4-a716-446655440000"), Words{});
  EXPECT_EQ(Joined("550e8400-e29b-41d4-a716-446655440000"), Words{});
  EXPECT_EQ(Plain("AB1CD-2EF3G-H4IJ5-KL6MN-7OP8Q"), Words{});
  EXPECT_EQ(Plain("da39a3ee5e6b4b0d3255bfef95601890afd80709"), Words{});
  EXPECT_EQ(Plain("aGVsbG8gd29ybGQ5NTE2Nzg5/AAA123+BBB123=\n"), Words{});
  EXPECT_EQ(Plain("aGVsbG8gd29ybGQ5NTE2Nzg5 AAA123"), Words{"AAA123"});
}

TEST(TextTokeniser, FieldsOfTablesAndKeys) {
  EXPECT_EQ(Field("time,plate,state\n1,123456,TX\n2,AB12,TX\n"), (Words{"123456", "AB12"}));
  EXPECT_EQ(Field("\"State\";\"License Plate\"\r\n\"TX\";\"AAA 123\"\r\n"), (Words{"AAA", "123", "AAA123"}));
  EXPECT_EQ(Field("plate\n12345\n"), Words{"12345"});
  EXPECT_EQ(Field(R"({"camera":"1234","plate": "123456","x":"12345"})"), Words{"123456"});
  EXPECT_EQ(Field("<a><nc:licensePlate>123456</nc:licensePlate><b>12345</b></a>"), Words{"123456"});
  EXPECT_EQ(Field("Events[0].TrafficCar.PlateNumber=AAA123\nEvents[0].X=BBB123\n"), Words{"AAA123"});
  EXPECT_EQ(Field("INSERT INTO r (id, plate, state) VALUES (1,'123456','TX'),(2,'12345','NM');"),
            (Words{"123456", "12345"}));
  EXPECT_EQ(Field("INSERT INTO r (id,tag) VALUES (1,'123456');"), Words{});
}

TEST(TextTokeniser, OrdinaryWordsMakeNoFields) {
  EXPECT_EQ(Field("{\"tag\":\"123456\"}"), Words{});
  EXPECT_EQ(Field("tag=v12345&x\n"), Words{});
  EXPECT_EQ(Field("a plate of 12345 peas, with tag: 12345\n"), Words{});
}

TEST(TextTokeniser, DiscardKeepsWhatIsUnderWay) {
  TextTokeniser tokeniser;
  tokeniser.Append(AsBytes("AAA123,BB"), 0, 0);
  tokeniser.Discard(tokeniser.settled(), tokeniser.text().size());
  EXPECT_EQ(tokeniser.text(), "BB");
  tokeniser.Append(AsBytes("B123,"), 0, 64);
  ASSERT_EQ(tokeniser.tokens().size(), 1U);
  EXPECT_EQ(Text(tokeniser.tokens()[0].word), "BBB123");
  EXPECT_EQ(tokeniser.tokens()[0].begin, 0U);
}

TEST(TextTokeniser, EndlessRunNeedsNoMemory) {
  TextTokeniser tokeniser;
  const std::string run(64, 'A');
  for (std::uint64_t i = 0; i < 10000; ++i) {
    tokeniser.Append(AsBytes(run), 0, i * 64);
    tokeniser.Discard(tokeniser.settled(), tokeniser.text().size());
  }
  EXPECT_LE(tokeniser.text().size(), 64U);
}

TEST(TextFilter, FastAndPortableMasksAgree) {
  std::mt19937 random(3);
  std::array<std::uint8_t, kTextBlock> block;
  for (int round = 0; round < 20000; ++round) {
    for (auto& byte : block) byte = static_cast<std::uint8_t>(random());
    ASSERT_EQ(ClassifyText(block.data()), ClassifyTextPortably(block.data()));
  }
}

TEST(TextFilter, EveryByteIsInItsClass) {
  std::array<std::uint8_t, kTextBlock> block{};
  for (int byte = 0; byte < 256; ++byte) {
    block[9] = static_cast<std::uint8_t>(byte);
    const TextMasks masks = ClassifyTextPortably(block.data());
    const bool word =
        byte < 0x80 && (std::isalnum(byte) != 0 || std::string_view(" -._+").contains(static_cast<char>(byte)));
    EXPECT_EQ((masks.word >> 9 & 1) != 0, word) << byte;
    EXPECT_EQ((masks.continuation >> 9 & 1) != 0, byte >= 0x80 && byte < 0xC0) << byte;
  }
}

TEST(RecordRatioTest, TailAgreesWithSmallSumsByHand) {
  EXPECT_NEAR(std::exp(LogBinomialTail(3, 3, 0.001)), 1e-9, 1e-15);
  EXPECT_NEAR(std::exp(LogBinomialTail(2, 3, 0.1)), 0.028, 1e-12);
  EXPECT_NEAR(std::exp(LogBinomialTail(1, 10, 0.01)), 1 - std::pow(0.99, 10), 1e-12);
  EXPECT_EQ(LogBinomialTail(6, 10000, 0.001), 0);
  EXPECT_LT(LogBinomialTail(5000, 5000, 0.001), -30000);
}

TEST(RecordRatioTest, TwoPlatesNeverSuffice) {
  RecordRatioTest test;
  for (int i = 0; i < 2; ++i) test.AddHit(test.AddToken(0xF0, TokenPlace::kPlain, 0.001));
  EXPECT_EQ(test.Evaluate().probability, 1);
  test.AddHit(test.AddToken(0xF0, TokenPlace::kPlain, 0.001));
  EXPECT_LT(test.Evaluate().probability, 1e-8);
}

TEST(RecordRatioTest, ShapesThatHitTogetherCountTogether) {
  RecordRatioTest test;
  for (std::uint16_t shape = 0xF0; shape < 0xF8; ++shape) {
    test.AddHit(test.AddToken(shape, TokenPlace::kPlain, 0.001));
    test.AddToken(static_cast<std::uint16_t>(shape + 8), TokenPlace::kPlain, 0.001);
  }
  EXPECT_LT(test.Evaluate().probability, 1e-8);
  EXPECT_EQ(test.Evaluate().tokens, 8U);
}

TEST(RecordDistinctSet, ExactThenNeverTooHigh) {
  RecordDistinctSet set(1000);
  for (std::uint64_t value = 1; value <= 1000; ++value) EXPECT_TRUE(set.Insert(value));
  for (std::uint64_t value = 1; value <= 1000; ++value) EXPECT_FALSE(set.Insert(value));
  int fresh = 0;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t value = 1001; value <= 101000; ++value) fresh += set.Insert(value) ? 1 : 0;
  }
  EXPECT_LE(fresh, 100000);
  EXPECT_GT(fresh, 99900);
  set.Clear();
  EXPECT_TRUE(set.Insert(1));
}

}  // namespace
}  // namespace spanwatch::fingerprint
