#include "image/image_data.h"

#include <algorithm>
#include <cstring>

#include "base/byte_reader.h"

namespace spanwatch::image {
namespace {

constexpr std::uint8_t kEoi = 0xD9, kSos = 0xDA, kSoi = 0xD8, kTem = 0x01, kSof2 = 0xC2, kComment = 0xFE;
constexpr std::uint8_t kApp0 = 0xE0, kApp14 = 0xEE;
bool IsRestart(std::uint8_t code) { return code >= 0xD0 && code <= 0xD7; }

}  // namespace

// JFIF and Adobe tell the colour space; other application data and comments say nothing of the pixels.
ImageDataExtractor::Run::Kind ImageDataExtractor::KindOfSegment() const noexcept {
  const bool metadata = marker_ == kComment || (marker_ > kApp0 && marker_ <= kApp0 + 15 && marker_ != kApp14);
  return metadata ? Run::Kind::kOther : Run::Kind::kTable;
}

ImageDataExtractor::Run ImageDataExtractor::Next(ByteView bytes) noexcept {
  switch (state_) {
    case State::kDone:
    case State::kFailed:
      return {bytes.size()};
    case State::kJpegScan:
    case State::kJpegScanMarker:
      return NextScan(bytes);
    case State::kPngSignature:
    case State::kPngHeader:
    case State::kPngSkip:
    case State::kPngData:
      return NextPng(bytes);
    default:
      return NextJpeg(bytes);
  }
}

void ImageDataExtractor::JpegCode(std::uint8_t code) noexcept {
  if (code == 0xFF) return;  // fill bytes before a marker
  marker_ = code;
  progressive_ |= code == kSof2;
  scans_ += code == kSos;
  if (code == kEoi)
    state_ = State::kDone;
  else if (code == kSoi || code == kTem || IsRestart(code))
    state_ = State::kJpegMarker;
  else if (code == 0)
    state_ = State::kFailed;
  else
    state_ = State::kJpegLengthHigh;
}

ImageDataExtractor::Run ImageDataExtractor::NextJpeg(ByteView bytes) noexcept {
  const std::uint8_t byte = bytes[0];
  switch (state_) {
    case State::kJpegMarker:
      state_ = byte == 0xFF ? State::kJpegCode : State::kFailed;
      return {1};
    case State::kJpegCode:
      JpegCode(byte);
      return {1, byte == 0xFF ? Run::Kind::kOther : KindOfSegment()};
    case State::kJpegLengthHigh:
      left_ = std::uint64_t{byte} << 8;
      state_ = State::kJpegLengthLow;
      break;
    case State::kJpegLengthLow:
      left_ |= byte;
      if (left_ < 2) {
        state_ = State::kFailed;
        break;
      }
      left_ -= 2;
      if (left_ > 0)
        state_ = State::kJpegSkip;
      else
        state_ = marker_ == kSos ? State::kJpegScan : State::kJpegMarker;
      break;
    default: {
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      left_ -= length;
      if (left_ == 0) state_ = marker_ == kSos ? State::kJpegScan : State::kJpegMarker;
      return {length, KindOfSegment()};
    }
  }
  return {1, KindOfSegment()};
}

// Inside a scan an 0xFF is data when a stuffed zero or a restart code follows. It may be the last byte of a piece, so
// the 0xFF itself is never given out: only the other bytes are, which names the same data just as well.
ImageDataExtractor::Run ImageDataExtractor::NextScan(ByteView bytes) noexcept {
  if (state_ == State::kJpegScanMarker) {
    const std::uint8_t code = bytes[0];
    if (code == 0 || IsRestart(code)) {
      state_ = State::kJpegScan;
      return {1, Run::Kind::kData};
    }
    state_ = State::kJpegCode;
    JpegCode(code);
    return {1, code == 0xFF ? Run::Kind::kOther : KindOfSegment()};
  }
  const void* found = std::memchr(bytes.data(), 0xFF, bytes.size());
  const std::size_t length = found == nullptr
                                 ? bytes.size()
                                 : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
  if (length > 0) {
    any_ = true;
    return {length, Run::Kind::kData};
  }
  state_ = State::kJpegScanMarker;
  return {1};
}

ImageDataExtractor::Run ImageDataExtractor::NextPng(ByteView bytes) noexcept {
  if (state_ == State::kPngSkip || state_ == State::kPngData) {
    const bool data = state_ == State::kPngData && left_ > 4;  // the last 4 are the chunk's CRC
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(data ? left_ - 4 : left_, bytes.size()));
    left_ -= length;
    any_ |= data;
    if (left_ == 0) state_ = State::kPngHeader;
    return {length, data ? Run::Kind::kData : critical_ ? Run::Kind::kTable : Run::Kind::kOther};
  }
  header_[header_filled_++] = bytes[0];
  if (header_filled_ < sizeof(header_)) return {1};
  header_filled_ = 0;
  if (state_ == State::kPngSignature) {
    state_ = SniffType(header_) == FileType::kPng ? State::kPngHeader : State::kFailed;
    return {1};
  }
  ByteReader reader(header_);
  left_ = std::uint64_t{reader.U32Be()} + 4;
  const std::string_view type = AsText(reader.Take(4));
  critical_ = (type[0] & 0x20) == 0;
  state_ = type == "IEND" ? State::kDone : type == "IDAT" ? State::kPngData : State::kPngSkip;
  return {1};
}

}  // namespace spanwatch::image
