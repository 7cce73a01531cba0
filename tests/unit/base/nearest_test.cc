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

TEST(NearestWord, EndsAMessage) {
  const std::vector<std::string> words{"replay", "register"};
  EXPECT_EQ(DidYouMean("replya", words), "; did you mean 'replay'?");
  EXPECT_EQ(DidYouMean("wholly", words), "");
}

}  // namespace
}  // namespace spanwatch
