#include "content/open_memory.h"

#include <gmock/gmock.h>
#include <malloc.h>

#include "support/content_run.h"
#include "support/sanitizer.h"

namespace spanwatch::testing {
namespace {

struct TestHolder final : content::OpenMemory::Holder {
  TestHolder(content::OpenMemory& of, int number, std::vector<int>& given_up)
      : memory(of), name(number), order(given_up), place(of, *this) {}
  ~TestHolder() override { memory.Release(held); }
  void Hold(std::uint64_t bytes) {
    memory.Add(bytes);
    held += bytes;
    place.Touch();
  }
  void GiveUp() noexcept override {
    order.push_back(name);
    memory.Release(held);
    held = 0;
  }

  content::OpenMemory& memory;
  int name;
  std::vector<int>& order;
  std::uint64_t held = 0;
  content::OpenMemory::Place place;
};

TEST(OpenMemory, TheHolderThatWasQuietLongestIsGivenUpFirstAndNoMoreThanNeeded) {
  content::OpenMemory memory(1000);
  std::vector<int> given_up;
  TestHolder first(memory, 1, given_up), second(memory, 2, given_up), third(memory, 3, given_up);
  first.Hold(400);
  second.Hold(300);
  third.Hold(300);
  memory.KeepWithinLimit();
  EXPECT_TRUE(given_up.empty());
  first.Hold(100);
  memory.KeepWithinLimit();
  EXPECT_THAT(given_up, ::testing::ElementsAre(2));
  {
    TestHolder passing(memory, 4, given_up);
    passing.Hold(100);
  }
  third.Hold(500);
  memory.KeepWithinLimit();
  EXPECT_THAT(given_up, ::testing::ElementsAre(2, 1));
  EXPECT_EQ(memory.held(), 800U);
  second.Hold(900);
  memory.KeepWithinLimit();
  EXPECT_THAT(given_up, ::testing::ElementsAre(2, 1, 3)) << "who was given up may come back";
}

// Of each kind one whose end has not come.
std::map<std::string, std::string> OpenSamples() {
  const std::string text = Noise(7).Take(200'000);
  std::map<std::string, std::string> samples = {{"zstd", Zstd(text)},
                                                {"br", BrotliStored(text)},
                                                {"zip", MakeArchive("zip", {{"a", text}})},
                                                {"tar", MakeArchive("pax", {{"a", text}})},
                                                {"7z", MakeArchive("7zip", {{"a", text}}, "7zip:compression=store")},
                                                {"jpeg", MakeJpeg(3, text.size())}};
  for (const char* filter : {"gzip", "xz", "bzip2", "lz4"}) samples[filter] = Filtered(filter, text);
  for (auto& [name, bytes] : samples) bytes.resize(bytes.size() / 2);
  return samples;
}

ObjectInfo InfoOf(const std::string& kind) {
  ObjectInfo info;
  if (kind == "br") info.encodings = {kind};
  return info;
}

TEST(OpenMemory, AnObjectIsCountedWhileItIsOpenAndGivesAllBack) {
  for (const auto& [kind, bytes] : OpenSamples()) {
    ContentRun run;
    auto consumer = run.Open(InfoOf(kind));
    ContentRun::Pass(*consumer, bytes, 1460);
    EXPECT_GT(run.memory.held(), 12'000U) << kind;
    consumer->OnEnd(ObjectEnd::kTruncated);
    consumer.reset();
    EXPECT_EQ(run.memory.held(), 0U) << kind;
  }
}

TEST(OpenMemory, WhatIsGivenUpEndsTellsItAndTakesNoMore) {
  for (const auto& [kind, bytes] : OpenSamples()) {
    ContentRun run;
    auto consumer = run.Open(InfoOf(kind));
    ContentRun::Pass(*consumer, bytes, 1460);
    run.tree.GiveUp();
    EXPECT_EQ(run.memory.held(), 0U) << kind;
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::content_memory_limit), 1U);
    EXPECT_EQ(run.counters.Get(Counter::content_limited_memory), 1U);
    EXPECT_TRUE(run.notes().limit_reached);
    const std::size_t objects = run.recorder.objects().size();
    for (const auto& object : run.recorder.objects()) EXPECT_TRUE(object->ended) << kind;
    EXPECT_EQ(run.recorder.objects().front()->end, ObjectEnd::kAborted);
    EXPECT_FALSE(consumer->OnData(AsBytes(bytes)));
    consumer->OnGap(10);
    consumer->OnEnd(ObjectEnd::kComplete);
    EXPECT_EQ(run.recorder.objects().size(), objects);
  }
}

// The limit means little if a decoder holds much more than it is counted for.
TEST(OpenMemory, NoKindHoldsMuchMoreThanIsCounted) {
  if (support::kSanitizesMemory) GTEST_SKIP() << "the sanitizer's allocator does not tell what it gave";
  class Blind final : public ObjectObserver {
    std::unique_ptr<ObjectConsumer> OnObject(const ObjectContext&) noexcept override { return nullptr; }
  };
  constexpr int kObjects = 20;
  for (const auto& [kind, bytes] : OpenSamples()) {
    ContentRun run;
    Blind blind;
    content::ObjectTree tree(blind, run.anomalies, run.counters, run.limits, run.memory);
    std::vector<std::unique_ptr<ObjectConsumer>> open;
    const auto given = [] {
      const auto info = mallinfo2();
      return info.uordblks + info.hblkhd;
    };
    const std::size_t before = given();
    for (int i = 0; i < kObjects; ++i) {
      open.push_back(tree.Open(Direction::kFromClient, InfoOf(kind)));
      ContentRun::Pass(*open.back(), bytes, 1460);
    }
    const std::size_t each = (given() - before) / kObjects;
    const std::uint64_t counted = run.memory.held() / kObjects;
    RecordProperty(kind + "_bytes", static_cast<int>(each));
    RecordProperty(kind + "_counted", static_cast<int>(counted));
    EXPECT_LT(each, counted + counted / 2) << kind;
  }
}

}  // namespace
}  // namespace spanwatch::testing
