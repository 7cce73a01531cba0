#include "fingerprint/text_tokeniser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fingerprint/record_distinct_set.h"
#include "fingerprint/binomial_tail.h"
#include "fingerprint/record_ratio_test.h"
#include "fingerprint/record_token_sample.h"
#include "fingerprint/text_filter.h"
#include "support/token_run.h"

namespace spanwatch::fingerprint {
namespace {

using Words = std::vector<std::string>;

const WantedShapes kEvery = WantedShapes::All();

Words Tokens(std::string_view text, TokenPlace place) {
  Words words;
  for (const std::string& token : TokensOf(text, BestMaskPath(), 1000, kEvery)) {
    if (token[0] == "pjf"[static_cast<std::size_t>(place)]) words.push_back(token.substr(1));
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
  EXPECT_EQ(Joined("(A.B.C.1.2)"), Words{"ABC12"}) << "single characters";
  EXPECT_EQ(Joined("AAA\u20221234"), Words{"AAA1234"});
}

bool HasToken(std::string_view text, std::string_view token) {
  return std::ranges::count(TokensOf(text, BestMaskPath(), 1, kEvery), token) > 0;
}

TEST(TextTokeniser, SingleCharactersPartedOneByOne) {
  EXPECT_TRUE(HasToken("at A.B.C.1.2.3.4 or", "jABC1234"));
  EXPECT_TRUE(HasToken("A B C 1 2 3 4\n", "jABC1234"));
  EXPECT_TRUE(HasToken("a-b-c-1-2-3-4\n", "jABC1234"));
  EXPECT_FALSE(HasToken("A.B.C.1.2.34", "jABC1234"));
}

TEST(TextTokeniser, PartsOfAWordInMarkupOfTheirOwn) {
  for (const std::string text :
       {"<p><b>AB</b>C1234</p>", "<span>ABC</span><span>1234</span>", "A<!-- x -->BC1234", "abc<wbr/>1234",
        "<b>A</b><i>B</i><b>C</b><i>1</i><b>2</b><i>3</i><b>4</b>",
        "<w:t>AB</w:t></w:r><w:proofErr w:type=\"spellEnd\"/><w:r w:rsidR=\"00A1\"><w:rPr><w:b/><w:sz w:val=\"20\"/>"
        "</w:rPr><w:t xml:space=\"preserve\">C1234</w:t>",
        "<text:span text:style-name=\"T1\">ABC</text:span>1234"}) {
    EXPECT_TRUE(HasToken(text, "gABC1234")) << text;
  }
  for (const std::string text : {"<td>ABC</td><td>1234</td>", "<plate>ABC</plate><lane>1234</lane>",
                                 "<w:t>ABC</w:t></w:r></w:p><w:p><w:r><w:t>1234", "<b>ABC</b> 1234",
                                 "xABCDEFGH<b>1234</b>", "ABC<b", "ABC<b>", "<"}) {
    EXPECT_FALSE(HasToken(text, "gABC1234")) << text;
  }
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

TEST(TextTokeniser, EndlessRunNeedsNoMemory) {
  TextTokeniser tokeniser(kEvery);
  TextMasks masks;
  const std::string run(64, 'A');
  for (std::uint64_t i = 0; i < 10000; ++i) {
    tokeniser.Append(AsBytes(run), 0, i * 64);
    tokeniser.Scan(false, masks);
    tokeniser.Discard();
  }
  EXPECT_LE(tokeniser.text().size(), 4096U);
}

TEST(TextTokeniser, OffsetsAreThoseOfTheBlock) {
  TextTokeniser tokeniser(kEvery);
  TextMasks masks;
  const std::string filler(64, '.');
  tokeniser.Append(AsBytes(filler), 0, 6400);
  tokeniser.Append(AsBytes(filler), 0, 6464);
  tokeniser.Append(AsBytes("AAA123,"), 0, 64000);
  tokeniser.Scan(true, masks);
  ASSERT_EQ(tokeniser.tokens().size(), 1U);
  EXPECT_EQ(tokeniser.OffsetOf(tokeniser.tokens()[0].begin), 64000U);
  EXPECT_EQ(tokeniser.OffsetOf(70), 6464U);
}

TEST(TextTokeniser, WhatStandsBehindItsOwnLengthIsGlued) {
  const auto glued = [](std::string_view text) {
    std::vector<std::string> found;
    for (std::string& token : TokensOf(text, BestMaskPath(), 1, kEvery)) {
      if (token.starts_with('g')) found.push_back(std::move(token));
    }
    return found;
  };
  using Tokens = std::vector<std::string>;
  EXPECT_EQ(glued("eplategABC1234estatebTX"), (Tokens{"gGABC1", "gABC1234"})) << "CBOR";
  EXPECT_EQ(glued("UplateWabc1234UstateRTX"), (Tokens{"gWABC1", "gABC1234"})) << "a property list";
  EXPECT_EQ(glued("\x01\x06"
                  "AB12340"),
            Tokens{"gAB1234"});
  EXPECT_EQ(glued("gABC12 4"), Tokens());
  EXPECT_EQ(glued("gABC123"), Tokens()) << "shorter than told";
  EXPECT_EQ(glued("hABCDEFGH g1234567 everything else"), Tokens());
}

// Text of the characters that matter, dense in all that the tokeniser tells apart.
std::string RandomText(std::mt19937& random, std::size_t size) {
  constexpr std::string_view kParts[] = {"a",           "B",
                                         "7",           "0",
                                         "12",          "xY",
                                         " ",           "-",
                                         ".",           "_",
                                         ",",           "\n",
                                         "\"",          "{",
                                         "}",           ":",
                                         "=",           "<",
                                         ">",           "plate",
                                         "state",       "lane",
                                         "(",           ")",
                                         "AAA123",      "OQI777",
                                         "\\n",         "%20",
                                         "&#65;",       "\xC3",
                                         "\u2022",      "cam_",
                                         ".jpg",        "20190513-021140_",
                                         "\t",          "+",
                                         "/",           ";",
                                         "'",           "camera",
                                         "gAAA123",     "WA1B2C3D4",
                                         "\"plate\":\""};
  std::string text;
  while (text.size() < size) text += kParts[random() % std::size(kParts)];
  return text;
}

// How many tokens all agree on.
std::size_t ExpectTheSame(std::string_view text, const WantedShapes& wanted) {
  const auto whole = TokensOf(text, MaskPath::kPortable, 100000, wanted);
  const auto expect_same = [&](MaskPath path, std::size_t scan_each) {
    if (path > BestMaskPath()) return;
    const auto other = TokensOf(text, path, scan_each, wanted);
    const auto [a, b] = std::ranges::mismatch(whole, other);
    const auto rest = [](auto at, auto end) { return at == end ? "nothing" : *at; };
    EXPECT_TRUE(a == whole.end() && b == other.end())
        << "every " << scan_each << " blocks, token " << a - whole.begin() << " of " << whole.size() << ": "
        << rest(a, whole.end()) << " against " << rest(b, other.end());
  };
  expect_same(MaskPath::kAvx512, 100000);
  expect_same(MaskPath::kAvx2, 3);
  expect_same(MaskPath::kPortable, 17);
  expect_same(BestMaskPath(), 1);
  return whole.size();
}

TEST(TextTokeniser, EveryPathAndEveryCutGivesTheSame) {
  std::mt19937 random(17);
  std::size_t found = 0;
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    found += ExpectTheSame(RandomText(random, 1 + random() % 12000), kEvery);
  }
  EXPECT_GT(found, 10000U);
}

// The portable path has no filter over seeds.
TEST(TextTokeniser, TheFilterOverSeedsLosesNoTokenOfAWantedShape) {
  std::mt19937 random(23);
  std::size_t found = 0;
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    WantedShapes wanted;
    for (std::size_t shapes = random() % 6; shapes > 0; --shapes) {
      const std::size_t length = kPlateMinimum + random() % (kPlateMaximum - kPlateMinimum + 1);
      wanted.Add(static_cast<std::uint16_t>(1u << length | random() % (1u << length)));
    }
    found += ExpectTheSame(RandomText(random, 1 + random() % 12000), wanted);
  }
  EXPECT_GT(found, 3000U);
}

// The longest tokens, whose only seed is at one end, wherever they lie in the filter's window.
TEST(TextTokeniser, TheFilterOverSeedsReachesAcrossATokenAndItsSeparators) {
  for (const auto& [token, shape] : {std::pair{"AB-CDE-FG-1", "LLLLLLLN"},
                                     {"1-AB-CDE-FG", "NLLLLLLL"},
                                     {"1-23-456-7B", "NNNNNNNL"},
                                     {"\\nABCDE1", "LLLLLN"}}) {
    WantedShapes wanted;
    wanted.Add(*PlateShapeOfPattern(shape));
    for (std::size_t before = 0; before < 140; ++before) {
      const std::string text = std::string(before, before % 2 == 0 ? ' ' : ';') + token + ", X1, Y2";
      EXPECT_EQ(ExpectTheSame(text, wanted), 1U) << before << " " << token;
    }
  }
}

TEST(TextMasks, EveryPathGivesTheSameBits) {
  std::mt19937 random(3);
  std::string text(64 * 400 + 17, '\0');
  for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? random() : "latLICprvmnegi.jt09 -,fU"[random() % 24]);
  const std::size_t size = text.size();
  text.append(TextMasks::kPadding, '\0');
  TextMasks portable;
  portable.Fill({text.data(), size}, 0, MaskPath::kPortable);
  for (const MaskPath path : {MaskPath::kAvx2, MaskPath::kAvx512}) {
    if (path > BestMaskPath()) continue;
    TextMasks masks;
    masks.Fill({text.data(), size}, 0, path);
    for (std::size_t i = 0; i <= size / 64; ++i) {
      EXPECT_EQ(masks.word(i), portable.word(i));
      EXPECT_EQ(masks.seed(i), portable.seed(i));
      EXPECT_EQ(masks.structural(i), portable.structural(i));
      EXPECT_EQ(masks.trigger(i), portable.trigger(i));
      EXPECT_EQ(masks.length(i), portable.length(i));
      EXPECT_EQ(masks.SeparatorFrom(i * 64) & 0xFFFFFFFF, portable.SeparatorFrom(i * 64) & 0xFFFFFFFF);
    }
  }
}

TEST(TextMasks, SeedsStandInRunsThatMayBePlatesAlone) {
  std::mt19937 random(5);
  std::string text;
  while (text.size() < 64 * 300) {
    for (std::size_t left = 1 + random() % 20; left > 0; --left) text += "ab1"[random() % 3];
    text += ',';
  }
  const std::size_t size = text.size();
  text.append(TextMasks::kPadding, '\0');
  TextMasks masks;
  masks.Fill({text.data(), size}, 0);
  std::size_t begin = 0;
  for (std::size_t end = text.find(','); end < size; begin = end + 1, end = text.find(',', begin)) {
    for (std::size_t i = begin + 1; i < end; ++i) {
      const bool differs = (text[i] == '1') != (text[i - 1] == '1');
      EXPECT_EQ((masks.SeedFrom(i) & 1) != 0, differs && end - begin <= kPlateMaximum) << i;
    }
  }
}

TEST(TextDecoder, EveryCutGivesTheSameText) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    const std::string text = RandomText(random, 300) + "\\u0041\\u2603&#x43;&#9731;%0A%41\xD0\x90\xEF\xBC\xA1%";
    std::string whole;
    TextDecoder decoder;
    for (std::size_t i = 0; i < text.size(); i += 64) decoder.Append(AsBytes(text.substr(i, 64)), 0, whole);
    decoder.Flush(whole);
    std::string pieces;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 64, text.size() - i);
      decoder.Append(AsBytes(text.substr(i, size)), 0, pieces);
      i += size;
    }
    decoder.Flush(pieces);
    EXPECT_EQ(pieces, whole);
    EXPECT_TRUE(
        whole.ends_with("A\x02"
                        "C\x02\n%41AA%"));
  }
}

