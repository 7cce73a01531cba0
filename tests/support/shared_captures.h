// The collection of real captures that tests walk when it is there: a folder with captures.jsonl and decode.jsonl,
// named by the environment variable SPANWATCH_SHARED (default: `shared` beside the source folder). Never part of the
// repository.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

namespace spanwatch::testing {

// `captures` in that folder, or nothing; a test then skips itself and says so.
std::optional<std::filesystem::path> SharedCaptures();
// The lines of a .jsonl file.
std::vector<nlohmann::json> ReadJsonLines(const std::filesystem::path& path);

}  // namespace spanwatch::testing
