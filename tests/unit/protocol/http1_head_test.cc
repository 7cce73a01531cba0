#include "protocol/http1_head.h"

#include <gtest/gtest.h>

#include <random>

namespace spanwatch::protocol {
namespace {

TEST(FindBeginning, WhatWasSearchedNeedNotBeSearchedAgain) {
  std::mt19937 random(3);
  std::string noise(6000, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  for (const bool request : {true, false}) {
    const std::string line = request ? "\r\nPUT /up/a.jpg HTTP/1.1\r\n" : "HTTP/1.1 200 OK\r\n";
    const std::string text = noise.substr(0, 5000) + line + noise.substr(5000);
    const auto expected = FindBeginning(text, request);
    ASSERT_TRUE(expected);
    for (std::size_t searched = 0; searched < text.size(); ++searched) {
      if (FindBeginning(std::string_view(text).substr(0, searched), request)) break;
      const auto found = FindBeginning(text, request, searched);
      ASSERT_TRUE(found) << searched;
      EXPECT_EQ(found->begin, expected->begin);
      EXPECT_EQ(found->end, expected->end);
    }
  }
}

}  // namespace
}  // namespace spanwatch::protocol
