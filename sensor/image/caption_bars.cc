#include "image/caption_bars.h"

#include <algorithm>
#include <array>

namespace spanwatch::image {
namespace {

constexpr std::uint32_t kBlock = 4;   // samples of a side of a block, at half the size
constexpr int kLevelsOfOneTone = 1;   // levels within which a block is of one tone
constexpr int kNear = 24;             // levels within which a sample is background, rings of letters included
constexpr std::size_t kFlatPart = 4;  // one block in so many is flat
constexpr double kBackground = 0.2;   // of the samples of the other blocks
constexpr std::size_t kRowsPart = 3;  // of the rows one in so many at most: else it is the picture that is so

using Histogram = std::array<std::uint32_t, 256>;

int MostFrequent(const Histogram& histogram) {
  return static_cast<int>(std::ranges::max_element(histogram) - histogram.begin());
}

// At least a quarter of some row has exactly one tone.
bool MayHaveBar(const LumaPlane& plane) {
  for (std::uint32_t y = 0; y < plane.height; ++y) {
    const std::uint8_t* row = plane.samples.data() + std::size_t{y} * plane.width;
    Histogram levels{};
    for (std::uint32_t x = 0; x < plane.width; ++x) ++levels[row[x]];
    const auto tone = static_cast<std::size_t>(MostFrequent(levels));
    const std::uint32_t near = levels[tone] + (tone > 0 ? levels[tone - 1] : 0) + (tone < 255 ? levels[tone + 1] : 0);
    if (near * kFlatPart >= plane.width) return true;
  }
  return false;
}

// The samples of a block; fewer at the edges.
template <typename Take>
void ForEachSample(const LumaPlane& plane, std::uint32_t left, std::uint32_t top, std::uint32_t bottom, Take&& take) {
  for (std::uint32_t y = top; y < std::min(top + kBlock, bottom); ++y) {
    for (std::uint32_t x = left; x < std::min(left + kBlock, plane.width); ++x)
      take(int{plane.samples[std::size_t{y} * plane.width + x]});
  }
}

struct Block {
  std::uint32_t left = 0, top = 0;
  int least = 255, greatest = 0;
};

bool IsCaption(const LumaPlane& plane, std::uint32_t top, std::uint32_t bottom) {
  std::vector<Block> blocks;
  Histogram flat{};
  for (std::uint32_t y = top; y < bottom; y += kBlock) {
    for (std::uint32_t x = 0; x < plane.width; x += kBlock) {
      Block& block = blocks.emplace_back(x, y);
      ForEachSample(plane, x, y, bottom, [&](int level) {
        block.least = std::min(block.least, level);
        block.greatest = std::max(block.greatest, level);
      });
      if (block.greatest - block.least <= kLevelsOfOneTone) ++flat[static_cast<std::size_t>(block.least)];
    }
  }
  const int tone = MostFrequent(flat);
  std::size_t of_tone = 0, others = 0, background = 0;
  for (const Block& block : blocks) {
    if (block.least >= tone - kLevelsOfOneTone && block.greatest <= tone + 2 * kLevelsOfOneTone) {
      ++of_tone;
      continue;
    }
    ForEachSample(plane, block.left, block.top, bottom, [&](int level) {
      ++others;
      background += level >= tone - kNear && level <= tone + kNear;
    });
  }
  return of_tone * kFlatPart >= blocks.size() &&
         static_cast<double>(background) >= kBackground * static_cast<double>(others);
}

}  // namespace

std::vector<DataRange> CaptionData(ByteView jpeg, const LumaPlane& whole, const PictureLimits& limits) noexcept {
  if (!MayHaveBar(whole)) return {};
  const auto bands = DecodeJpegBands(jpeg, limits);
  if (!bands) return {};
  const LumaPlane& plane = bands->plane;
  std::vector<bool> captions;
  for (std::uint32_t top = 0; top < plane.height; top += bands->height)
    captions.push_back(IsCaption(plane, top, std::min(top + bands->height, plane.height)));
  if (static_cast<std::size_t>(std::ranges::count(captions, true)) * kRowsPart > captions.size()) return {};
  std::vector<DataRange> ranges;
  for (const JpegBands::Data& data : bands->data) {
    if (data.band < captions.size() && captions[data.band]) ranges.push_back({data.begin, data.end});
  }
  return ranges;
}

}  // namespace spanwatch::image
