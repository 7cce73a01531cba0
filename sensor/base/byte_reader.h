// ByteReader: the only way Spanwatch reads fields out of bytes from the wire or from files.
//
// Failure is sticky: a read beyond the end returns zero (or an empty view), consumes nothing more, and from then on
// ok() is false and nothing remains, so that a parser reads a whole header and checks once, and a loop over what
// remains ends. Views returned point into the bytes given to the constructor and live as long as those. Not
// thread-safe; make one per parse.
#pragma once

#include <bit>
#include <cstring>

#include "base/bytes.h"

namespace spanwatch {

class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  ByteView rest() const { return bytes_.subspan(position_); }

  std::uint8_t U8() { return Fixed<std::uint8_t, std::endian::big>(); }
  std::uint16_t U16Be() { return Fixed<std::uint16_t, std::endian::big>(); }
  std::uint32_t U32Be() { return Fixed<std::uint32_t, std::endian::big>(); }
  std::uint64_t U64Be() { return Fixed<std::uint64_t, std::endian::big>(); }
  std::uint16_t U16Le() { return Fixed<std::uint16_t, std::endian::little>(); }
  std::uint32_t U32Le() { return Fixed<std::uint32_t, std::endian::little>(); }
  std::uint64_t U64Le() { return Fixed<std::uint64_t, std::endian::little>(); }
  std::uint32_t U24Be() {
    const std::uint32_t high = U8();
    return high << 16 | U16Be();
  }

  // The next `length` bytes, or an empty view and failure.
  ByteView Take(std::size_t length) {
    if (length > remaining() || !ok_) {
      Fail();
      return {};
    }
    const ByteView taken = bytes_.subspan(position_, length);
    position_ += length;
    return taken;
  }
  void Skip(std::size_t length) { (void)Take(length); }
  void Fail() {
    ok_ = false;
    bytes_ = bytes_.first(position_);
  }

 private:
  template <typename T, std::endian kOrder>
  T Fixed() {
    const ByteView field = Take(sizeof(T));
    if (field.size() != sizeof(T)) return 0;
    T value;
    std::memcpy(&value, field.data(), sizeof(T));
    if constexpr (kOrder != std::endian::native) value = std::byteswap(value);
    return value;
  }

  ByteView bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace spanwatch
