#include "supervisor/edition.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/memory_file.h"

namespace spanwatch::supervisor {
namespace {

Edition Example() {
  Edition edition;
  edition.name = "spanwatch.yaml";
  edition.started_with = "sensor: {name: first}\nzones: {inside: [10.0.0.0/8]}\n";
  edition.latest = "sensor: {name: second}\nzones: {inside: [10.20.0.0/16]}\nmetrics: {listen: \"127.0.0.1:1\"}\n";
  edition.has_rules = true;
  edition.rules.files["images.yml"] = Bytes{1, 2, 3};
  edition.rules.manifest = "signed";
  edition.trusted_keys = {Bytes(32, 9)};
  edition.digest = 0x123456789abc;
  return edition;
}

TEST(Edition, ComesBackFromItsFileAndNobodyCanChangeThat) {
  const auto file = WriteEdition(Example());
  ASSERT_TRUE(file.has_value());
  EXPECT_LT(::pwrite(file->get(), "x", 1, 0), 0);
  for (int reader = 0; reader < 2; ++reader) {
    const auto read = ReadEdition(*file);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->rules.files, Example().rules.files);
    EXPECT_EQ(read->rules.manifest, "signed");
    EXPECT_EQ(read->trusted_keys, Example().trusted_keys);
    EXPECT_EQ(read->digest, 0x123456789abcu);
    EXPECT_TRUE(read->has_rules);
  }
}

TEST(Edition, WhatNeedsARestartIsAsAtTheStart) {
  std::vector<std::string> needs_restart;
  const auto config = ConfigOf(Example(), needs_restart);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->sensor_name, "first");
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:9464");
  ASSERT_EQ(config->zones.inside().size(), 1u);
  EXPECT_EQ(config->zones.inside()[0].prefix_bits, 16);
  EXPECT_EQ(needs_restart, (std::vector<std::string>{"metrics.listen", "sensor.name"}));
}

TEST(Edition, AFileOfAnythingElseIsRefused) {
  EXPECT_FALSE(ReadEdition(test::MemoryFile("something else")).has_value());
  EXPECT_FALSE(ReadEdition(test::MemoryFile("")).has_value());
}

}  // namespace
}  // namespace spanwatch::supervisor
