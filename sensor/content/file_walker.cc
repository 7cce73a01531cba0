#include "content/file_walker.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/byte_reader.h"

namespace spanwatch::content {
namespace {

constexpr std::uint8_t kSoi = 0xd8, kEoi = 0xd9, kSos = 0xda, kTem = 0x01;
constexpr std::uint32_t kIend = 0x49454e44;

bool IsRestart(std::uint8_t code) { return code >= 0xd0 && code <= 0xd7; }
// Segments that may stand between scans: tables, restart interval, number of lines, application data, comment.
bool MayFollowScan(std::uint8_t code) {
  return code == 0xc4 || code == 0xcc || (code >= 0xda && code <= 0xdf) || (code >= 0xe0 && code <= 0xef) ||
         code == 0xfe;
}

}  // namespace

Walk JpegWalker::Step(ByteView bytes) {
  using Outcome = Walk::Outcome;
  std::size_t i = 0;
  while (i < bytes.size()) {
    switch (state_) {
      case State::kMarkerStart:
        if (bytes[i] != 0xff) return {i, Outcome::kBroken};
        state_ = State::kMarker;
        ++i;
        break;
      case State::kMarker: {
        const std::uint8_t code = bytes[i];
        if (code == 0xff) {
          ++i;  // fill bytes
          break;
        }
        const Outcome outcome = Marker(code);
        if (outcome == Outcome::kBroken) return {i, outcome};
        ++i;
        if (outcome == Outcome::kEnded) return {i, outcome};
        break;
      }
      case State::kLengthHigh:
        length_ = static_cast<std::uint32_t>(bytes[i++] << 8);
        state_ = State::kLengthLow;
        break;
      case State::kLengthLow:
        length_ |= bytes[i++];
        if (length_ < 2) return {i, Outcome::kBroken};
        length_ -= 2;
        state_ = State::kSegment;
        break;
      case State::kSegment: {
        const std::size_t skipped = std::min<std::size_t>(length_, bytes.size() - i);
        i += skipped;
        length_ -= static_cast<std::uint32_t>(skipped);
        break;
      }
      case State::kEntropy: {
        const void* found = std::memchr(bytes.data() + i, 0xff, bytes.size() - i);
        if (found == nullptr) return {bytes.size(), Outcome::kMore};
        i = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data()) + 1;
        state_ = State::kEntropyMarker;
        break;
      }
      case State::kEntropyMarker: {
        const std::uint8_t code = bytes[i];
        if (code == 0 || IsRestart(code)) {
          ++i;
          state_ = State::kEntropy;
        } else if (code == 0xff) {
          ++i;
        } else if (code == kEoi) {
          return {i + 1, Outcome::kEnded};
        } else if (MayFollowScan(code)) {
          state_ = State::kMarker;
        } else {
          return {i, code == kSoi ? Outcome::kNext : Outcome::kBroken};  // what stands here is another's
        }
        break;
      }
    }
    if (state_ == State::kSegment && length_ == 0) state_ = marker_ == kSos ? State::kEntropy : State::kMarkerStart;
  }
  return {i, Outcome::kMore};
}

Walk::Outcome JpegWalker::Marker(std::uint8_t code) {
  marker_ = code;
  if (!begun_) {
    begun_ = code == kSoi;
    state_ = State::kMarkerStart;
    return begun_ ? Walk::Outcome::kMore : Walk::Outcome::kBroken;
  }
  if (code == kEoi) return Walk::Outcome::kEnded;
  if (code == 0 || code == kSoi) return Walk::Outcome::kBroken;
  if (code == kTem || IsRestart(code)) {
    state_ = State::kMarkerStart;
    return Walk::Outcome::kMore;
  }
  state_ = State::kLengthHigh;
  return Walk::Outcome::kMore;
}

bool JpegWalker::Gap(std::uint64_t length) {
  if (state_ == State::kSegment && length < length_) {
    length_ -= static_cast<std::uint32_t>(length);
    return true;
  }
  // Whatever else was lost, entropy-coded data is most of a JPEG and EOI is its end.
  state_ = State::kEntropy;
  return begun_;
}

Walk PngWalker::Step(ByteView bytes) {
  using Outcome = Walk::Outcome;
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (skip_ > 0) {
      const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size() - i));
      i += skipped;
      skip_ -= skipped;
      if (skip_ == 0 && type_ == kIend) return {i, Outcome::kEnded};
      continue;
    }
    const std::uint8_t byte = bytes[i];
    if (header_ < 4) {
      length_ = length_ << 8 | byte;
    } else {
      if (std::isalpha(byte) == 0) return {i, Outcome::kBroken};
      type_ = type_ << 8 | byte;
    }
    ++i;
    if (++header_ < 8) continue;
    if (length_ > 0x7fffffff) return {i, Outcome::kBroken};
    skip_ = std::uint64_t{length_} + 4;
    header_ = 0;
    length_ = 0;
  }
  return {i, Outcome::kMore};
}

bool PngWalker::Gap(std::uint64_t length) {
  if (skip_ <= length) return false;
  skip_ -= length;
  return true;
}

Walk ZipDirectoryWalker::Step(ByteView bytes) {
  std::size_t i = 0;
  while (i < bytes.size() || (last_ && skip_ == 0)) {
    if (skip_ > 0) {
      const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size() - i));
      i += skipped;
      skip_ -= skipped;
      continue;
    }
    if (last_) return {i, Walk::Outcome::kEnded};
    record_[have_++] = bytes[i++];
    if (have_ == need_ && !Measure()) return {i - std::min(i, need_), Walk::Outcome::kBroken};
  }
  return {i, Walk::Outcome::kMore};
}

bool ZipDirectoryWalker::Measure() {
  struct Kind {
    std::uint32_t signature;
    std::size_t fixed;
  };
  // Central header, zip64 end record and its locator, digital signature, extra data, end record.
  constexpr Kind kKinds[] = {{0x02014b50, 46}, {0x06064b50, 12}, {0x07064b50, 20},
                             {0x05054b50, 6},  {0x08064b50, 8},  {0x06054b50, 22}};
  ByteReader reader({record_, have_});
  const std::uint32_t signature = reader.U32Le();
  const auto* kind = std::ranges::find(kKinds, signature, &Kind::signature);
  if (kind == std::end(kKinds)) return false;
  if (have_ < kind->fixed) {
    need_ = kind->fixed;
    return true;
  }
  const ByteView rest = reader.rest();
  ByteReader fields(rest);
  switch (signature) {
    case 0x02014b50:
      fields.Skip(24);
      for (int i = 0; i < 3; ++i) skip_ += fields.U16Le();  // name, extra field, comment
      break;
    case 0x06064b50:
      skip_ = fields.U64Le();
      break;
    case 0x05054b50:
      skip_ = fields.U16Le();
      break;
    case 0x08064b50:
      skip_ = fields.U32Le();
      break;
    case 0x06054b50:
      fields.Skip(16);
      skip_ = fields.U16Le();
      last_ = true;
      break;
    default:
      break;
  }
  have_ = 0;
  need_ = 4;
  return true;
}

}  // namespace spanwatch::content
