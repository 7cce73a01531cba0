#include "fingerprint/fragment_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kWindowBytes = SampledWindows().window;

struct Prints final : PrintSink {
  void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes&) noexcept override {
    all.insert(all.end(), prints.begin(), prints.end());
  }
  std::vector<FragmentPrint> all;
};

Bytes RandomBytes(std::size_t size) {
  std::mt19937 random(7);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

std::vector<FragmentPrint> Sample(ByteView bytes, std::size_t piece, SamplerPath path) {
  Prints prints;
  FragmentSampler sampler({.seed = 99}, prints, path);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    sampler.Update(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  return prints.all;
}

TEST(FragmentSampler, GivesTheSamePrintsForEverySplitOnEveryPath) {
  const Bytes bytes = RandomBytes(100000);
  const auto expected = Sample(bytes, bytes.size(), SamplerPath::kScalar);
  EXPECT_NEAR(static_cast<double>(expected.size()), 100000 / 256.0, 80);
  for (const SamplerPath path : {SamplerPath::kScalar, SamplerPath::kAvx2, SamplerPath::kAvx512, SamplerPath::kBest}) {
    if (!WindowScanner::Supports(path)) continue;
    for (const std::size_t piece : {1u, 7u, 63u, 64u, 65u, 127u, 1460u, 100000u})
      EXPECT_EQ(Sample(bytes, piece, path), expected) << piece;
  }
}

TEST(FragmentSampler, WindowsOfAnyLengthComeOutTheSameForEverySplit) {
  const Bytes bytes = RandomBytes(40000);
  for (const std::uint32_t window : {kWindowBytesMin, 100u, kWindowBytesMax}) {
    const auto sample = [&](std::size_t piece, SamplerPath path) {
      Prints prints;
      FragmentSampler sampler({.seed = 99, .density = 64, .window = window}, prints, path);
      for (std::size_t at = 0; at < bytes.size(); at += piece)
        sampler.Update(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)));
      return prints.all;
    };
    const auto expected = sample(bytes.size(), SamplerPath::kScalar);
    EXPECT_GT(expected.size(), 400u);
    EXPECT_LE(expected.back().offset + window, bytes.size());
    for (const std::size_t piece : {1u, 31u, 256u, 1460u}) EXPECT_EQ(sample(piece, SamplerPath::kBest), expected);
  }
}

TEST(FragmentSampler, RunsOfZeroAmongOtherBytesChangeNothingForAnySplit) {
  Bytes bytes = RandomBytes(60000);
  for (std::size_t run = 1; run < 300; ++run)
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(run * 180), run % 180, 0);
  const auto expected = Sample(bytes, 1, SamplerPath::kScalar);
  for (const std::size_t piece : {64u, 127u, 1460u, 60000u})
    EXPECT_EQ(Sample(bytes, piece, SamplerPath::kBest), expected) << piece;
}

TEST(FragmentSampler, LeavesOutWindowsOfFewValues) {
  Bytes bytes(100000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((i * i) % 15);
  EXPECT_TRUE(Sample(bytes, bytes.size(), SamplerPath::kBest).empty());
}

TEST(FragmentSampler, AGapKeepsOffsetsAndBreaksWindows) {
  const Bytes bytes = RandomBytes(20000);
  const auto whole = Sample(bytes, bytes.size(), SamplerPath::kBest);
  Prints prints;
  FragmentSampler sampler({.seed = 99}, prints);
  sampler.Update(ByteView(bytes).first(8000));
  sampler.Gap(1000);
  sampler.Update(ByteView(bytes).subspan(9000));
  std::vector<FragmentPrint> expected;
  for (const auto& print : whole) {
    if (print.offset + kWindowBytes <= 8000 || print.offset >= 9000) expected.push_back(print);
  }
  EXPECT_EQ(prints.all, expected);
}

TEST(FragmentSampler, WhatItPassesOverIsWhatLiesInsideAPiece) {
  const Bytes bytes = RandomBytes(50000);
  const auto whole = Sample(bytes, bytes.size(), SamplerPath::kBest);
  for (const std::size_t piece : {10u, 63u, 64u, 100u, 1448u}) {
    Prints straddling, inside;
    FragmentSampler sampler({.seed = 99}, straddling);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const ByteView part = ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at));
      if (part.size() >= kWindowBytes)
        sampler.scanner().Scan(part.data(), part.size() - kWindowBytes + 1, sampler.position(), inside);
      sampler.Pass(part);
    }
    auto all = straddling.all;
    all.insert(all.end(), inside.all.begin(), inside.all.end());
    std::ranges::sort(all);
    EXPECT_EQ(all, whole) << piece;
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
