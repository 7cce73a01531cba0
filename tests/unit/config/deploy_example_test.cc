#include <gtest/gtest.h>

#include "config/config.h"
#include "support/shared_data.h"

namespace spanwatch::config {
namespace {

TEST(DeployExample, IsAConfigurationThatNamesAllALiveSensorNeeds) {
  const auto config = LoadConfig(test::SourceTree() / "deploy/spanwatch.yaml");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_FALSE(config->interface.empty());
  EXPECT_EQ(config->inspectors, 2u);
  EXPECT_EQ(config->hashsets.size(), 1u);
  EXPECT_EQ(config->trust.size(), 1u);
  EXPECT_EQ(config->webhooks.size(), 1u);
  EXPECT_FALSE(config->allow_unsigned_authorisations);
}

}  // namespace
}  // namespace spanwatch::config
