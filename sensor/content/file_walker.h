// JpegWalker, PngWalker: follow a file's own structure to find where it ends, without looking into it. State machines over a
// stream in any split; no allocation. A gap is survived where the structure allows.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

struct Walk {
  std::size_t used = 0;  // bytes that belong to the file
  enum class Outcome : std::uint8_t { kMore, kEnded, kBroken } outcome = Outcome::kMore;
};

// ITU T.81 annex B: marker segments, entropy-coded data in any number of scans (baseline and progressive), EOI.
class JpegWalker {
 public:
  Walk Step(ByteView bytes);
  // False when nothing can be said of what follows.
  bool Gap(std::uint64_t length);

 private:
  enum class State : std::uint8_t { kMarkerStart, kMarker, kLengthHigh, kLengthLow, kSegment, kEntropy, kEntropyMarker };

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

}  // namespace spanwatch::content
