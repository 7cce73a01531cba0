#include "base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace spanwatch {
namespace {

TEST(NearestWord, IsTheOneWithTheFewestEdits) {
  const std::vector<std::string> words{"replay", "register", "rules", ""};
  EXPECT_EQ(NearestWord("replya", words), "replay");
  EXPECT_EQ(NearestWord("registr", words), "register");
  EXPECT_EQ(NearestWord("rule", words), "rules");
  EXPECT_EQ(NearestWord("wholly", words), "") << "more than half of it would have to be changed";
  EXPECT_EQ(NearestWord("", words), "");
}

}  // namespace
}  // namespace spanwatch
