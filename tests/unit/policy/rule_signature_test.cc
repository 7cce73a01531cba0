#include "policy/rule_signature.h"

#include <gtest/gtest.h>
#include <sodium.h>
#include <stdlib.h>

#include <fstream>

#include "base/hex.h"
#include "policy/policy.h"
#include "support/memory_correlation_store.h"
#include "support/stack_search.h"

namespace spanwatch::policy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRule = "title: T\nid: t\ndetection: {s: {a: 1}, condition: s}\n";
constexpr const char* kPermission =
    "authorisations: [{name: n, reference: r, collections: [any], sources: [10.0.0.1], destinations: [192.0.2.1], "
    "expires: 2030-01-01}]\n";

Bytes Seed(std::uint8_t value) { return Bytes(crypto_sign_SEEDBYTES, value); }

Bytes PublicKey(ByteView seed) {
  Bytes key(crypto_sign_PUBLICKEYBYTES);
  Bytes secret(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
  return key;
}

Bytes BytesOf(std::string_view text) { return {AsBytes(text).begin(), AsBytes(text).end()}; }

class RuleSignature : public testing::Test {
 protected:
  RuleSignature() {
    std::string name = (fs::temp_directory_path() / "rules-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    Write("one.yml", kRule);
    Write("authorisations.yml", kPermission);
    Sign(Seed(1));
  }
  ~RuleSignature() override { fs::remove_all(folder_); }

  void Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void Sign(const Bytes& seed) {
    Write(kSignatureFile, MakeRuleManifest(ReadRuleFolder(folder_).value().files, 7, seed));
  }

  // What the folder says to somebody who trusts the key of seed `trusted`; 0 trusts nobody.
  Result<PolicyFacts> Facts(std::uint8_t trusted) {
    PolicySource source;
    source.directory = folder_;
    if (trusted != 0) source.trusted_keys = {PublicKey(Seed(trusted))};
    const auto policy = Policy::Load(source, store_);
    if (!policy) return Fail(policy.error());
    return (*policy)->facts();
  }

  fs::path folder_;
  test::MemoryCorrelationStore store_;
};

TEST_F(RuleSignature, AFolderSignedByATrustedKeyIsSigned) {
  EXPECT_TRUE(Facts(1)->all_signed);
  EXPECT_EQ(Facts(1)->detections, 1u);
  EXPECT_EQ(Facts(1)->authorisations, 1u);
  EXPECT_EQ(Facts(1)->serial, 7u);
  EXPECT_EQ(Facts(1)->signer, ToHex(PublicKey(Seed(1))));
}

TEST_F(RuleSignature, SignedByAnotherKeyItIsNot) {
  EXPECT_FALSE(Facts(2)->all_signed);
  EXPECT_FALSE(Facts(0)->all_signed);
  EXPECT_EQ(Facts(2)->signer, "");
}

TEST_F(RuleSignature, AChangedFileRefusesTheFolder) {
  Write("one.yml", std::string(kRule) + "# a remark\n");
  const auto facts = Facts(1);
  ASSERT_FALSE(facts.has_value());
  EXPECT_NE(facts.error().message.find("'one.yml' was changed since it was signed"), std::string::npos);
  EXPECT_TRUE(Facts(2).has_value()) << "to whoever trusts another key the whole folder is unsigned anyway";
}

TEST_F(RuleSignature, ANewFileIsUnsignedAndTheOthersStaySigned) {
  Write("two.yml", "title: U\nid: u\ndetection: {s: {a: 1}, condition: s}\n");
  EXPECT_FALSE(Facts(1)->all_signed);
  EXPECT_EQ(Facts(1)->unsigned_files, std::vector<std::string>{"two.yml"});
  EXPECT_EQ(Facts(1)->signer, ToHex(PublicKey(Seed(1))));
}

TEST_F(RuleSignature, WhatIsInTheFolderHasADigestWhoeverSignedIt) {
  const std::string before = Facts(1)->digest;
  EXPECT_EQ(Facts(0)->digest, before);
  Write("two.yml", "title: U\nid: u\ndetection: {s: {a: 1}, condition: s}\n");
  EXPECT_NE(Facts(1)->digest, before);
}

TEST_F(RuleSignature, AManifestOfTheFirstVersionHasTheLowestSerial) {
  std::string body = fmt::format("spanwatch-rules-signature 1\n{}  one.yml\n{}  authorisations.yml\n",
                                 ContentDigest(BytesOf(kRule)), ContentDigest(BytesOf(kPermission)));
  Bytes secret(crypto_sign_SECRETKEYBYTES), key(crypto_sign_PUBLICKEYBYTES), signature(crypto_sign_BYTES);
  crypto_sign_seed_keypair(key.data(), secret.data(), Seed(1).data());
  crypto_sign_detached(signature.data(), nullptr, AsBytes(body).data(), body.size(), secret.data());
  Write(kSignatureFile, body + "signature " + ToHex(signature) + " by " + ToHex(key) + "\n");
  EXPECT_TRUE(Facts(1)->all_signed);
  EXPECT_EQ(Facts(1)->serial, 0u);
}

TEST_F(RuleSignature, AFileTakenAwayRefusesTheFolder) {
  fs::remove(folder_ / "one.yml");
  const auto facts = Facts(1);
  ASSERT_FALSE(facts.has_value());
  EXPECT_NE(facts.error().message.find("'one.yml' was signed and is not there"), std::string::npos)
      << facts.error().message;
}

TEST_F(RuleSignature, WithoutTheManifestNothingIsSigned) {
  fs::remove(folder_ / kSignatureFile);
  EXPECT_FALSE(Facts(1)->all_signed);
}

TEST_F(RuleSignature, ADamagedManifestIsRefusedWhereverTheDamageIs) {
  const std::map<std::string, Bytes> files{{"one.yml", BytesOf(kRule)}};
  const std::string manifest = MakeRuleManifest(files, 7, Seed(1));
  const std::vector<Bytes> keys{PublicKey(Seed(1))};
  ASSERT_TRUE(VerifyRuleManifest(manifest, keys).has_value());
  for (std::size_t i = 0; i + 1 < manifest.size(); ++i) {
    std::string damaged = manifest;
    damaged[i] = damaged[i] == 'x' ? 'y' : 'x';
    const auto verified = VerifyRuleManifest(damaged, keys);
    // Whoever changes a byte gets a refusal; the words around the two numbers of the last line carry no meaning.
    const std::size_t last = manifest.find("signature ", manifest.find('\n') + 1);
    const bool by = i >= last + 138 && i < last + 142;
    EXPECT_TRUE(by || !verified.has_value()) << "byte " << i;
  }
  for (std::size_t length = 0; length + 1 < manifest.size(); ++length) {
    EXPECT_FALSE(VerifyRuleManifest(manifest.substr(0, length), keys).has_value()) << length;
  }
}

TEST_F(RuleSignature, ADamagedManifestRefusesTheFolderAndSigningAgainHeals) {
  Write(kSignatureFile, "spanwatch-rules-signature 1\nsignature 00 by 00\n");
  const auto facts = Facts(1);
  ASSERT_FALSE(facts.has_value());
  EXPECT_NE(facts.error().message.find("is damaged"), std::string::npos) << facts.error().message;
  ASSERT_TRUE(Facts(0).has_value())
      << "who trusts nobody needs no signature: the folder can be checked before it is signed";
  Sign(Seed(1));
  EXPECT_TRUE(Facts(1)->all_signed);
}

TEST_F(RuleSignature, SigningLeavesNoKeyOnTheStack) {
  Bytes seed(crypto_sign_SEEDBYTES);
  randombytes_buf(seed.data(), seed.size());
  const auto files = ReadRuleFolder(folder_).value().files;
  const std::string manifest = MakeRuleManifest(files, 1, seed);
  EXPECT_FALSE(test::LiesOnStack(seed));
  EXPECT_TRUE(VerifyRuleManifest(manifest, {}).has_value());
}

}  // namespace
}  // namespace spanwatch::policy
