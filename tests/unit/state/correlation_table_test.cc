#include "state/correlation_table.h"

#include <map>
#include <random>

#include "unit/state/state_fixtures.h"

namespace spanwatch::state {
namespace {

constexpr Duration kDays45 = 45 * 24h;

// The definition, word for word.
class Reference {
 public:
  std::uint64_t Observe(const std::vector<std::string>& values, PacketTime time, Duration window) {
    latest_ = std::max(latest_, time);
    for (const auto& value : values) {
      auto& kept = times_.emplace(value, time).first->second;
      kept = std::max(kept, time);
    }
    return static_cast<std::uint64_t>(std::ranges::count_if(
        times_, [&](const auto& entry) { return entry.second > latest_ - window && entry.second <= latest_; }));
  }

 private:
  PacketTime latest_ = PacketTime::min() + kDays45;
  std::map<std::string, PacketTime> times_;
};

std::uint64_t Observe(State& state, const std::string& group, std::vector<std::string> values, PacketTime time,
                      Duration window = kDays45) {
  const auto count = state.correlations().Observe("rule", group, values, time, window);
  EXPECT_TRUE(count.has_value());
  return count.value_or(0);
}

TEST(CorrelationTable, CountsDistinctValuesInTheWindow) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"a", "b"}, At(0s), 10s), 2u);
  EXPECT_EQ(Observe(*state, "g", {"a"}, At(5s), 10s), 2u);
  EXPECT_EQ(Observe(*state, "g", {"c"}, At(10s), 10s), 2u) << "b is exactly one window old, and out";
  EXPECT_EQ(Observe(*state, "g", {}, At(15s), 10s), 1u) << "a was kept alive by its repeat until now";
  EXPECT_EQ(Observe(*state, "other", {"x"}, At(15s), 10s), 1u);
}

TEST(CorrelationTable, ALateValueCountsWhenItIsInTheWindow) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"a"}, At(100s), 10s), 1u);
  EXPECT_EQ(Observe(*state, "g", {"b"}, At(95s), 10s), 2u);
  EXPECT_EQ(Observe(*state, "g", {"c"}, At(90s), 10s), 1u) << "too late for these two";
  EXPECT_EQ(Observe(*state, "g", {}, At(100s), 10s), 2u) << "and they do not count it";
}

TEST(CorrelationTable, ObservingTwiceChangesNothing) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"a"}, At(1s)), 1u);
  EXPECT_EQ(Observe(*state, "g", {"a"}, At(1s)), 1u);
  ASSERT_TRUE(state->Commit());
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"a"}, At(1s)), 1u);
}

TEST(CorrelationTable, Counts45DaysOverRestarts) {
  StateFile file;
  for (int day = 0; day < 60; ++day) {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    const auto count = Observe(*state, "10.20.0.9", {fmt::format("item {}", day)}, At(24h * day));
    EXPECT_EQ(count, std::min<std::uint64_t>(static_cast<std::uint64_t>(day) + 1, 45u));
    ASSERT_TRUE(state->Commit());
    if (day % 7 == 0) {
      ASSERT_TRUE(state->Purge(BothAt(24h * day)));
    }
  }
}

TEST(CorrelationTable, AgreesWithTheDefinitionWhateverHappensInBetween) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    StateFile file;
    file.limits.state_correlation_values_in_memory = seed == 2 ? 1 : 4'000'000;  // unloads every group at each commit
    std::mt19937 random(seed);
    auto state = file.Open();
    std::map<std::string, Reference> references;
    ASSERT_TRUE(state->Begin());
    for (int step = 0; step < 3000; ++step) {
      const std::string group = fmt::format("g{}", random() % 3);
      std::vector<std::string> values;
      for (std::uint32_t i = random() % 4; i > 0; --i) values.push_back(fmt::format("v{}", random() % 200));
      const PacketTime time = At(1min * step - 1min * static_cast<std::int64_t>(random() % 40));
      ASSERT_EQ(Observe(*state, group, values, time, 2h), references[group].Observe(values, time, 2h))
          << "step " << step;
      if (random() % 50 == 0) {
        ASSERT_TRUE(state->Commit());
        if (random() % 4 == 0) {
          ASSERT_TRUE(state->Purge({time, WallClockNow() + 24h * 1000}));
        }
        if (random() % 4 == 0) {
          state.reset();
          state = file.Open();
        }
        ASSERT_TRUE(state->Begin());
      }
    }
    EXPECT_EQ(file.counters.Get(Counter::correlation_groups_unloaded) > 0, seed == 2);
  }
}

