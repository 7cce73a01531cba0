// The pictures of the recall table. One thread; values.
#pragma once

#include <filesystem>

#include "recall/transformations.h"

namespace spanwatch::bench {

struct Corpus {
  std::string name;
  bool vehicles = false;
  std::vector<Subject> subjects;
};

// JPEG and PNG files under the folders, at most 1280 pixels long, of quality 50 and more; of pictures that PDQ finds
// alike the first.
Corpus Photographs(const std::vector<std::filesystem::path>& folders, std::size_t count);
// Frames of three cameras, 960x540.
Corpus Lanes(const std::string& name, const std::vector<test::LaneLight>& lights, std::size_t count);

}  // namespace spanwatch::bench
