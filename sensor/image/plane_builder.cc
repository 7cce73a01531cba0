#include "image/plane_builder.h"

#include <algorithm>

namespace spanwatch::image {
namespace {

bool MakesBlocks(std::uint32_t width, std::uint32_t height, const PictureLimits& limits) {
  return !limits.part && std::min(width, height) >= kShortSideOfBlocks;
}

}  // namespace

PictureError PlaneBuilder::Admit(std::uint32_t width, std::uint32_t height, std::uint64_t held,
                                 const PictureLimits& limits) noexcept {
  if (width == 0 || height == 0) return PictureError::kUnreadable;
  if (limits.part && !limits.part->Within(width, height)) return PictureError::kUnreadable;
  const bool blocks = MakesBlocks(width, height, limits);
  if (limits.only_blocks && !blocks) return PictureError::kUnreadable;
  const std::uint64_t pixels = std::uint64_t{width} * height;
  const std::uint64_t plane = blocks ? pixels / 64 : limits.part ? limits.part->pixels() : pixels;
  if (pixels > limits.pixels || plane + held > limits.memory_bytes) return PictureError::kOverLimit;
  return limits.budget != nullptr && !limits.budget->Affords(pixels) ? PictureError::kOverBudget : PictureError::kNone;
}

PlaneBuilder::PlaneBuilder(std::uint32_t width, std::uint32_t height, const PictureLimits& limits)
    : blocks_(MakesBlocks(width, height, limits)), part_(limits.part.value_or(PixelRectangle{0, 0, width, height})) {
  plane_.picture_width = width;
  plane_.picture_height = height;
  plane_.width = blocks_ ? width / 8 : part_.width();
  plane_.height = blocks_ ? height / 8 : part_.height();
  plane_.samples.assign(std::size_t{plane_.width} * plane_.height, 128);
  sums_.resize(blocks_ ? plane_.width : 0);
}

void PlaneBuilder::Add(std::uint32_t row, const std::uint8_t* luma) {
  if (row < part_.top || row >= part_.bottom) return;
  ++added_;
  if (!blocks_) {
    std::copy_n(luma + part_.left, plane_.width, plane_.samples.data() + std::size_t{row - part_.top} * plane_.width);
    return;
  }
  if (row / 8 >= plane_.height) return;
  if (row % 8 == 0) {
    std::ranges::fill(sums_, 0);
    in_block_ = 0;
  }
  for (std::uint32_t block = 0; block < plane_.width; ++block) {
    std::uint32_t sum = 0;
    for (std::uint32_t x = 0; x < 8; ++x) sum += luma[std::size_t{block} * 8 + x];
    sums_[block] += sum;
  }
  if (++in_block_ < 8 || row % 8 != 7) return;
  std::uint8_t* out = plane_.samples.data() + std::size_t{row / 8} * plane_.width;
  for (std::uint32_t x = 0; x < plane_.width; ++x) out[x] = static_cast<std::uint8_t>((sums_[x] + 32) / 64);
}

PictureOutcome PlaneBuilder::Finish(float coverage) {
  plane_.coverage = coverage;
  const std::uint64_t pixels = std::uint64_t{plane_.picture_width} * plane_.picture_height;
  return {.plane = std::move(plane_), .error = PictureError::kNone, .work_pixels = pixels};
}

PictureOutcome PlaneBuilder::Finish() {
  if (added_ == 0) {
    const std::uint64_t pixels = std::uint64_t{plane_.picture_width} * plane_.picture_height;
    return {.plane = std::nullopt, .error = PictureError::kUnreadable, .work_pixels = pixels};
  }
  return Finish(static_cast<float>(added_) / static_cast<float>(part_.height()));
}

}  // namespace spanwatch::image