TEST(CorrelationTable, ARolledBackBatchIsNotCounted) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"a"}, At(1s)), 1u);
  ASSERT_TRUE(state->Commit());
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"b", "c"}, At(2s)), 3u);
  state->Rollback();
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {}, At(3s)), 1u);
}

TEST(CorrelationTable, AChangedWindowCountsAnew) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  Observe(*state, "g", {"a"}, At(0s), 1h);
  EXPECT_EQ(Observe(*state, "g", {"b"}, At(30min), 1h), 2u);
  EXPECT_EQ(Observe(*state, "g", {"c"}, At(31min), 10min), 2u);
  EXPECT_EQ(Observe(*state, "g", {"d"}, At(32min), 1h), 4u);
}

TEST(CorrelationTable, AFullGroupRefusesAndSaysSo) {
  StateFile file;
  file.limits.state_correlation_values_per_group = 10;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  for (int i = 0; i < 15; ++i) Observe(*state, "g", {fmt::format("v{}", i)}, At(1s * i));
  EXPECT_EQ(Observe(*state, "g", {}, At(20s)), 10u);
  EXPECT_EQ(file.counters.Get(Counter::correlation_values_refused), 5u);
}

TEST(CorrelationTable, PurgeDropsIdleGroupsWhole) {
  StateFile file;
  auto state = file.Open();
  ASSERT_TRUE(state->Begin());
  Observe(*state, "g", {"a", "b"}, At(0s), 1h);
  Observe(*state, "h", {"a"}, At(72h), 1h);
  ASSERT_TRUE(state->Commit());
  ASSERT_TRUE(state->Purge(BothAt(72h)));
  EXPECT_EQ(state->correlations().values_in_memory(), 1u);
  auto rows =
      state->database().Prepare("SELECT (SELECT COUNT(*) FROM correlation_values), COUNT(*) FROM correlation_groups");
  ASSERT_TRUE(*rows->Step());
  EXPECT_EQ(rows->Integer(0), 1);
  EXPECT_EQ(rows->Integer(1), 1);
}

TEST(CorrelationTable, ATimeFarOffIsAnEraOfItsOwn) {
  StateFile file;
  const auto year = [](int of) { return At(24h * 365 * (of - 2019)); };
  {
    auto state = file.Open();
    ASSERT_TRUE(state->Begin());
    EXPECT_EQ(Observe(*state, "g", {"a", "b"}, year(2026)), 2u);
    EXPECT_EQ(Observe(*state, "g", {"x"}, year(2100)), 1u) << "a clock that was wrong for a moment";
    EXPECT_EQ(Observe(*state, "g", {"c"}, year(2026) + 1h), 3u) << "and right again";
    EXPECT_EQ(Observe(*state, "g", {"a", "b", "c", "d"}, year(2019)), 4u) << "a capture of long ago";
    ASSERT_TRUE(state->Commit());
  }
  auto state = file.Open();
  ASSERT_TRUE(state->Purge({year(2100), WallClockNow()})) << "the wall clock does not call it old";
  ASSERT_TRUE(state->Purge({year(2026), WallClockNow() + 24h * 1000})) << "nor do packets what is of today";
  ASSERT_TRUE(state->Begin());
  EXPECT_EQ(Observe(*state, "g", {"e"}, year(2026) + 2h), 4u);
  EXPECT_EQ(Observe(*state, "g", {"y"}, year(2100)), 2u);
  EXPECT_EQ(Observe(*state, "g", {"e"}, year(2019) + 2h), 1u) << "that both clocks called old";
}

TEST(CorrelationTable, CountsAHundredThousandItemsOneByOneInSeconds) {
  StateFile file;
  auto state = file.Open();
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t count = 0;
  for (int i = 0; i < 100'000; i += 500) {
    ASSERT_TRUE(state->Begin());
    for (int j = i; j < i + 500; ++j) count = Observe(*state, "10.20.0.9", {fmt::format("{:032x}", j)}, At(1s * j));
    ASSERT_TRUE(state->Commit());
  }
  EXPECT_EQ(count, 100'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);  // 2 s on an idle machine
}

}  // namespace
}  // namespace spanwatch::state
