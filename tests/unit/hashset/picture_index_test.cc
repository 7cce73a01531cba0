#include "hashset/picture_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <set>

#include "hashset/hamming_kernels.h"
#include "hashset/picture_sections.h"

namespace spanwatch::hashset {
namespace {

PdqHash AnyHash(std::mt19937_64& random) { return {{random(), random(), random(), random()}}; }

PdqHash Flipped(PdqHash hash, std::uint64_t flips, std::mt19937_64& random) {
  for (; flips > 0; --flips) {
    const std::uint64_t bit = random() % 256;
    hash.words[bit / 64] ^= std::uint64_t{1} << bit % 64;
  }
  return hash;
}

struct Sections {
  std::vector<PdqHash> hashes;
  std::vector<std::uint32_t> firsts;
  std::vector<PictureRow> rows;
};

Sections SectionsOf(const std::vector<RegisteredPicture>& pictures) {
  ExternalSorter<RegisteredPicture> sorter(std::filesystem::temp_directory_path());
  for (const RegisteredPicture& picture : pictures) sorter.Add(picture);
  Sections sections;
  auto views = *SortPictures(sorter, [&](const PdqHash& hash) { sections.hashes.push_back(hash); });
  sections.firsts = std::move(views.firsts);
  sections.rows = std::move(views.rows);
  return sections;
}

// As a set holds them.
struct Index {
  explicit Index(const std::vector<RegisteredPicture>& pictures) : sections(SectionsOf(pictures)) {
    slots_bytes = BuildPictureSlots(sections.hashes);
    Open();
  }
  void Open() {
    // A section is aligned to 64.
    aligned.resize(slots_bytes.size() / 64);
    std::memcpy(aligned.data(), slots_bytes.data(), slots_bytes.size());
    const auto slots = PictureSlots::View({reinterpret_cast<const std::uint8_t*>(aligned.data()), slots_bytes.size()},
                                          sections.hashes.size());
    opened = slots.has_value();
    if (opened) index = PictureIndex({sections.hashes, sections.firsts, sections.rows, *slots});
  }
  std::set<std::uint32_t> Find(const PdqHash& query, int distance) const {
    std::set<std::uint32_t> found;
    index.Find(query, distance, [&](std::uint32_t number, std::uint16_t measured) {
      EXPECT_EQ(measured, HammingDistance(query, sections.hashes[number]));
      found.insert(number);
    });
    return found;
  }
  std::set<std::uint32_t> Near(const PdqHash& query, int distance) const {
    std::set<std::uint32_t> near;
    for (std::uint32_t i = 0; i < sections.hashes.size(); ++i) {
      if (HammingDistance(query, sections.hashes[i]) <= distance) near.insert(i);
    }
    return near;
  }

