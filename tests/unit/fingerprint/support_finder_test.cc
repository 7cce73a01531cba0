#include "fingerprint/support_finder.h"

#include <gtest/gtest.h>

#include <string>

namespace spanwatch::fingerprint {
namespace {

TEST(SupportFinderTest, FindsWhatDetectionReadsFromARow) {
  for (const char* value :
       {"TX", "us-tx", "51,3", "McAllen, TX", "February 5, 2026", "$1,234.50", "2026-02-05T08:11:01Z",
        "20260205T081101Z", "https://x.example/lane/17.jpg", "05/02/2026 10:00",
        "Stra\xC3\x9F"
        "e 5"}) {
    EXPECT_TRUE(FindsBeside(value, std::nullopt)) << value;
  }
}

TEST(SupportFinderTest, DoesNotFindWhatDetectionCutsOrPassesOver) {
  for (const std::string& value : {std::string("first line\nsecond line"), std::string("6\" lift"),
                                   std::string("https://x.example/a?b=17"), std::string(300, 'A'), std::string("--")}) {
    EXPECT_FALSE(FindsBeside(value, std::nullopt)) << value;
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
