#include "base/key_source.h"

#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hex.h"

namespace spanwatch {
namespace {

const Bytes kKey = [] {
  Bytes key(kKeyBytes);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(3 * i + 1);
  return key;
}();

class KeySourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "key-source-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    ASSERT_TRUE(WriteKeyFile(folder_ / "record.key", KeyKind::kRecord, kKey));
  }
  void TearDown() override {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_;
};

TEST_F(KeySourceTest, APathIsAKeyFile) {
  const auto key = ReadKey((folder_ / "record.key").string(), KeyKind::kRecord);
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, kKey);
  EXPECT_FALSE(IsNamedKeySource("./record.key"));
}

TEST_F(KeySourceTest, ACredentialIsAFileOfSystemdsFolder) {
  ::setenv("CREDENTIALS_DIRECTORY", folder_.c_str(), 1);
  const auto key = ReadKey("credential:record.key", KeyKind::kRecord);
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, kKey);
  EXPECT_FALSE(ReadKey("credential:../record.key", KeyKind::kRecord));
  EXPECT_FALSE(ReadKey("credential:record.key", KeyKind::kSigning));
}

TEST_F(KeySourceTest, WithoutSystemdACredentialIsAnErrorThatSaysWhatToDo) {
  ::unsetenv("CREDENTIALS_DIRECTORY");
  const auto key = ReadKey("credential:record.key", KeyKind::kRecord);
  ASSERT_FALSE(key);
  EXPECT_TRUE(key.error().message.contains("LoadCredential=")) << key.error().message;
}

TEST_F(KeySourceTest, AKeyOfTheKernelsKeyring) {
  const std::string text = "spanwatch-record-key-v1\n" + ToHex(kKey) + "\n";
  for (const std::string& payload : {text, std::string(AsText(kKey))}) {
    const long serial = ::syscall(SYS_add_key, "user", "spanwatch-test-record", payload.data(), payload.size(),
                                  KEY_SPEC_PROCESS_KEYRING);
    if (serial < 0) GTEST_SKIP() << "this kernel or container has no keyrings";
    const auto key = ReadKey("keyring:spanwatch-test-record", KeyKind::kRecord);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(*key, kKey);
  }
}

TEST_F(KeySourceTest, AnUnknownKeyOfTheKeyringIsAnErrorThatSaysWhatToDo) {
  const auto key = ReadKey("keyring:spanwatch-no-such-key", KeyKind::kRecord);
  ASSERT_FALSE(key);
  EXPECT_TRUE(key.error().message.contains("keyctl padd user spanwatch-no-such-key")) << key.error().message;
}

}  // namespace
}  // namespace spanwatch
