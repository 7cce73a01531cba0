// Where the tests find files: the source tree, and the public data for measurements beside a checkout (../shared, or
// SPANWATCH_SHARED), when it is there. Tests that read the latter say that they were skipped elsewhere.
#pragma once

#include <filesystem>

namespace spanwatch::test {

std::filesystem::path SourceTree();
std::filesystem::path SharedData();

}  // namespace spanwatch::test
