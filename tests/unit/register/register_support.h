// An empty register in a folder of its own, made-up fingerprints, and an observer that remembers.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "register/enrolment.h"
#include "register/register_database.h"

namespace spanwatch::enrolment {

// A file whose every value follows from `seed`.
inline FileFingerprint MadeUpFile(std::uint64_t seed, std::size_t fragments = 20) {
  std::mt19937_64 random(seed);
  FileFingerprint file{.size = 1000 + seed, .crc32 = static_cast<std::uint32_t>(random()), .head_xxh3 = random()};
  for (auto& byte : file.sha256) byte = static_cast<std::uint8_t>(random());
  for (auto& byte : file.md5) byte = static_cast<std::uint8_t>(random());
  for (auto& byte : file.xxh3_128) byte = static_cast<std::uint8_t>(random());
  for (auto& byte : file.image_data.emplace()) byte = static_cast<std::uint8_t>(random());
  file.image_head_xxh3 = random();
  file.views.push_back({.hash = {{random(), random(), random(), random()}}, .quality = 90});
  for (std::size_t i = 0; i < fragments; ++i) file.fragments.push_back({i * 200, random()});
  return file;
}

class RecordingObserver final : public EnrolmentObserver {
 public:
  void OnProgress(std::uint64_t done, std::uint64_t) override { progress = done; }
  void OnProblem(const std::string& what) override { problems.push_back(what); }
  std::uint64_t progress = 0;
  void OnNotice(const std::string& what) override { notices.push_back(what); }
  std::vector<std::string> problems;
  std::vector<std::string> notices;
};

class RegisterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "spanwatch-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    auto made = RegisterDatabase::Create(folder_ / "R.db", {.owner = "Agency"});
    ASSERT_TRUE(made) << made.error().message;
    database_ = std::move(*made);
  }
  void TearDown() override {
    database_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void Reopen() {
    database_.reset();
    auto opened = RegisterDatabase::Open(folder_ / "R.db");
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = std::move(*opened);
  }
  std::vector<ItemEntry> Items() {
    std::vector<ItemEntry> items;
    EXPECT_TRUE(database_->ForEachItem([&](const ItemEntry& item) -> Status {
      items.push_back(item);
      return {};
    }));
    return items;
  }
  // How many items.
  Result<std::uint64_t> Remove(const Selection& selection) {
    const auto items = database_->Selected(selection);
    if (!items) return Fail(items.error());
    if (Status status = database_->Erase(*items); !status) return Fail(status.error());
    return items->size();
  }
  std::string Write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
  std::unique_ptr<RegisterDatabase> database_;
};

}  // namespace spanwatch::enrolment
