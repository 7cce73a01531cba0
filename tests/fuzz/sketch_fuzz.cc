// Families of an object or stream: the same matches for every split and when windows were found for a whole packet
// already, and enrolment of any file finds the file itself.
//
// The first two bytes are a seed for how the rest is cut.
#include <algorithm>

#include "base/check.h"
#include "fingerprint/file_fingerprint.h"
#include "fingerprint/fragment_search.h"
#include "fingerprint/object_sketch.h"
#include "fingerprint/picture_memory.h"
#include "support/fake_index.h"

namespace spanwatch::fingerprint {
namespace {

struct NoAnomalies final : AnomalySink {
  void OnAnomaly(AnomalyCode) noexcept override {}
};

struct World {
  explicit World(ByteView file) {
    limits.perceptual_pixels = 1 << 18;
    limits.perceptual_decoder_bytes = 1 << 22;
    index.Add(
        FingerprintBytes(file, {.fragment_seed = FakeIndex::kSeed, .fragment_density = FakeIndex::kDensity}, limits));
  }
  KeepingMatchSink Search(ByteView bytes, ObjectKind kind, std::uint32_t seed, bool shared = false) {
    KeepingMatchSink sink;
    ObjectInfo info;
    info.kind = kind;
    ObjectContext object;
    object.info = &info;
    PictureMemory memory(4, 1 << 24);
    FragmentSearch search(index);
    ObjectSketch sketch({index, records, search, sink, limits, counters, anomalies, &memory}, object);
    while (!bytes.empty()) {
      seed = seed * 1664525 + 1013904223;
      const std::size_t length = std::min<std::size_t>(bytes.size(), 1 + (seed >> 16) % 300);
      const Bytes copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));  // of exact size
      const ByteView packet(copy);
      if (shared) search.Begin(packet);
      sketch.OnData(packet.first(packet.size() / 2));
      sketch.OnData(packet.subspan(packet.size() / 2));
      search.End();
      bytes = bytes.subspan(length);
    }
    sketch.OnEnd(ObjectEnd::kComplete);
    return sink;
  }

  FakeIndex index;
  config::Limits limits;
  Counters counters;
  NoAnomalies anomalies;
  RecordSearch records{index, {nullptr}, limits, counters};
};

bool Same(const KeepingMatchSink& a, const KeepingMatchSink& b) {
  return std::ranges::equal(a.matches, b.matches, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.confidence == y.second.confidence && x.second.distance == y.second.distance &&
           x.second.fragments_found == y.second.fragments_found && x.second.offset == y.second.offset;
  });
}

}  // namespace
}  // namespace spanwatch::fingerprint

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanwatch;
  using namespace spanwatch::fingerprint;
  if (size < 3) return 0;
  const std::uint32_t seed = static_cast<std::uint32_t>(data[0]) << 8 | data[1];
  const ByteView bytes(data + 2, size - 2);
  World world(bytes);
  for (const ObjectKind kind : {ObjectKind::kMessage, ObjectKind::kStream}) {
    const KeepingMatchSink found = world.Search(bytes, kind, seed);
    CHECK(Same(found, world.Search(bytes, kind, ~seed)));
    CHECK(Same(found, world.Search(bytes, kind, seed, true)));
    CHECK(kind == ObjectKind::kStream || found.Find({0, 0}, Method::kExact) != nullptr);
  }
  return 0;
}
