#include "base/file_walk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

namespace spanwatch {
namespace {

namespace fs = std::filesystem;

TEST(FileWalk, FollowsLinksOnceAndNamesWhatCannotBeRead) {
  std::string pattern = (fs::temp_directory_path() / "spanwatch-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  fs::create_directories(folder / "in/below/.hidden");
  fs::create_directories(folder / "elsewhere");
  for (const char* name : {"in/a", "in/below/b", "in/below/.hidden/c", "elsewhere/d"})
    std::ofstream(folder / name) << "x";
  fs::create_directory_symlink(folder / "elsewhere", folder / "in/link");
  fs::create_directory_symlink("..", folder / "in/below/up");
  fs::create_symlink("loop", folder / "in/loop");
  fs::create_symlink("nowhere", folder / "in/gone");
  ASSERT_EQ(::mkfifo((folder / "in/pipe").c_str(), 0600), 0);
  std::multiset<std::string> files, problems;
  WalkFolder(folder / "in", {.on_file = [&](const fs::path& path) { files.insert(path.filename().string()); },
                             .on_problem = [&](const std::string& what) { problems.insert(what); }});
  EXPECT_EQ(files, (std::multiset<std::string>{"a", "b", "c", "d"}));
  ASSERT_EQ(problems.size(), 3u);
  std::multiset<std::string> again;
  const std::vector<std::string> sorted =
      FilesBelow(folder / "in", [&](const std::string& what) { again.insert(what); });
  EXPECT_EQ(sorted.size(), 4u);
  EXPECT_TRUE(std::ranges::is_sorted(sorted));
  EXPECT_EQ(again, problems);
  for (const char* name : {"in/loop", "in/gone", "in/pipe"}) {
    EXPECT_TRUE(std::ranges::any_of(problems, [&](const auto& what) { return what.contains(name); })) << name;
  }
  problems.clear();
  WalkFolder(folder / "missing",
             {.on_file = [](const fs::path&) {}, .on_problem = [&](const auto& what) { problems.insert(what); }});
  EXPECT_EQ(problems.size(), 1u);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace spanwatch
