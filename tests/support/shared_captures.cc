#include "support/shared_captures.h"

#include <cstdlib>
#include <fstream>

namespace spanwatch::testing {

std::optional<std::filesystem::path> SharedCaptures() {
  const char* named = std::getenv("SPANWATCH_SHARED");
  const std::filesystem::path folder = named != nullptr ? named : std::filesystem::current_path() / "../shared";
  std::error_code ignored;
  if (!std::filesystem::exists(folder / "captures/captures.jsonl", ignored)) return std::nullopt;
  return folder / "captures";
}

std::vector<nlohmann::json> ReadJsonLines(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

}  // namespace spanwatch::testing