  struct alignas(64) Line {
    std::array<std::uint8_t, 64> bytes;
  };
  Sections sections;
  Bytes slots_bytes;
  std::vector<Line> aligned;
  PictureIndex index;
  bool opened = false;
};

// Cameras of frames that differ from their middle in about every third bit, or in every second (which is no camera).
std::vector<RegisteredPicture> Frames(std::size_t count, std::size_t cameras, bool alike, std::mt19937_64& random) {
  std::vector<PdqHash> middles;
  for (std::size_t i = 0; i < cameras; ++i) middles.push_back(AnyHash(random));
  std::vector<RegisteredPicture> pictures;
  for (std::uint32_t i = 0; i < count; ++i) {
    PdqHash hash = middles[i % cameras];
    for (std::uint64_t& word : hash.words) word ^= alike ? random() & random() : random();
    pictures.push_back({hash, {.item = i}});
  }
  return pictures;
}

class PictureIndexOf : public testing::TestWithParam<std::tuple<std::size_t, bool>> {};

TEST_P(PictureIndexOf, FindsExactlyWhatIsWithinEveryDistance) {
  const auto [count, alike] = GetParam();
  std::mt19937_64 random(count);
  const Index index(Frames(count, 3, alike, random));
  ASSERT_TRUE(index.opened);
  for (int round = 0; round < 30; ++round) {
    const PdqHash near = index.sections.hashes[random() % index.sections.hashes.size()];
    const PdqHash query = round % 5 == 0 ? AnyHash(random) : Flipped(near, random() % 60, random);
    for (const int distance : {0, 1, 9, 31, 40, 48}) {
      EXPECT_EQ(index.Find(query, distance), index.Near(query, distance)) << distance;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PictureIndexOf,
                         testing::Combine(testing::Values(1, 50, 3000, 100'000), testing::Bool()));

TEST(PictureIndex, NamesEachHashOnceWithAllItsItems) {
  std::mt19937_64 random(5);
  std::vector<RegisteredPicture> pictures = Frames(1000, 3, true, random);
  const PdqHash blank{};
  for (std::uint32_t item = 0; item < 20; ++item) {
    pictures.push_back({blank, {.item = 5000 + item, .quality = 90, .view = 0}});
    pictures.push_back({blank, {.item = 5000 + item, .quality = 20, .view = 3}});
  }
  const Index index(pictures);
  EXPECT_EQ(index.sections.hashes.size(), 1001u);
  const auto found = index.Find(blank, 0);
  ASSERT_EQ(found.size(), 1u);
  const auto rows = index.index.RowsOf(*found.begin());
  ASSERT_EQ(rows.size(), 20u);
  for (std::uint32_t item = 0; item < 20; ++item) {
    EXPECT_EQ(rows[item].item, 5000 + item);
    EXPECT_EQ(rows[item].view, 0) << "the first view that looks so";
  }
  EXPECT_TRUE(index.index.RowsOf(1001).empty());
}

TEST(PictureIndex, IsEmptyWithoutPictures) {
  PictureIndex().Find({}, 48, [](std::uint32_t, std::uint16_t) { FAIL(); });
  EXPECT_TRUE(PictureIndex().RowsOf(0).empty());
}

// Directory and ids are overwritten; the search must stay inside and end.
TEST(PictureIndex, SlotsThatLieAreReadInsideTheirBounds) {
  std::mt19937_64 random(6);
  const Index honest(Frames(2000, 3, true, random));
  for (int round = 0; round < 200; ++round) {
    Index index(honest);
    for (std::uint64_t i = 0; i < 2000; ++i) {
      const std::uint64_t at = kSlotsHeadBytes + random() % (index.slots_bytes.size() / 4 - 32) * 4;
      const auto word = static_cast<std::uint32_t>(random() % 3 == 0 ? random() % 4000 : random());
      if (at > kSlotsHeadBytes + 64 * kSlotsMax) std::memcpy(index.slots_bytes.data() + at, &word, sizeof(word));
    }
    index.Open();
    ASSERT_TRUE(index.opened);
    for (const int distance : {0, 10, 22, 30, 48}) (void)index.Find(AnyHash(random), distance);
  }
}

TEST(PictureIndex, RefusesSlotsThatDoNotFit) {
  std::mt19937_64 random(7);
  const Index honest(Frames(2000, 3, false, random));
  const auto refused = [&](std::size_t at, std::uint8_t value) {
    Index index(honest);
    index.slots_bytes[at] = value;
    index.Open();
    return !index.opened;
  };
  EXPECT_TRUE(refused(0, 0)) << "no bits";
  EXPECT_TRUE(refused(0, 24)) << "too many bits";
  EXPECT_TRUE(refused(0, 10)) << "another size";
  EXPECT_TRUE(refused(4, 0)) << "no slot";
  EXPECT_TRUE(refused(4, 200)) << "too many slots";
  EXPECT_TRUE(refused(kSlotsHeadBytes, static_cast<std::uint8_t>(~honest.slots_bytes[kSlotsHeadBytes])))
      << "a key of other bits than it says";
  EXPECT_FALSE(PictureSlots::View(ByteView(honest.slots_bytes).first(32), 2000));
  EXPECT_TRUE(PictureSlots::View({}, 2000)) << "none: compared one by one";
}

TEST(HammingKernels, GiveWhatThePlainOnesGive) {
  std::mt19937_64 random(8);
  const PdqHash query = AnyHash(random);
  std::vector<PdqHash> hashes;
  std::vector<std::uint16_t> checks;
  std::vector<std::uint32_t> ids;
  for (std::uint32_t i = 0; i < 301; ++i) {
    hashes.push_back(AnyHash(random));
    checks.push_back(static_cast<std::uint16_t>(random()));
    ids.push_back(300 - i);
  }
  for (std::size_t size = 0; size <= 301; size += 7) {
    std::vector<std::uint16_t> a(size), b(size), c(size), d(size);
    const std::span<const PdqHash> some = std::span(hashes).first(size);
    Kernels().distances(query, some, a.data());
    PlainKernels().distances(query, some, b.data());
    EXPECT_EQ(a, b);
    Kernels().distances_of(query, hashes, std::span(ids).first(size), c.data());
    PlainKernels().distances_of(query, hashes, std::span(ids).first(size), d.data());
    EXPECT_EQ(c, d);
    const std::span<const std::uint16_t> compared = std::span(checks).first(size);
    for (const int limit : {0, 7, 8, 16}) {
      std::vector<std::uint32_t> near(size + 1), plain_near(size + 1);
      near.resize(Kernels().near(compared, checks[5], limit, near.data()));
      plain_near.resize(PlainKernels().near(compared, checks[5], limit, plain_near.data()));
      EXPECT_EQ(near, plain_near);
    }
  }
  const PdqHash mask{{0x00ff00000f, 0, 0x8000000000000001, 0xf0}};
  for (const PdqHash& hash : hashes) EXPECT_EQ(Kernels().gather(hash, mask), PlainKernels().gather(hash, mask));
}

}  // namespace
}  // namespace spanwatch::hashset
