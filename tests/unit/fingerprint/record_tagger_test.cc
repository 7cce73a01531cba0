#include "fingerprint/record_tagger.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <random>

#include "base/hex.h"
#include "fingerprint/record_value.h"

namespace spanwatch::fingerprint {
namespace {

Bytes TestKey() {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

std::uint64_t OpenSslCmac(ByteView key, ByteView message) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "CMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  char cipher[] = "AES-256-CBC";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                   OSSL_PARAM_construct_end()};
  EXPECT_EQ(EVP_MAC_init(context, key.data(), key.size(), parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context, message.data(), message.size()), 1);
  std::array<std::uint8_t, 16> tag{};
  std::size_t length = 0;
  EXPECT_EQ(EVP_MAC_final(context, tag.data(), &length, tag.size()), 1);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < 8; ++i) first = first << 8 | tag[i];
  return first;
}

class RecordTaggerTest : public testing::TestWithParam<AesPath> {
 protected:
  RecordKeys keys_ = *RecordKeys::Derive(TestKey());
  RecordTagger tagger_{keys_, GetParam()};
};

TEST_P(RecordTaggerTest, TagIsTheFrontOfOpenSslCmacAtEveryLength) {
  std::string value;
  for (int length = 0; length <= 49; ++length, value += static_cast<char>('A' + length % 26)) {
    Bytes message{1};
    message.insert(message.end(), value.begin(), value.end());
    EXPECT_EQ(tagger_.Tag(value), OpenSslCmac(keys_.k(), message)) << length;
    EXPECT_EQ(tagger_.NameTag(value), OpenSslCmac(keys_.name_key(), message)) << length;
  }
}

TEST_P(RecordTaggerTest, PairTagIsCmacOfBothTags) {
  Bytes message;
  for (int i = 0; i < 16; ++i) message.push_back(static_cast<std::uint8_t>(0x10 + i));
  EXPECT_EQ(tagger_.PairTag(0x1011121314151617, 0x18191A1B1C1D1E1F), OpenSslCmac(keys_.k2(), message));
}

TEST_P(RecordTaggerTest, BatchAgreesWithOneByOne) {
  std::mt19937 random(7);
  std::vector<std::string> plates;
  std::vector<PlateWord> words;
  for (int i = 0; i < 101; ++i) {
    std::string plate(3 + random() % 6, 'A');
    for (char& c : plate) c = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[random() % 36];
    plates.push_back(plate);
    words.push_back(ToPlateWord(plate));
    EXPECT_EQ(PlateWordLength(words.back()), plate.size());
  }
  std::vector<std::uint64_t> tags(words.size());
  tagger_.TagPlates(words, tags);
  for (std::size_t i = 0; i < plates.size(); ++i) EXPECT_EQ(tags[i], tagger_.Tag(plates[i]));
}

INSTANTIATE_TEST_SUITE_P(Paths, RecordTaggerTest,
                         testing::Values(AesPath::kBest, AesPath::kNarrow, AesPath::kPortable));

TEST(RecordTagger, GoldenTagsNeverChange) {
  const RecordKeys keys = *RecordKeys::Derive(TestKey());
  const RecordTagger tagger(keys);
  EXPECT_EQ(tagger.Tag("AAA1234"), 0x8d8be7b8c2ce2563U);
  EXPECT_EQ(tagger.PairTag(tagger.Tag("AAA1234"), tagger.Tag("xTX")), 0xe8103838d8ba59d4U);
}

TEST(RecordKeys, InspectorKeysTagAsTheOwnersDo) {
  const RecordKeys owner = *RecordKeys::Derive(TestKey());
  const RecordKeys inspector = *RecordKeys::FromDerived(owner.derived());
  EXPECT_EQ(RecordTagger(owner).Tag("AAA1234"), RecordTagger(inspector).Tag("AAA1234"));
}

TEST(RecordKeys, KeysOfAnotherSizeAreRefused) {
  EXPECT_FALSE(RecordKeys::Derive(Bytes(31)).has_value());
  EXPECT_FALSE(RecordKeys::FromDerived(Bytes(64)).has_value());
}

TEST(RecordValue, EveryWayToWriteATimeMeetsInOneMinute) {
  for (const char* written : {"2019-05-13T02:11:40Z",
                              "2019-05-13T02:11:40.120Z",
                              "2019-05-13 02:11",
                              "2019-05-13 02:11:59 UTC",
                              "2019/05/13 02:11:40.120",
                              "2019:05:13 02:11:40",
                              "20190513T021140",
                              "20190513-021140",
                              "20190513_0211",
                              "2019-05-12T21:11:40-05:00",
                              "2019-05-13T02:11:40+0000",
                              "5/13/2019 2:11 AM",
                              "05/13/2019 02:11:40",
                              "5/13/2019, 2:11:40 AM",
                              "1557713500",
                              "1557713500123",
                              "43598.0914",
                              "43598.091435185",
                              "\"2019-05-13 02:11\"",
                              "20190513021140",
                              "20190513021140123",
                              "13.05.2019 02:11:40",
                              "13.5.2019 2:11",
                              "13 May 2019 02:11:40 GMT",
                              "Mon, 13 May 2019 02:11:40 GMT",
                              "12 May 2019 21:11:40 -0500",
                              "13-May-2019 02:11",
                              "May 13 2019  2:11AM",
                              "May 13, 2019 02:11:40",
                              "1557713500.74",
                              "1557713500123456",
                              "2019-05-13T03:11:40+01:00"}) {
    EXPECT_EQ(NormaliseValue(written).text(), "t25961891") << written;
  }
}

TEST(RecordValue, WhatIsNoTimeIsFoldedText) {
  EXPECT_EQ(NormaliseValue("us-tx").text(), "xTX");
  EXPECT_EQ(NormaliseValue("TX").text(), "xTX");
  EXPECT_EQ(NormaliseValue(" lane 03").text(), "xLANE03");
  EXPECT_EQ(NormaliseValue("03").text(), "x3");
  EXPECT_EQ(NormaliseValue("a/b\\lane3_0017.jpg").text(), "xLANE30017JPG");
  EXPECT_EQ(NormaliseValue("2019-13-45 02:11").text(), "x201913450211");
  EXPECT_EQ(NormaliseValue("1hgcm82633a004352").text(), "x1HGCM82633A004352");
  EXPECT_EQ(NormaliseValue("Mayor of 13 2019").text(), "xMAYOROF132019");
  EXPECT_EQ(NormaliseValue("20191313021140").text(), "x20191313021140");
  EXPECT_EQ(NormaliseValue("1557713500.").text(), "x1557713500");
  EXPECT_TRUE(NormaliseValue(" -- ").empty());
}

}  // namespace
}  // namespace spanwatch::fingerprint
