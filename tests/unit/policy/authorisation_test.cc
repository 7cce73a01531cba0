#include "policy/authorisation.h"

#include <gtest/gtest.h>

#include "policy/rule_engine.h"
#include "support/memory_correlation_store.h"

namespace spanwatch::policy {
namespace {

constexpr const char* kNightly = R"(
authorisations:
  - name: nightly
    reference: TICKET-1
    collections: [lanes, reads]
    sources: [10.20.0.9, 10.20.1.0/24]
    destinations: [203.0.113.10, 2001:db8::/32]
    protocols: [http, tls]
    schedule: {days: [mon, tue], from: "22:00", until: "04:00"}
    not_before: 2024-01-01
    expires: 2024-06-01
)";

Authorisation One(const std::string& yaml) {
  auto parsed = ParseAuthorisations(yaml, "authorisations.yml");
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return parsed->at(0);
}

struct Attempt {
  std::string collection = "lanes";
  std::string source = "10.20.0.9";
  std::string destination = "203.0.113.10";
  std::string protocol = "http";
  std::string time = "2024-03-04T23:00:00Z";  // a Monday
};

FlatEvent EventOf(const Attempt& attempt) {
  FlatEvent event;
  event.id = "e";
  event.time = ParseRfc3339(attempt.time).value();
  if (!attempt.collection.empty()) event.fields["spanwatch.collection"] = {attempt.collection};
  event.fields["source.ip"] = {attempt.source};
  event.fields["destination.ip"] = {attempt.destination};
  if (!attempt.protocol.empty()) event.fields["network.protocol"] = {attempt.protocol};
  return event;
}

TEST(Authorisation, EachFieldMustAgree) {
  const Authorisation nightly = One(kNightly);
  const auto says = [&](const Attempt& attempt) { return nightly.Disagrees(EventOf(attempt)).value_or("permitted"); };
  EXPECT_EQ(says({}), "permitted");
  EXPECT_EQ(says({.collection = "reads"}), "permitted");
  EXPECT_EQ(says({.collection = "other"}), "collection");
  EXPECT_EQ(says({.collection = ""}), "permitted") << "a transfer names no collection";
  EXPECT_EQ(says({.source = "10.20.1.77"}), "permitted");
  EXPECT_EQ(says({.source = "10.20.0.10"}), "source");
  EXPECT_EQ(says({.destination = "2001:db8:1::1"}), "permitted");
  EXPECT_EQ(says({.destination = "203.0.113.11"}), "destination");
  EXPECT_EQ(says({.protocol = "tls"}), "permitted");
  EXPECT_EQ(says({.protocol = "ftp"}), "protocol");
  EXPECT_EQ(says({.protocol = ""}), "protocol") << "what was not recognised is not the agreed protocol";
  EXPECT_EQ(says({.time = "2023-12-31T23:30:00Z"}), "not-yet-valid");
  EXPECT_EQ(says({.time = "2024-06-01T00:00:00Z"}), "expired");
  EXPECT_EQ(says({.time = "2024-03-04T12:00:00Z"}), "schedule");
}

TEST(Authorisation, ASchedulePassesMidnightWithTheDayItBeganOn) {
  const Authorisation nightly = One(kNightly);
  const std::pair<const char*, bool> cases[] = {
      {"2024-03-04T21:59:59Z", false}, {"2024-03-04T22:00:00Z", true},  // Monday evening
      {"2024-03-05T03:59:59Z", true},  {"2024-03-05T04:00:00Z", false},
      {"2024-03-06T03:00:00Z", true},   // Wednesday morning belongs to Tuesday
      {"2024-03-06T22:30:00Z", false},  // Wednesday evening
      {"2024-03-04T03:00:00Z", false},  // Monday morning belongs to Sunday
  };
  for (const auto& [time, covered] : cases) {
    EXPECT_EQ(nightly.schedule.Covers(ParseRfc3339(time).value()), covered) << time;
  }
}

TEST(Authorisation, WithoutScheduleOrProtocolsAnyWillDo) {
  const Authorisation open =
      One("authorisations: [{name: n, reference: r, collections: [any], sources: [0.0.0.0/0], "
          "destinations: [203.0.113.10], expires: 2030-01-01}]");
  EXPECT_EQ(open.Disagrees(EventOf({.collection = "whatever", .protocol = "", .time = "2024-03-09T12:34:56Z"})),
            std::nullopt);
}

TEST(Authorisation, RefusesWithLineAndReason) {
  const std::string base = "name: n, reference: r, collections: [any], sources: [10.0.0.1], destinations: [192.0.2.1]";
  const std::pair<std::string, const char*> cases[] = {
      {"{" + base + "}", "has no 'expires'"},
      {"{" + base + ", expires: 2030-01-01, colections: [a]}", "unknown key 'colections'"},
      {"{name: n, reference: r, collections: [any], sources: [10.0.0.1], destinations: [files.example], expires: "
       "2030-01-01}",
       "a name alone never authorises"},
      {"{" + base + ", expires: someday}", "someday"},
      {"{" + base + ", expires: 2030-01-01, schedule: {days: [monday]}}", "'monday' is not one of"},
      {"{" + base + ", expires: 2030-01-01, schedule: {from: \"25:00\"}}", "a time of day"},
      {"{" + base + ", expires: 2030-01-01, schedule: {from: \"1x:00\"}}", "a time of day"},
      {"{" + base + ", expires: 2030-01-01, schedule: {from: \"10:00\", until: \"10:00\"}}", "never holds"},
      {"{" + base + ", expires: 2030-01-01, protocols: []}", "the list is empty"},
  };
  for (const auto& [entry, reason] : cases) {
    const auto parsed = ParseAuthorisations("authorisations:\n  - " + entry + "\n", "a.yml");
    ASSERT_FALSE(parsed.has_value()) << entry;
    EXPECT_TRUE(parsed.error().message.starts_with("a.yml:2: ")) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find(reason), std::string::npos) << parsed.error().message;
  }
}

