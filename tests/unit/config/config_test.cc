#include "config/config.h"

#include <gtest/gtest.h>

namespace spanwatch::config {
namespace {

TEST(Config, ReadsEverySection) {
  const auto config = ParseConfig(R"(
sensor: {name: edge-1, run_as: spanwatch, names: tagged}
capture: {interface: eth1, inspectors: 2, snap_length_bytes: 64 KiB}
zones: {inside: [10.20.0.0/16, fd00::/8]}
hashsets:
  - {file: a.swset, record_key: a.key}
  - {url: "https://sets.example/b.swset", signer: b.pub, ca_file: ca.pem, allow_link_local: true}
trust: [owner.pub]
rules: {directory: rules, allow_unsigned_authorisations: true}
webhooks:
  - {name: soc, url: "https://soc.example/hook", secret_env: HOOK}
)",
                                  "test.yaml");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->sensor_name, "edge-1");
  EXPECT_TRUE(config->tag_names);
  EXPECT_EQ(config->inspectors, 2u);
  EXPECT_EQ(config->limits.capture_snap_length_bytes, 65536u);
  EXPECT_EQ(config->zones.inside().size(), 2u);
  EXPECT_EQ(config->hashsets[0].record_key, "a.key");
  EXPECT_EQ(config->hashsets[1].source(), "https://sets.example/b.swset");
  EXPECT_EQ(config->hashsets[1].signer, "b.pub");
  EXPECT_TRUE(config->hashsets[1].allow_link_local);
  EXPECT_TRUE(config->allow_unsigned_authorisations);
  EXPECT_EQ(config->webhooks[0].url, "https://soc.example/hook");
}

struct Refused {
  const char* description;
  const char* yaml;
  const char* message;
};

TEST(Config, RefusesWithFileLineAndReason) {
  const Refused cases[] = {
      {"unknown section", "sensr: {name: a}", "test.yaml:1: sensr: unknown key; did you mean 'sensor'?"},
      {"unknown key", "sensor:\n  nam: a", "test.yaml:2: sensor.nam: unknown key; did you mean 'name'?"},
      {"section twice", "sensor: {name: a}\nsensor: {name: b}", "test.yaml:1: sensor: the key comes more than once"},
      {"key twice", "sensor:\n  name: a\n  name: b\n", "test.yaml:2: sensor.name: the key comes more than once"},
      {"key of an entry twice", "hashsets: [{file: a, file: b}]",
       "test.yaml:1: hashsets.file: the key comes more than once"},
      {"unknown key of an entry", "hashsets: [{fil: a}]",
       "test.yaml:1: hashsets.fil: unknown key; did you mean 'file'?"},
      {"not a number", "capture: {snap_length_bytes: many}",
       "test.yaml:1: capture.snap_length_bytes: 'many' is not a number"},
      {"out of range", "capture: {snap_length_bytes: 1}",
       "test.yaml:1: capture.snap_length_bytes: 1 is not between 256 and 262144"},
      {"bad network", "zones: {inside: [10.0.0.0/99]}",
       "test.yaml:1: zones.inside: '10.0.0.0/99' is not a network; the prefix is a number from 0 to 32"},
      {"no file", "hashsets: [{record_key: k}]", "test.yaml:1: hashsets: an entry needs a 'file' or a 'url'"},
      {"both", "hashsets: [{file: f, url: \"https://a/b\", signer: k}]",
       "test.yaml:1: hashsets: an entry needs a 'file' or a 'url'"},
      {"no signer", "hashsets: [{url: \"https://a/b\"}]",
       "test.yaml:1: hashsets: a 'url' needs a 'signer': the public key that signs what is there"},
      {"no port", "metrics: {listen: localhost}",
       "test.yaml:1: metrics.listen: 'localhost' is not an address and port like 127.0.0.1:9464"},
      {"port too large", "metrics: {listen: \"127.0.0.1:94640\"}",
       "test.yaml:1: metrics.listen: '127.0.0.1:94640' is not an address and port like 127.0.0.1:9464"},
      {"one queue twice", "webhooks: [{name: a, url: \"https://a/\"}, {name: a, url: \"https://b/\"}]",
       "test.yaml:1: webhooks: two entries have the name 'a'"},
      {"flag", "webhooks: [{name: a, url: \"https://a/\", allow_link_local: maybe}]",
       "test.yaml:1: webhooks.allow_link_local: 'maybe' is neither true nor false"},
      {"no TLS", "hashsets: [{url: \"http://a/b\", signer: k}]", "test.yaml:1: hashsets: a 'url' begins with https://"},
  };
  for (const auto& test : cases) {
    const auto config = ParseConfig(test.yaml, "test.yaml");
    ASSERT_FALSE(config.has_value()) << test.description;
    EXPECT_EQ(config.error().message, test.message) << test.description;
    EXPECT_EQ(config.error().code, ErrorCode::kUsage);
  }
  EXPECT_FALSE(ParseConfig("a: [", "test.yaml").has_value());
}

TEST(Config, AListenAddressHasAPort) {
  EXPECT_EQ(ParseListenAddress("[::1]:9464")->address, "::1");
  EXPECT_EQ(ParseListenAddress("0.0.0.0:80")->port, 80);
  for (const char* text : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:1x", "127.0.0.1:-1"})
    EXPECT_FALSE(ParseListenAddress(text)) << text;
}

TEST(Config, TheReferenceNamesEveryLimit) {
  const std::string page = ConfigReference();
  for (const auto& limit : kLimits) EXPECT_NE(page.find(limit.name), std::string::npos) << limit.name;
}

TEST(Config, TellsEveryProblemOnce) {
  std::vector<Error> problems;
  (void)ParseWithProblems("sensr: {name: a}\ntrust: [a]\ntrust: [b]\ncapture: {inspectors: many, interfac: b}\n",
                          "test.yaml", problems);
  std::vector<std::string> messages;
  for (const Error& problem : problems) messages.push_back(problem.message);
  EXPECT_EQ(messages, (std::vector<std::string>{
                          "test.yaml:1: sensr: unknown key; did you mean 'sensor'?",
                          "test.yaml:1: trust: the key comes more than once",
                          "test.yaml:4: capture.inspectors: 'many' is not between 1 and 64",
                          "test.yaml:4: capture.interfac: unknown key; did you mean 'interface'?",
                      }));
}

}  // namespace
}  // namespace spanwatch::config