TEST(WantedShapes, OnlySpellingsOfARegisteredPlate) {
  WantedShapes wanted;
  wanted.Add(*PlateShapeOfPattern("LLLNNNN"));
  const auto has = [&](std::string_view shape, std::string_view folded, bool field) {
    return wanted.May(*PlateShapeOfPattern(shape), field) && wanted.HasFolded(*PlateShapeOfPattern(folded));
  };
  EXPECT_TRUE(has("LLLNNNN", "LLLNNNN", false));
  EXPECT_TRUE(has("LLLNNNL", "LLLNNNN", false));
  EXPECT_TRUE(has("LNLNNNN", "LNLNNNN", false));
  EXPECT_FALSE(has("LLLNNNL", "LLLNNNL", false));
  EXPECT_FALSE(has("LLNNNN", "LLNNNN", true));
  EXPECT_FALSE(has("NNNNNNN", "NNNNNNN", false));
  EXPECT_TRUE(has("NNNNNNN", "NNNNNNN", true));
}

TEST(TextFilter, FastAndPortableMasksAgree) {
  constexpr std::size_t kBlocks = 5;
  std::mt19937 random(3);
  std::array<std::uint8_t, kBlocks * kTextBlock> blocks;
  for (int round = 0; round < 5000; ++round) {
    for (auto& byte : blocks) byte = static_cast<std::uint8_t>(random());
    std::array<BlockMasks, kBlocks> portable, fast;
    ClassifyText(blocks.data(), portable, MaskPath::kPortable);
    for (const MaskPath path : {MaskPath::kAvx2, MaskPath::kAvx512}) {
      if (path > BestMaskPath()) continue;
      ClassifyText(blocks.data(), fast, path);
      ASSERT_EQ(fast, portable);
    }
  }
}

