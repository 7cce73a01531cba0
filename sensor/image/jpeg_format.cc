// JPEG (ITU-T T.81 annex B): marker segments, entropy-coded data in any number of scans, baseline or progressive, EOI.
// Image data are the entropy-coded bytes of every scan, without each 0xFF (what stands behind it, a stuffed zero or a
// restart code, stays).
#include <algorithm>
#include <cstring>

#include "image/picture_format.h"

namespace spanwatch::image {
namespace {

constexpr std::uint8_t kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA, kTem = 0x01, kSof2 = 0xC2, kComment = 0xFE;
constexpr std::uint8_t kApp0 = 0xE0, kApp14 = 0xEE, kApp15 = 0xEF;

bool IsRestart(std::uint8_t code) { return code >= 0xD0 && code <= 0xD7; }
// Segments that may stand between scans: tables, restart interval, number of lines, application data, comment.
bool MayFollowScan(std::uint8_t code) {
  return code == 0xC4 || code == 0xCC || (code >= kSos && code <= 0xDF) || (code >= kApp0 && code <= kApp15) ||
         code == kComment;
}

class JpegWalker final : public PictureWalker {
  using Kind = PictureRun::Kind;
  using Outcome = PictureRun::Outcome;

 public:
  PictureRun Next(ByteView bytes) noexcept override {
    const std::uint8_t byte = bytes[0];
    switch (state_) {
      case State::kMarkerStart:
        if (byte != 0xFF) return {0, Kind::kOther, Outcome::kBroken};
        state_ = State::kMarker;
        return {1};
      case State::kMarker:
        return Marker(byte);
      case State::kLengthHigh:
        length_ = static_cast<std::uint32_t>(byte << 8);
        state_ = State::kLengthLow;
        return {1, KindOfSegment()};
      case State::kLengthLow:
        length_ |= byte;
        if (length_ < 2) return {1, KindOfSegment(), Outcome::kBroken};
        length_ -= 2;
        state_ = length_ > 0 ? State::kSegment : BehindSegment();
        return {1, KindOfSegment()};
      case State::kSegment: {
        const std::size_t length = std::min<std::size_t>(length_, bytes.size());
        length_ -= static_cast<std::uint32_t>(length);
        if (length_ == 0) state_ = BehindSegment();
        return {length, KindOfSegment()};
      }
      case State::kScan:
        return Scan(bytes);
      case State::kScanMarker:
        return ScanMarker(byte);
    }
    return {0, Kind::kOther, Outcome::kBroken};
  }

  bool Gap(std::uint64_t length) noexcept override {
    if (state_ == State::kSegment && length < length_) {
      length_ -= static_cast<std::uint32_t>(length);
      return true;
    }
    // Whatever else was lost, entropy-coded data is most of a JPEG and EOI is its end.
    state_ = State::kScan;
    return begun_;
  }
  int progressive_scans() const override { return progressive_ ? scans_ : 0; }

 private:
  enum class State : std::uint8_t { kMarkerStart, kMarker, kLengthHigh, kLengthLow, kSegment, kScan, kScanMarker };

  // JFIF and Adobe tell the colour space; other application data and comments say nothing of the pixels.
  Kind KindOfSegment() const {
    const bool metadata = marker_ == kComment || (marker_ > kApp0 && marker_ <= kApp15 && marker_ != kApp14);
    return metadata ? Kind::kOther : Kind::kTable;
  }
  State BehindSegment() const { return marker_ == kSos ? State::kScan : State::kMarkerStart; }

  PictureRun Marker(std::uint8_t code) {
    if (code == 0xFF) return {1};  // fill bytes before a marker
    marker_ = code;
    if (!begun_) {
      begun_ = code == kSoi;
      if (!begun_) return {0, Kind::kOther, Outcome::kBroken};
    } else if (code == kEoi) {
      return {1, Kind::kTable, Outcome::kEnded};
    } else if (code == 0 || code == kSoi) {
      return {0, Kind::kOther, Outcome::kBroken};
    }
    progressive_ |= code == kSof2;
    scans_ += code == kSos;
    const bool alone = code == kSoi || code == kTem || IsRestart(code);
    state_ = alone ? State::kMarkerStart : State::kLengthHigh;
    return {1, KindOfSegment()};
  }

  // Inside a scan an 0xFF is data when a stuffed zero or a restart code follows. It may be the last byte of a piece, so
  // the 0xFF itself is never given out: only the other bytes are, which names the same data just as well.
  PictureRun Scan(ByteView bytes) {
    const void* found = std::memchr(bytes.data(), 0xFF, bytes.size());
    const std::size_t length = found == nullptr
                                   ? bytes.size()
                                   : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
    if (length > 0) return {length, Kind::kData};
    state_ = State::kScanMarker;
    return {1};
  }
  PictureRun ScanMarker(std::uint8_t code) {
    if (code == 0 || IsRestart(code)) {
      state_ = State::kScan;
      return {1, Kind::kData};
    }
    if (code == 0xFF) return {1};
    if (code != kEoi && !MayFollowScan(code)) {  // what stands here is another's
      return {0, Kind::kOther, code == kSoi ? Outcome::kNext : Outcome::kBroken};
    }
    return Marker(code);
  }

  State state_ = State::kMarkerStart;
  std::uint8_t marker_ = 0;
  bool begun_ = false;  // SOI was seen
  bool progressive_ = false;
  int scans_ = 0;
  std::uint32_t length_ = 0;  // of the segment, still to come
};

bool BeginsJpeg(ByteView head) noexcept { return AsText(head).starts_with("\xFF\xD8\xFF"); }

// SOI and then the first segment: only these markers begin a JPEG in practice, and its length is at least 2.
bool IsPlausibleJpeg(ByteView head) noexcept {
  if (head.size() < 6 || !BeginsJpeg(head)) return false;
  const std::uint8_t marker = head[3];
  const bool known = (marker >= kApp0 && marker <= kApp15) || marker == kComment || marker == 0xDB || marker == 0xC4 ||
                     (marker >= 0xC0 && marker <= kSof2) || marker == 0xDD;
  return known && (head[4] << 8 | head[5]) >= 2;
}

}  // namespace

constinit const PictureFormat kJpegFormat = {
    .type = FileType::kJpeg,
    .name = "jpeg",
    .begins = BeginsJpeg,
    .plausible = IsPlausibleJpeg,
    .walk = []() -> std::unique_ptr<PictureWalker> { return std::make_unique<JpegWalker>(); },
    .decode = DecodeJpeg,
};

}  // namespace spanwatch::image
