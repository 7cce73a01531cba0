#include "supervisor/generation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/memory_file.h"

namespace spanwatch::supervisor {
namespace {

Generation Example() {
  Generation generation;
  generation.name = "spanwatch.yaml";
  generation.started_with = "sensor: {name: first}\nzones: {inside: [10.0.0.0/8]}\n";
  generation.latest = "sensor: {name: second}\nzones: {inside: [10.20.0.0/16]}\nmetrics: {listen: \"127.0.0.1:1\"}\n";
  generation.has_rules = true;
  generation.rules.files["images.yml"] = Bytes{1, 2, 3};
  generation.rules.manifest = "signed";
  generation.trusted_keys = {Bytes(32, 9)};
  generation.digest = 0x123456789abc;
  return generation;
}

TEST(Generation, ComesBackFromItsFileAndNobodyCanChangeThat) {
  const auto file = WriteGeneration(Example());
  ASSERT_TRUE(file.has_value());
  EXPECT_LT(::pwrite(file->get(), "x", 1, 0), 0);
  for (int reader = 0; reader < 2; ++reader) {
    const auto read = ReadGeneration(*file);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->rules.files, Example().rules.files);
    EXPECT_EQ(read->rules.manifest, "signed");
    EXPECT_EQ(read->trusted_keys, Example().trusted_keys);
    EXPECT_EQ(read->digest, 0x123456789abcu);
    EXPECT_TRUE(read->has_rules);
  }
}

TEST(Generation, WhatNeedsARestartIsAsAtTheStart) {
  std::vector<std::string> needs_restart;
  const auto config = ConfigOf(Example(), needs_restart);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->sensor_name, "first");
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:9464");
  ASSERT_EQ(config->zones.inside().size(), 1u);
  EXPECT_EQ(config->zones.inside()[0].prefix_bits, 16);
  EXPECT_EQ(needs_restart, (std::vector<std::string>{"metrics.listen", "sensor.name"}));
}

TEST(Generation, AFileOfAnythingElseIsRefused) {
  EXPECT_FALSE(ReadGeneration(test::MemoryFile("something else")).has_value());
  EXPECT_FALSE(ReadGeneration(test::MemoryFile("")).has_value());
}

}  // namespace
}  // namespace spanwatch::supervisor
