// Unrelated pictures with the same caption bar have no fragment in common, whatever wrote them.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "fingerprint/file_fingerprint.h"
#include "fingerprint/fragment_search.h"
#include "fingerprint/repeating_window.h"
#include "support/fake_index.h"
#include "support/picture_maker.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint32_t kWidth = 480, kHeight = 272, kBarHeight = 40;

struct BarKind {
  std::uint8_t tone = 0, ink = 255;
  bool at_top = false, written = true;
};

// Letters of 5 by 7 dots; the same words in every picture.
test::Picture WithBar(test::Picture picture, const BarKind& bar) {
  const std::uint32_t top = bar.at_top ? 0 : kHeight - kBarHeight;
  std::fill_n(picture.At(0, top), std::size_t{kWidth} * kBarHeight * 3, bar.tone);
  std::minstd_rand random(4);
  for (std::uint32_t letter = 0; bar.written && letter < 12; ++letter) {
    for (std::uint32_t dot = 0; dot < 35; ++dot) {
      if (random() % 5 < 3) continue;
      for (std::uint32_t i = 0; i < 9; ++i)
        std::fill_n(picture.At(20 + letter * 20 + dot % 5 * 3 + i % 3, top + 10 + dot / 5 * 3 + i / 3), 3, bar.ink);
    }
  }
  return picture;
}

std::vector<test::Picture> Unrelated() {
  return {test::LaneCamera(1, 1, kWidth, kHeight).Frame(1).picture,
          test::LaneCamera(2, 2, kWidth, kHeight).Frame(5).picture,
          test::LaneCamera(3, 3, kWidth, kHeight).Frame(9, test::LaneLight::kNight).picture};
}

const std::vector<test::JpegOptions> kEncoders = {
    {.quality = 85},
    {.quality = 95},
    {.quality = 50},
    {.quality = 30},
    {.quality = 85, .progressive = true},
    {.quality = 60, .progressive = true, .restart_rows = 1},
    {.quality = 85, .optimised = true},
    {.quality = 85, .restart_rows = 1},
    {.quality = 75, .optimised = true, .restart_rows = 1},
    {.quality = 85, .whole_colour = true},
    {.quality = 85, .optimised = true, .whole_colour = true},
    {.quality = 85, .whole_colour = true, .restart_rows = 1},
    {.quality = 85, .restart_rows = 1, .ink = test::JpegInk::kGrey},
    {.quality = 60, .optimised = true, .ink = test::JpegInk::kGrey},
};

// A window at every fourth position.
FileFingerprint ManyWindows(ByteView file) {
  EnrolmentProfile profile;
  profile.views = ViewProfile::kNone;
  profile.fragment_density = 4;
  return FingerprintBytes(file, profile, {});
}

std::size_t Common(const std::vector<std::set<std::uint64_t>>& files) {
  std::set<std::uint64_t> all;
  std::size_t windows = 0;
  for (const auto& file : files) {
    all.insert(file.begin(), file.end());
    windows += file.size();
  }
  return windows - all.size();
}

TEST(CaptionFragments, UnrelatedPicturesHaveNoneInCommonAndKeepTheirOwn) {
  const std::vector<test::Picture> pictures = Unrelated();
  for (std::size_t encoder = 0; encoder < kEncoders.size(); ++encoder) {
    std::vector<std::size_t> plain;
    for (const test::Picture& picture : pictures)
      plain.push_back(ManyWindows(EncodeJpeg(picture, kEncoders[encoder])).fragments.size());
    for (const BarKind& bar : {BarKind{}, BarKind{.at_top = true}, BarKind{.written = false},
                               BarKind{.tone = 255, .ink = 0}, BarKind{.tone = 128, .ink = 255}}) {
      std::vector<std::set<std::uint64_t>> files;
      for (std::size_t i = 0; i < pictures.size(); ++i) {
        auto& windows = files.emplace_back();
        for (const auto& print : ManyWindows(EncodeJpeg(WithBar(pictures[i], bar), kEncoders[encoder])).fragments)
          windows.insert(print.hash);
        // The bar hides a seventh of the picture, or of a light one more of what its data are.
        EXPECT_GT(windows.size(), plain[i] * 2 / 3) << encoder;
      }
      EXPECT_EQ(Common(files), 0u) << "encoder " << encoder << ", tone " << int{bar.tone} << ", top " << bar.at_top
                                   << ", written " << bar.written;
    }
  }
}

