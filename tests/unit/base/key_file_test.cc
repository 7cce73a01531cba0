#include "base/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"

namespace spanwatch {
namespace {

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "spanwatch-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  mode_t ModeOf(const std::string& name) const {
    struct stat status{};
    return ::stat((folder_ / name).c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }

  std::filesystem::path folder_;
  const Bytes key_ = Bytes(kKeyBytes, 0xa5);
};

TEST_F(KeyFile, ComesBackAsWrittenWithTheModeOfItsKind) {
  ASSERT_TRUE(WriteKeyFile(folder_ / "s", KeyKind::kSigning, key_));
  ASSERT_TRUE(WriteKeyFile(folder_ / "p", KeyKind::kPublic, key_));
  ASSERT_TRUE(WriteKeyFile(folder_ / "r", KeyKind::kRecord, key_));
  EXPECT_EQ(*ReadKeyFile(folder_ / "s", KeyKind::kSigning), key_);
  EXPECT_EQ(*ReadKeyFile(folder_ / "p", KeyKind::kPublic), key_);
  EXPECT_EQ(*ReadKeyFile(folder_ / "r", KeyKind::kRecord), key_);
  EXPECT_EQ(ModeOf("s"), 0600u);
  EXPECT_EQ(ModeOf("p"), 0644u);
  EXPECT_EQ(ModeOf("r"), 0600u);
}

TEST_F(KeyFile, IsNeverReplaced) {
  ASSERT_TRUE(WriteKeyFile(folder_ / "s", KeyKind::kSigning, key_));
  EXPECT_EQ(WriteKeyFile(folder_ / "s", KeyKind::kSigning, Bytes(kKeyBytes, 1)).error().code, ErrorCode::kExists);
  EXPECT_EQ(*ReadKeyFile(folder_ / "s", KeyKind::kSigning), key_);
}

TEST_F(KeyFile, OfAnotherKindIsNamedAsSuch) {
  ASSERT_TRUE(WriteKeyFile(folder_ / "p", KeyKind::kPublic, key_));
  const auto read = ReadKeyFile(folder_ / "p", KeyKind::kSigning);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("holds a public key; a signing key is wanted"), std::string::npos);
}

TEST_F(KeyFile, ASigningKeyThatOthersMayReadIsRefused) {
  ASSERT_TRUE(WriteKeyFile(folder_ / "s", KeyKind::kSigning, key_));
  std::filesystem::permissions(folder_ / "s", std::filesystem::perms(0640));
  EXPECT_EQ(ReadKeyFile(folder_ / "s", KeyKind::kSigning).error().code, ErrorCode::kPermission);
}

TEST_F(KeyFile, RefusesWhatIsNoKey) {
  for (const char* text :
       {"", "hello", "spanwatch-public-key-v1", "spanwatch-public-key-v1\nabcd\n",
        "spanwatch-public-key-v1\nzz40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f\n"}) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / "x", AsBytes(text), 0600));
    EXPECT_FALSE(ReadKeyFile(folder_ / "x", KeyKind::kPublic)) << text;
  }
  EXPECT_EQ(ReadKeyFile(folder_ / "nothing", KeyKind::kPublic).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spanwatch
