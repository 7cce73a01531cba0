// PlaneBuilder: rows of luminance to the plane that DecodePicture gives: means of whole 8x8 blocks, or the pixels
// themselves of all or a part. Used by every decoder but libjpeg's, which makes means of its own. One thread each.
#pragma once

#include "image/picture_decoder.h"

namespace spanwatch::image {

// Of a pixel, by the weights of ITU-R BT.601.
inline std::uint8_t LumaOf(unsigned red, unsigned green, unsigned blue) {
  return static_cast<std::uint8_t>((299u * red + 587u * green + 114u * blue + 500u) / 1000u);
}

class PlaneBuilder {
 public:
  // Whether a picture of this size may be decoded, asked before anything is allocated: kNone, or why not. `held`: bytes
  // that its decoder holds beside the plane. REQUIRES: not to build when it is not kNone.
  static PictureError Admit(std::uint32_t width, std::uint32_t height, std::uint64_t held,
                            const PictureLimits& limits) noexcept;

  PlaneBuilder(std::uint32_t width, std::uint32_t height, const PictureLimits& limits);

  // The rows that are wanted: the first, and the first behind them.
  std::uint32_t first_row() const { return part_.top; }
  std::uint32_t end_row() const { return part_.bottom; }
  // `luma`: the whole row. REQUIRES: rows in order; one that is left out stays grey
  void Add(std::uint32_t row, const std::uint8_t* luma);
  // Once.
  PictureOutcome Finish(float coverage);
  // The same, of the rows that were added; kUnreadable when there are none.
  PictureOutcome Finish();

 private:
  bool blocks_;
  PixelRectangle part_;
  std::uint32_t added_ = 0;
  std::uint32_t in_block_ = 0;  // rows of the row of blocks that is being added up
  LumaPlane plane_;
  std::vector<std::uint32_t> sums_;
};

}  // namespace spanwatch::image
