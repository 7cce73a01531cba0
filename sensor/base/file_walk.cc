#include "base/file_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <set>

#include <fmt/format.h>

namespace spanwatch {
namespace {

namespace fs = std::filesystem;

class Walk {
 public:
  explicit Walk(const WalkVisitor& visitor) : visitor_(visitor) {}

  void Run(const fs::path& top) {
    folders_.push_back(top);
    while (!folders_.empty()) {
      const fs::path folder = std::move(folders_.front());
      folders_.pop_front();
      if (IsNew(folder)) Entries(folder);
    }
  }

 private:
  bool IsNew(const fs::path& folder) {
    struct stat status{};
    if (::stat(folder.c_str(), &status) == 0) return seen_.emplace(status.st_dev, status.st_ino).second;
    Problem(folder, std::error_code(errno, std::generic_category()));
    return false;
  }
  void Entries(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) Entry(entries->path());
    if (error) Problem(folder, error);
  }
  void Entry(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (visitor_.leaves_out && visitor_.leaves_out(path, fs::is_directory(status))) return;
    if (fs::is_regular_file(status)) return visitor_.on_file(path);
    if (fs::is_directory(status)) {
      // What links lead to comes last, so that a file is named by where it is.
      fs::is_symlink(path, error) ? folders_.push_back(path) : folders_.push_front(path);
      return;
    }
    if (!error && !fs::exists(status)) error = std::make_error_code(std::errc::no_such_file_or_directory);
    if (error) return Problem(path, error);
    visitor_.on_problem(fmt::format("{} is neither a file nor a folder; passed over", path.string()));
  }
  void Problem(const fs::path& path, const std::error_code& error) {
    visitor_.on_problem(fmt::format("cannot read {}: {}", path.string(), error.message()));
  }

  const WalkVisitor& visitor_;
  std::deque<fs::path> folders_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

void WalkFolder(const fs::path& folder, const WalkVisitor& visitor) { Walk(visitor).Run(folder); }

std::vector<std::string> FilesBelow(const fs::path& folder, const std::function<void(const std::string&)>& on_problem) {
  std::vector<std::string> files;
  WalkFolder(folder,
             {.on_file = [&](const fs::path& path) { files.push_back(path.string()); }, .on_problem = on_problem});
  if (files.empty()) on_problem(fmt::format("there is no file in {}", folder.string()));
  std::ranges::sort(files);
  return files;
}

}  // namespace spanwatch
