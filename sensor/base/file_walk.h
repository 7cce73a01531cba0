// WalkFolder and FilesBelow: every regular file below a folder, for the commands that take folders. Links are followed,
// each folder is walked once whatever leads to it, and what cannot be read is told and ends nothing. Any thread; calls
// back from it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace spanwatch {

struct WalkVisitor {
  std::function<void(const std::filesystem::path&)> on_file;
  std::function<void(const std::string&)> on_problem;  // one line that names the entry and the reason
  // Entries that are left out, folders with all that is below them. May be empty: nothing is left out.
  std::function<bool(const std::filesystem::path&, bool is_folder)> leaves_out = {};
};

// In no particular order. A pipe, a socket or a device is a problem: it would be waited for without end.
void WalkFolder(const std::filesystem::path& folder, const WalkVisitor& visitor);
// The same files in the order of their names, so that what is made of them is the same each time. A folder without
// any is a problem.
std::vector<std::string> FilesBelow(const std::filesystem::path& folder,
                                    const std::function<void(const std::string&)>& on_problem);

}  // namespace spanwatch