TEST(Authorisation, UnsignedOnesCountOnlyWhereTheConfigurationAllowsThem) {
  for (const bool is_signed : {false, true}) {
    for (const bool allowed : {false, true}) {
      test::MemoryCorrelationStore store;
      Authorisation nightly = One(kNightly);
      nightly.authorisation_signed = is_signed;
      const auto engine = RuleEngine::Make(
          {.documents = {}, .authorisations = {nightly}, .allow_unsigned_authorisations = allowed, .facts = {}}, store);
      ASSERT_TRUE(engine.has_value());
      FlatEvent event = EventOf({});
      const auto verdict = (*engine)->Evaluate(event);
      ASSERT_TRUE(verdict.has_value());
      EXPECT_EQ(verdict->authorised, is_signed || allowed);
      EXPECT_EQ(event.fields.at("spanwatch.authorized").front(), EventValue(is_signed || allowed));
      if (!verdict->authorised) continue;
      EXPECT_EQ(verdict->authorisations.at(0).name, "nightly");
      EXPECT_EQ(verdict->authorisations.at(0).reference, "TICKET-1");
      EXPECT_EQ(verdict->authorisations.at(0).authorisation_signed, is_signed)
          << "an unsigned one marks what it touches";
      EXPECT_EQ(event.fields.at("spanwatch.authorization.signed").front(), EventValue(is_signed));
    }
  }
}

TEST(Authorisation, AnUnsignedOneIsNoNearMissEither) {
  test::MemoryCorrelationStore store;
  const auto engine = RuleEngine::Make(
      {.documents = {}, .authorisations = {One(kNightly)}, .allow_unsigned_authorisations = false, .facts = {}}, store);
  ASSERT_TRUE(engine.has_value());
  FlatEvent event = EventOf({.source = "10.20.0.10"});
  EXPECT_EQ((*engine)->Evaluate(event)->near_miss, "");
}

}  // namespace
}  // namespace spanwatch::policy
