#include "base/output_file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace spanwatch {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "spanwatch-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path Write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  bool May(const fs::path& out, const std::vector<fs::path>& inputs = {}) {
    return MayWrite(out, {"set", "MAGIC"}, inputs).has_value();
  }
  fs::path folder_;
};

TEST_F(OutputFileTest, NewNamesEmptyFilesAndThoseOfTheKindAreWritten) {
  EXPECT_TRUE(May(folder_ / "new"));
  EXPECT_TRUE(May(Write("empty", "")));
  EXPECT_TRUE(May(Write("old", "MAGIC and more")));
  EXPECT_FALSE(May(folder_ / "no such folder/new"));
}

TEST_F(OutputFileTest, NothingElseIs) {
  EXPECT_FALSE(May(Write("other", "MAGI")));
  EXPECT_FALSE(May(folder_));
  fs::create_symlink("nowhere", folder_ / "link");
  EXPECT_FALSE(May(folder_ / "link"));
  EXPECT_FALSE(May("/dev/null"));
  EXPECT_TRUE(MayWrite("/dev/null", {"events", "{", true}, {}));
}

TEST_F(OutputFileTest, AnInputIsNoOutputByWhateverName) {
  const fs::path input = Write("input", "MAGIC");
  fs::create_symlink(input, folder_ / "link");
  fs::create_hard_link(input, folder_ / "hard");
  for (const char* name : {"input", "link", "hard"}) EXPECT_FALSE(May(folder_ / name, {"", input})) << name;
}

}  // namespace
}  // namespace spanwatch
