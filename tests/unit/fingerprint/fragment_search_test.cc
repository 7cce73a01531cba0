// Windows of several sets that are looked for together: what is found is what each set finds alone, however the bytes
// are cut and whether a call's windows are shared or not.
#include "fingerprint/fragment_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "fingerprint/family.h"
#include "support/fake_index.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kFiles = 6;
constexpr std::size_t kFileBytes = 9000;

Bytes BytesOfFile(std::size_t file) {
  std::mt19937 random(static_cast<unsigned>(file) + 11);
  Bytes bytes(kFileBytes);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

struct AllPrints : PrintSink {
  void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes&) noexcept override {
    all.insert(all.end(), prints.begin(), prints.end());
  }
  std::vector<FragmentPrint> all;
};

// Sets of windows; a row is a file of BytesOfFile.
class WindowSets : public FingerprintIndex {
 public:
  struct OneSet {
    SampledWindows windows;
    std::vector<std::uint32_t> files;
    std::multimap<std::uint64_t, std::pair<std::uint32_t, std::uint64_t>> prints = {};
  };

  void Add(OneSet set) {
    for (const std::uint32_t file : set.files) {
      AllPrints prints;
      FragmentSampler(set.windows, prints).Update(BytesOfFile(file));
      for (const FragmentPrint& print : prints.all) set.prints.emplace(print.hash, std::pair(file, print.offset));
    }
    sets_.push_back(std::move(set));
  }
  // The others are empty, but still there.
  WindowSets Only(std::size_t set) const {
    WindowSets one = *this;
    for (std::size_t other = 0; other < sets_.size(); ++other) {
      if (other != set) one.sets_[other].prints.clear();
    }
    return one;
  }

  std::size_t set_count() const override { return sets_.size(); }
  SetFacts Set(std::size_t set) const override {
    SetFacts facts;
    facts.fragment_seed = sets_[set].windows.seed;
    facts.fragment_density = sets_[set].windows.density;
    facts.fragment_window = sets_[set].windows.window;
    facts.has_fragments = !sets_[set].prints.empty();
    return facts;
  }
  ItemFacts Item(ItemRef) const override { return {}; }
  CollectionFacts Collection(ItemRef) const override { return {}; }
  void FindDigest(const Sha256Digest&, std::uint64_t, std::vector<ItemRef>&) const override {}
  void FindImageData(const Sha256Digest&, std::vector<ItemRef>&) const override {}
  bool MayBegin(std::uint64_t) const override { return false; }
  void FindFragments(std::size_t set, std::span<const FragmentPrint> prints,
                     std::vector<FragmentHit>& found) const override {
    for (const FragmentPrint& print : prints) {
      const auto [begin, end] = sets_[set].prints.equal_range(print.hash);
      for (auto hit = begin; hit != end; ++hit)
        found.push_back({print, {static_cast<std::uint16_t>(set), hit->second.first}, hit->second.second});
    }
  }
  void FindPictures(const PdqHash&, int, std::vector<PictureHit>&) const override {}
  void FindPlates(std::size_t, std::span<const std::uint64_t>, std::vector<PlateHit>&) const override {}
  void FindPairs(std::size_t, std::span<const std::uint64_t>, std::vector<PlateHit>&) const override {}
  std::uint64_t RegisteredPlates(std::size_t, std::uint16_t) const override { return 0; }

 private:
  std::vector<OneSet> sets_;
};

struct AnyAnomalies final : AnomalySink {
  void OnAnomaly(AnomalyCode) noexcept override {}
};

// Item, whether sure, windows found, offset.
using ToldWindows = std::vector<std::tuple<ItemRef, Confidence, std::uint32_t, std::uint64_t>>;

ToldWindows Search(const FingerprintIndex& index, ByteView bytes, std::size_t call, std::size_t piece, bool shared) {
  config::Limits limits;
  Counters counters;
  AnyAnomalies anomalies;
  KeepingMatchSink sink;
  RecordSearch records(index, {}, limits, counters);
  FragmentSearch search(index);
  ObjectInfo info;
  ObjectContext object;
  object.info = &info;
  SketchFacts facts;
  const auto sketcher = Make_fragment({index, records, search, sink, limits, counters, anomalies}, object, facts);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(call, bytes.size()))) {
    const ByteView now = bytes.first(std::min(call, bytes.size()));
    if (shared) search.Begin(now);
    for (std::size_t at = 0; at < now.size(); at += piece)
      sketcher->Update(now.subspan(at, std::min(piece, now.size() - at)));
    search.End();
  }
  sketcher->Finish(ObjectEnd::kComplete);
  ToldWindows told;
  for (const auto& [key, match] : sink.matches)
    told.emplace_back(match.item, match.confidence, match.fragments_found, match.offset);
  return told;
}

TEST(FragmentSearch, SetsTogetherFindWhatEachFindsAlone) {
  WindowSets sets;
  sets.Add({{.seed = 1}, {0, 1}});
  sets.Add({{.seed = 2}, {1, 2}});
  sets.Add({{.seed = 1}, {3}});  // a delta to the first
  sets.Add({{.seed = 3, .density = 64}, {4}});
  sets.Add({{.seed = 4, .density = 1000}, {0, 4}});
  sets.Add({{.seed = 5, .density = 100, .window = 32}, {2, 5}});
  sets.Add({{.seed = 1, .density = 256, .window = 200}, {0, 5}});
  for (std::uint64_t seed = 20; seed < 30; ++seed) sets.Add({{.seed = seed}, {1}});  // more than one scanner takes
  Bytes traffic;
  std::mt19937 random(3);
  for (std::size_t file = 0; file < kFiles; ++file) {
    for (std::size_t between = random() % 900; between > 0; --between)
      traffic.push_back(static_cast<std::uint8_t>(random()));
    const Bytes bytes = BytesOfFile(file);
    traffic.insert(traffic.end(), bytes.begin(), bytes.end());
  }
  ToldWindows alone;
  for (std::size_t set = 0; set < sets.set_count(); ++set)
    std::ranges::copy(Search(sets.Only(set), traffic, traffic.size(), traffic.size(), false),
                      std::back_inserter(alone));
  EXPECT_GE(alone.size(), 11u + 10u);
  for (const std::size_t call : {1448u, 100u, 1u << 20}) {
    for (const std::size_t piece : {1u, 63u, 500u, 1u << 20}) {
      EXPECT_EQ(Search(sets, traffic, call, piece, false), alone) << call << " " << piece;
      EXPECT_EQ(Search(sets, traffic, call, piece, true), alone) << call << " " << piece;
    }
  }
}

TEST(FragmentSearch, SetsOfOneLengthShareAScanAndThoseOfOneRegisterTheirPrints) {
  WindowSets sets;
  for (const std::uint64_t seed : {1u, 1u, 2u, 3u}) sets.Add({{.seed = seed}, {0}});
  sets.Add({{.seed = 1, .density = 256, .window = 100}, {0}});
  sets.Add({{.seed = 9}, {}});  // nothing to look for
  const FragmentSearch search(sets);
  ASSERT_EQ(search.lanes().size(), 2u);
  using Sets = std::vector<std::vector<std::size_t>>;
  EXPECT_EQ(search.lanes()[0].sets, (Sets{{0, 1}, {2}, {3}}));
  EXPECT_EQ(search.lanes()[1].sets, (Sets{{4}}));
}

}  // namespace
}  // namespace spanwatch::fingerprint