TEST(TextFilter, EveryByteIsInItsClass) {
  std::array<std::uint8_t, kTextBlock> block{};
  for (int byte = 0; byte < 256; ++byte) {
    block[9] = static_cast<std::uint8_t>(byte);
    std::array<BlockMasks, 1> classified;
    ClassifyText(block.data(), classified, MaskPath::kPortable);
    const BlockMasks& masks = classified[0];
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

TEST(RecordRatioTest, TailAgreesWithTheSumOfEveryTerm) {
  for (const double chance : {0.001, 0.0123, 0.1, 0.5}) {
    for (int tokens = 1; tokens <= 60; ++tokens) {
      double tail = 0;
      double choose = 1;  // of `hits` out of `tokens`
      std::vector<double> tails(static_cast<std::size_t>(tokens) + 1);
      for (int hits = tokens; hits >= 0; --hits) {
        tail += choose * std::pow(chance, hits) * std::pow(1 - chance, tokens - hits);
        tails[static_cast<std::size_t>(hits)] = tail;
        choose = choose * hits / (tokens - hits + 1);
      }
      for (int hits = 1; hits <= tokens; ++hits) {
        if (hits <= tokens * chance) continue;
        const double got =
            std::exp(LogBinomialTail(static_cast<std::uint64_t>(hits), static_cast<std::uint64_t>(tokens), chance));
        EXPECT_NEAR(got / tails[static_cast<std::size_t>(hits)], 1, 1e-9) << tokens << ' ' << hits << ' ' << chance;
      }
    }
  }
}

TEST(RecordRatioTest, TwoPlatesNeverSuffice) {
  RecordTokens tokens(1024);
  RecordRatioTest test(tokens, 1024);
  for (int i = 0; i < 2; ++i) test.AddHit(0xF0, TokenPlace::kPlain, 0.001, true);
  EXPECT_EQ(test.Evaluate().probability, 1);
  test.AddHit(0xF0, TokenPlace::kPlain, 0.001, false);
  EXPECT_LT(test.Evaluate().probability, 1e-8);
}

TEST(RecordRatioTest, BoundPlatesAreFoundAmongThousandsOfOtherTokens) {
  RecordTokens tokens(16384);
  RecordRatioTest test(tokens, 16384);
  std::mt19937_64 random(6);
  for (int i = 0; i < 10000; ++i) tokens.AddMiss(0xF0, TokenPlace::kPlain, random());
  for (int i = 0; i < 6; ++i) test.AddHit(0xF0, TokenPlace::kPlain, 0.001, false);
  EXPECT_EQ(test.Evaluate().probability, 1);
  for (int i = 0; i < 4; ++i) test.AddHit(0xF0, TokenPlace::kPlain, 0.001, true);
  EXPECT_LT(test.Evaluate().probability, 1e-8);
}

TEST(RecordRatioTest, ChanceAloneIsNeverSureInTenThousandLists) {
  std::mt19937_64 random(8);
  int sure = 0;
  for (int list = 0; list < 10000; ++list) {
    RecordTokens tokens(16384);
    RecordRatioTest test(tokens, 16384);
    for (int i = 0; i < 200; ++i) {
      const auto shape = static_cast<std::uint16_t>(0xF0 + random() % 4);
      if (random() % 1000 == 0) {
        test.AddHit(shape, TokenPlace::kPlain, 0.001, false);
      } else {
        tokens.AddMiss(shape, TokenPlace::kPlain, random());
      }
    }
    sure += test.Evaluate().probability < 1e-8 ? 1 : 0;
  }
  EXPECT_EQ(sure, 0);
}

TEST(RecordRatioTest, ShapesThatHitTogetherCountTogether) {
  RecordTokens tokens(1024);
  RecordRatioTest test(tokens, 1024);
  for (std::uint16_t shape = 0xF0; shape < 0xF8; ++shape) {
    test.AddHit(shape, TokenPlace::kPlain, 0.001, false);
    tokens.AddMiss(static_cast<std::uint16_t>(shape + 8), TokenPlace::kPlain, shape * 0x9E3779B97F4A7C15);
  }
  EXPECT_LT(test.Evaluate().probability, 1e-8);
  EXPECT_EQ(test.Evaluate().tokens, 8U);
}

TEST(RecordTokenSample, ExactThenTrueInTheMeanAndTheSameInAnyOrder) {
  std::mt19937_64 random(9);
  std::vector<std::uint64_t> keys(300000);
  for (std::uint64_t& key : keys) key = random();
  RecordTokenSample sample(16384);
  for (std::size_t i = 0; i < 16384; ++i) sample.Insert(keys[i], i % 3 == 0 ? 1 : 0);
  for (std::size_t i = 0; i < 16384; ++i) sample.Insert(keys[i], i % 3 == 0 ? 1 : 0);
  EXPECT_EQ(sample.Count(0), 10922U);
  EXPECT_EQ(sample.Count(1), 5462U);
  for (std::size_t i = 0; i < keys.size(); ++i) sample.Insert(keys[i], i % 3 == 0 ? 1 : 0);
  EXPECT_NEAR(static_cast<double>(sample.Count(0)), 200000, 6000);
  EXPECT_NEAR(static_cast<double>(sample.Count(1)), 100000, 4000);
  RecordTokenSample other(16384);
  for (std::size_t i = keys.size(); i-- > 0;) other.Insert(keys[i], i % 3 == 0 ? 1 : 0);
  EXPECT_EQ(other.Count(0), sample.Count(0));
  EXPECT_EQ(other.Count(1), sample.Count(1));
  sample.Clear();
  EXPECT_EQ(sample.Count(0), 0U);
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