// What the test above would not show if the pictures had nothing in common anyway.
TEST(CaptionFragments, TheSameWordsGiveEqualBytes) {
  struct Hashes final : PrintSink {
    void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes&) noexcept override {
      for (const FragmentPrint& print : prints) all.insert(print.hash);
    }
    std::set<std::uint64_t> all;
  };
  std::vector<std::set<std::uint64_t>> files;
  for (const test::Picture& picture : Unrelated()) {
    Hashes hashes;
    FragmentSampler({.density = 1}, hashes).Update(EncodeJpeg(WithBar(picture, {}), {.restart_rows = 1}));
    files.push_back(std::move(hashes.all));
  }
  EXPECT_GT(Common(files), 200u);
}

TEST(RepeatingWindow, IsTheCodeOfFlatBlocksWithAndWithoutARestartMarker) {
  std::mt19937 random(3);
  for (int unit = 4; unit <= 48; ++unit) {  // bits of a flat unit
    const std::uint64_t code = std::uint64_t{random()} << 32 | random();
    for (const std::size_t marker : {64u, 0u, 17u, 40u}) {
      Bytes window(64);
      std::size_t bit = 0;
      for (std::size_t i = 0; i < window.size() * 8; ++i, ++bit) {
        if (i == marker * 8) bit = 0;  // the encoder begins again
        window[i / 8] |= static_cast<std::uint8_t>((code >> (bit % static_cast<std::size_t>(unit)) & 1) << (7 - i % 8));
      }
      if (marker + 5 < window.size()) {
        const std::uint8_t begin[] = {0xFF, 0xD3, 0xF9, 0x4A, 0x21};  // and the first block's mean
        std::ranges::copy(begin, window.begin() + static_cast<std::ptrdiff_t>(marker));
      }
      EXPECT_TRUE(RepeatsItself(window)) << unit << " " << marker;
    }
  }
}

TEST(RepeatingWindow, IsNoOtherPartOfAPicture) {
  std::size_t windows = 0, repeating = 0;
  for (const int quality : {50, 75, 90}) {
    for (const test::Picture& picture : Unrelated()) {
      const Bytes file = EncodeJpeg(picture, {.quality = quality});
      for (std::size_t at = 700; at + 64 < file.size(); at += 16, ++windows)
        repeating += RepeatsItself(ByteView(file).subspan(at, 64));
    }
  }
  EXPECT_GT(windows, 2000u);
  EXPECT_LE(repeating * 100, windows);
}

// A set that an older program wrote may hold such windows.
TEST(RepeatingWindow, IsNotFoundThoughItIsRegistered) {
  std::mt19937 random(5);
  Bytes bytes(256);
  constexpr std::uint32_t kCode = 0x16A671;  // 21 bits of a flat unit
  for (std::size_t i = 0; i < std::size_t{128} * 8; ++i)
    bytes[i / 8] |= static_cast<std::uint8_t>((kCode >> i % 21 & 1) << (7 - i % 8));
  for (std::size_t i = 128; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random());
  struct Look final : PrintSink {
    void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept override {
      all.insert(all.end(), prints.begin(), prints.end());
      if (index != nullptr) FindFragments(*index, 0, prints, windows, hits);
    }
    FingerprintIndex* index = nullptr;
    std::vector<FragmentPrint> all;
    std::vector<FragmentHit> hits;
  };
  Look every;
  FragmentSampler({.density = 1}, every).Update(bytes);
  FileFingerprint registered;
  registered.fragments = every.all;
  FakeIndex index;
  index.Add(registered);
  Look look;
  look.index = &index;
  FragmentSampler({.density = 1}, look).Update(bytes);
  EXPECT_GT(every.all.size(), 180u) << "repeating windows have values enough to be sampled";
  EXPECT_GE(look.hits.size(), 128u - 63);  // what does not repeat itself
  for (const FragmentHit& hit : look.hits) EXPECT_GT(hit.print.offset + 64, 140u);
}

}  // namespace
}  // namespace spanwatch::fingerprint
