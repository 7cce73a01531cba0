// ImageDataExtractor: the image data of a JPEG or PNG alone, whatever metadata stands around it, from a stream in any
// split.
//
// And what else its pixels depend on (tables, dimensions, colour space), so that the same picture is known again.
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
    Update(bytes, take, [](ByteView) {});
  }
  // And take_table(ByteView) for each run of what else its pixels depend on.
  template <typename Take, typename TakeTable>
  void Update(ByteView bytes, Take&& take, TakeTable&& take_table) noexcept {
    std::size_t position = 0;
    while (position < bytes.size()) {
      const Run run = Next(bytes.subspan(position));
      if (run.kind == Run::Kind::kData) take(bytes.subspan(position, run.length), position);
      if (run.kind == Run::Kind::kTable) take_table(bytes.subspan(position, run.length));
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
    enum class Kind : std::uint8_t { kOther, kData, kTable };
    std::size_t length = 0;  // at least 1
    Kind kind = Kind::kOther;
  };

  Run Next(ByteView bytes) noexcept;
  Run::Kind KindOfSegment() const noexcept;
  Run NextJpeg(ByteView bytes) noexcept;
  Run NextScan(ByteView bytes) noexcept;
  Run NextPng(ByteView bytes) noexcept;
  void JpegCode(std::uint8_t code) noexcept;

  State state_;
  std::uint8_t marker_ = 0;
  bool any_ = false;
  bool critical_ = false;  // of a PNG's chunk
  bool progressive_ = false;
  int scans_ = 0;
  std::uint64_t left_ = 0;  // of what is skipped or taken
  std::size_t header_filled_ = 0;
  std::uint8_t header_[8] = {};
};

}  // namespace spanwatch::image
