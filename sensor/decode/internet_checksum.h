// The checksum of IPv4 headers and TCP (RFC 1071). Used by the layers of Decoder; pure.
#pragma once

#include <cstring>

#include "base/bytes.h"

namespace spanwatch::decode {

// The sum of the bytes as 16-bit words in the machine's byte order, carries added back in, folded to 64 bits: the order
// does not matter to a sum that must come out as all ones. Sums of parts may be added with AddCarry when each part but
// the last has an even length.
inline std::uint64_t AddCarry(std::uint64_t sum, std::uint64_t more) {
  sum += more;
  return sum + (sum < more ? 1 : 0);
}

inline std::uint64_t InternetSum(ByteView bytes, std::uint64_t sum = 0) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  const auto word = [&](std::size_t offset) {
    std::uint64_t value;
    std::memcpy(&value, at + offset, sizeof(value));
    return value;
  };
  for (; left >= 32; left -= 32, at += 32) {
    sum = AddCarry(sum, word(0));
    sum = AddCarry(sum, word(8));
    sum = AddCarry(sum, word(16));
    sum = AddCarry(sum, word(24));
  }
  for (; left >= 8; left -= 8, at += 8) sum = AddCarry(sum, word(0));
  std::uint64_t last = 0;
  if (left > 0) std::memcpy(&last, at, left);
  return AddCarry(sum, last);
}

// Whether bytes that hold their own checksum sum up to all ones.
inline bool SumsUp(std::uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16 & 0xffff) + (sum & 0xffff) + (sum >> 32);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return sum == 0xffff;
}

}  // namespace spanwatch::decode
