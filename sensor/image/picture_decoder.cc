#include "image/picture_decoder.h"

#include "image/sniff.h"

namespace spanwatch::image {

PictureOutcome DecodePicture(ByteView file, const PictureLimits& limits) noexcept {
  switch (SniffType(file)) {
    case FileType::kJpeg:
      return DecodeJpeg(file, limits);
    case FileType::kPng:
      return DecodePng(file, limits);
    default:
      return {std::nullopt, PictureError::kUnreadable};
  }
}

}  // namespace spanwatch::image
