// ImageDataExtractor: the image data of a JPEG or PNG alone, whatever metadata stands around it, from a stream in any
// split.
//
// JPEG (T.81 section B.1): the entropy-coded bytes of every scan, without each 0xFF (what stands behind it, a stuffed
// zero or a restart code, stays). PNG: the payloads of IDAT. One object each; not thread-safe; the views given to the
// callback live for its call.
#pragma once

#include "base/bytes.h"
#include "image/sniff.h"

namespace spanwatch::image {

class ImageDataExtractor {
 public:
  // REQUIRES: kJpeg or kPng
  explicit ImageDataExtractor(FileType type)
      : state_(type == FileType::kJpeg ? State::kJpegMarker : State::kPngSignature) {}

  // Calls take(ByteView, offset in `bytes`) for each run of image data.
  template <typename Take>
  void Update(ByteView bytes, Take&& take) noexcept {
    std::size_t position = 0;
    while (position < bytes.size()) {
      const Run run = Next(bytes.subspan(position));
      if (run.data) take(bytes.subspan(position, run.length), position);
      position += run.length;
    }
  }
  // The picture's own end was seen, and image data before it.
  bool complete() const { return state_ == State::kDone && any_; }
  bool failed() const { return state_ == State::kFailed; }
  // JPEG: the scans that have begun, of a progressive file.
  int progressive_scans() const { return progressive_ ? scans_ : 0; }

 private:
  enum class State : std::uint8_t {
    kJpegMarker,
    kJpegCode,
    kJpegLengthHigh,
    kJpegLengthLow,
    kJpegSkip,
    kJpegScan,
    kJpegScanMarker,
    kPngSignature,
    kPngHeader,
    kPngSkip,
    kPngData,
    kDone,
    kFailed,
  };
  struct Run {
    std::size_t length = 0;  // at least 1
    bool data = false;
  };

  Run Next(ByteView bytes) noexcept;
  Run NextJpeg(ByteView bytes) noexcept;
  Run NextScan(ByteView bytes) noexcept;
  Run NextPng(ByteView bytes) noexcept;
  void JpegCode(std::uint8_t code) noexcept;

  State state_;
  std::uint8_t marker_ = 0;
  bool any_ = false;
  bool progressive_ = false;
  int scans_ = 0;
  std::uint64_t left_ = 0;  // of what is skipped or taken
  std::size_t header_filled_ = 0;
  std::uint8_t header_[8] = {};
};

}  // namespace spanwatch::image
