// Where the public data for measurements lies beside a checkout (../shared, or SPANWATCH_SHARED), when it does. Tests that read
// it say that they were skipped elsewhere.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace spanwatch::test {

inline std::filesystem::path SharedData() {
  if (const char* path = std::getenv("SPANWATCH_SHARED")) return path;
  return std::filesystem::path(SPANWATCH_SOURCE_DIR) / "../shared";
}

}  // namespace spanwatch::test
