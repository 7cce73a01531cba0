// ByteWriter: appends little-endian fields and length-prefixed strings to a buffer it owns; ByteReader reads them back.
// For our own formats (ring messages, the hash set), never for wire protocols. Not thread-safe.
#pragma once

#include <type_traits>

#include "base/bytes.h"

namespace spanwatch {

class ByteWriter {
 public:
  template <typename T>
    requires std::is_integral_v<T>
  void Le(T value) {
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::uint8_t>(bits));
      if constexpr (sizeof(T) > 1) bits >>= 8;
    }
  }
  void Raw(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // A string as u32 length and bytes.
  void Text(std::string_view text) {
    Le(static_cast<std::uint32_t>(text.size()));
    Raw(AsBytes(text));
  }
  const Bytes& bytes() const { return bytes_; }
  Bytes Release() { return std::move(bytes_); }
  void Clear() { bytes_.clear(); }

 private:
  Bytes bytes_;
};

}  // namespace spanwatch
