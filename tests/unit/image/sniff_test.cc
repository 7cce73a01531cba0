#include "image/sniff.h"

#include <gtest/gtest.h>

namespace spanwatch::image {
namespace {

using namespace std::string_view_literals;

TEST(SniffType, KnowsFilesByTheirFirstBytes) {
  const std::pair<std::string_view, FileType> heads[] = {{"\xFF\xD8\xFF\xE0\0\x10JFIF"sv, FileType::kJpeg},
                                                         {"\x89PNG\r\n\x1A\n\0\0\0\rIHDR"sv, FileType::kPng},
                                                         {"GIF89a"sv, FileType::kGif},
                                                         {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"sv, FileType::kBmp},
                                                         {"BMW X5, 2019, white"sv, FileType::kUnknown},
                                                         {"MM\0+\0\x08\0\0"sv, FileType::kTiff},
                                                         {"RIFF\x24\0\0\0WEBPVP8 "sv, FileType::kWebp},
                                                         {"\0\0\0\x18"
                                                          "ftypheic"sv,
                                                          FileType::kHeif},
                                                         {"II*\0\x08\0\0\0"sv, FileType::kTiff},
                                                         {"PK\x03\x04\x14\0"sv, FileType::kZip},
                                                         {"\x1F\x8B\x08\0"sv, FileType::kGzip},
                                                         {"7z\xBC\xAF\x27\x1C\0\x04"sv, FileType::kSevenZip},
                                                         {"%PDF-1.7"sv, FileType::kPdf},
                                                         {"SQLite format 3\0"sv, FileType::kSqlite},
                                                         {"plate,state"sv, FileType::kUnknown},
                                                         {"\x89PNG"sv, FileType::kUnknown},
                                                         {""sv, FileType::kUnknown}};
  for (const auto& [head, type] : heads) EXPECT_EQ(SniffType(AsBytes(head)), type) << MediaType(type);
}

TEST(SniffType, NeedsNoMoreThanItSays) {
  const std::string_view longest = "SQLite format 3\0 and what follows"sv;
  EXPECT_EQ(SniffType(AsBytes(longest.substr(0, kSniffBytes))), FileType::kSqlite);
}

TEST(SniffType, NamesEachTypeAsIanaDoes) {
  EXPECT_EQ(MediaType(FileType::kUnknown), "");
  EXPECT_EQ(MediaType(FileType::kJpeg), "image/jpeg");
  EXPECT_EQ(MediaType(FileType::kSqlite), "application/vnd.sqlite3");
}

}  // namespace
}  // namespace spanwatch::image
