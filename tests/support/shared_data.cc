#include "support/shared_data.h"

#include <cstdlib>

namespace spanwatch::test {

std::filesystem::path SourceTree() { return SPANWATCH_SOURCE_DIR; }

std::filesystem::path SharedData() {
  if (const char* path = std::getenv("SPANWATCH_SHARED")) return path;
  return SourceTree() / "../shared";
}

}  // namespace spanwatch::test
