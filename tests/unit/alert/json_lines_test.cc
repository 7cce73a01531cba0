#include "alert/json_lines.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace spanwatch::alert {
namespace {

class JsonLinesTest : public testing::Test {
 protected:
  JsonLinesTest() {
    std::string folder = testing::TempDir() + "lines.XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~JsonLinesTest() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name = "events.jsonl") const { return folder_ / name; }
  static std::string Content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(JsonLinesTest, AppendsWholeLines) {
  std::ofstream(path()) << "{\"n\":1}\n";
  auto writer = JsonLinesWriter::Open(path());
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE(writer->Write("{\"n\":2}"));
  EXPECT_EQ(Content(path()), "{\"n\":1}\n") << "not before the flush";
  ASSERT_TRUE(writer->Flush());
  EXPECT_EQ(Content(path()), "{\"n\":1}\n{\"n\":2}\n");
}

TEST_F(JsonLinesTest, RemovesTheHalfLineOfACrash) {
  for (const std::size_t length : {1u, 4095u, 4096u, 10'000u}) {
    std::ofstream(path()) << "{\"n\":1}\n" << std::string(length, 'x');
    ASSERT_TRUE(JsonLinesWriter::Open(path()).has_value());
    EXPECT_EQ(Content(path()), "{\"n\":1}\n") << length;
  }
  std::ofstream(path()) << std::string(5000, 'x');
  ASSERT_TRUE(JsonLinesWriter::Open(path()).has_value());
  EXPECT_EQ(Content(path()), "");
}

TEST_F(JsonLinesTest, ReopensAfterRotation) {
  auto writer = JsonLinesWriter::Open(path());
  ASSERT_TRUE(writer->Write("1"));
  std::filesystem::rename(path(), path("old"));
  ASSERT_TRUE(writer->Reopen());
  ASSERT_TRUE(writer->Write("2"));
  ASSERT_TRUE(writer->Flush());
  EXPECT_EQ(Content(path("old")), "1\n");
  EXPECT_EQ(Content(path()), "2\n");
}

TEST_F(JsonLinesTest, AFullDiskLeavesNoHalfLineAndNothingIsLost) {
  auto writer = JsonLinesWriter::Open(path());
  const std::string line(100, 'a');
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{250, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(writer->Write(line));
  const bool flushed = writer->Flush().has_value();
  const std::string during = Content(path());
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_FALSE(flushed);
  EXPECT_EQ(during.size(), 202u) << "two whole lines";
  ASSERT_TRUE(writer->Flush());
  EXPECT_EQ(Content(path()).size(), 505u);
}

TEST_F(JsonLinesTest, SaysWhatCannotBeOpened) {
  const auto writer = JsonLinesWriter::Open(path("no/such/folder"));
  ASSERT_FALSE(writer.has_value());
  EXPECT_NE(writer.error().message.find("no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace spanwatch::alert
