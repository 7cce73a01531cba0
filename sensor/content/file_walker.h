// JpegWalker, PngWalker, ZipDirectoryWalker: follow a file's own structure to find where it ends, without looking into
// it. State machines over a stream in any split; no allocation. A gap is survived where the structure allows.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

struct Walk {
  std::size_t used = 0;  // bytes that belong to the file
  // kNext: broken off by another file of its kind, whose first byte (0xff) is the last that was used.
  enum class Outcome : std::uint8_t { kMore, kEnded, kBroken, kNext } outcome = Outcome::kMore;
};

// ITU T.81 annex B: marker segments, entropy-coded data in any number of scans (baseline and progressive), EOI.
class JpegWalker {
 public:
  Walk Step(ByteView bytes);
  // False when nothing can be said of what follows.
  bool Gap(std::uint64_t length);

 private:
  enum class State : std::uint8_t {
    kMarkerStart,
    kMarker,
    kLengthHigh,
    kLengthLow,
    kSegment,
    kEntropy,
    kEntropyMarker
  };

  Walk::Outcome Marker(std::uint8_t code);

  State state_ = State::kMarkerStart;
  std::uint8_t marker_ = 0;
  std::uint32_t length_ = 0;  // of the segment, still to come
  bool begun_ = false;        // SOI was seen
};

// PNG (W3C) section 5: signature, chunks, IEND.
class PngWalker {
 public:
  Walk Step(ByteView bytes);
  bool Gap(std::uint64_t length);

 private:
  std::uint64_t skip_ = 8;  // signature, or the rest of a chunk with its CRC
  std::size_t header_ = 0;  // bytes of the chunk header seen
  std::uint32_t length_ = 0;
  std::uint32_t type_ = 0;
};

// What follows the members of a zip (APPNOTE.TXT 4.3.6): central directory, zip64 records, end record with its comment.
class ZipDirectoryWalker {
 public:
  Walk Step(ByteView bytes);

 private:
  // Takes the record apart once its fixed part is there; false when it is none of these.
  bool Measure();

  std::uint8_t record_[46];
  std::size_t have_ = 0;
  std::size_t need_ = 4;    // the signature, then the fixed part
  std::uint64_t skip_ = 0;  // the variable part
  bool last_ = false;
};

}  // namespace spanwatch::content
