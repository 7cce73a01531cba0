#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>

#include "content/layer.h"
#include "content/fiber.h"
#include "support/content_run.h"

namespace {

std::atomic<std::uint64_t> g_allocations{0};

}  // namespace

// Never inlined: g++ 12 pairs an inlined free() with the new of its caller and warns of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++g_allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace spanwatch::testing {
namespace {

TEST(ObjectTree, OpaqueBytesCostNoAllocation) {
  ContentRun run;
  const std::string text = Noise(1).Take(1460 * 64);
  class Blind final : public ObjectObserver {
   public:
    std::unique_ptr<ObjectConsumer> OnObject(const ObjectContext&) noexcept override { return nullptr; }
  } blind;
  content::ObjectTree tree(blind, run.anomalies, run.counters, run.limits, run.memory);
  const auto consumer = tree.Open(Direction::kFromClient, {.kind = ObjectKind::kStream, .step = "tcp"});
  consumer->OnData(AsBytes(text).first(1460));
  const std::uint64_t before = g_allocations;
  for (std::size_t at = 1460; at < text.size(); at += 1460) consumer->OnData(AsBytes(text).subspan(at, 1460));
  EXPECT_EQ(g_allocations - before, 0u);
  consumer->OnEnd(ObjectEnd::kComplete);
}

TEST(ObjectTree, IdsAndParentsAreTold) {
  ContentRun run;
  run.Feed({}, Gzip("inside"));
  run.Feed({.evasive = true}, MakeJpeg(1, 600));
  ASSERT_EQ(run.recorder.objects().size(), 3u);
  EXPECT_EQ(run.recorder.objects()[0]->id, 1u);
  EXPECT_EQ(run.recorder.objects()[0]->parent_id, 0u);
  EXPECT_EQ(run.recorder.objects()[1]->parent_id, 1u);
  EXPECT_EQ(run.recorder.objects()[2]->parent_id, 0u);
  EXPECT_TRUE(run.recorder.objects()[2]->evasive);
  EXPECT_TRUE(run.notes().evasive);
  EXPECT_FALSE(run.tree.notes(Direction::kFromServer).evasive);
  EXPECT_EQ(run.notes().objects, 3u);
  EXPECT_EQ(run.counters.Get(Counter::content_objects), 3u);
}

TEST(ObjectTree, EveryLayerSaysWhatItIs) {
  for (const content::LayerSpec* layer : content::Layers()) {
    EXPECT_FALSE(layer->name.empty());
    EXPECT_FALSE(layer->help.empty());
    EXPECT_EQ(layer->probe({}, {}, false) != content::Likelihood::kNo, layer->role == content::LayerRole::kSearch);
  }
}

TEST(ObjectTree, WarmUpMakesNamesUtf8) {
  content::WarmUp();
  ContentRun run;
  run.Feed({}, MakeArchive("zip", {{"M\xc3\xbcnchen.txt", "x"}}));
  EXPECT_NE(run.recorder.Find("zip M\xc3\xbcnchen.txt"), nullptr);
}

TEST(Fiber, IsResumedToItsEndWhenItIsGivenUp) {
  bool ended = false;
  int steps = 0;
  {
    content::Fiber fiber([&](content::Fiber& self) {
      while (!self.aborting()) {
        ++steps;
        self.Suspend();
      }
      ended = true;
    });
    fiber.Resume();
    fiber.Resume();
    EXPECT_FALSE(fiber.done());
  }
  EXPECT_EQ(steps, 2);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace spanwatch::testing
