// The checksum of IPv4 headers and TCP (RFC 1071). Used by the layers of Decoder; pure.
#pragma once

#include "base/bytes.h"

namespace spanwatch::decode {

// The sum of the bytes as 16-bit words in the machine's byte order, not yet folded: the order does not matter to a sum
// that must come out as all ones. All parts of a sum but the last have an even length, and together they are shorter
// than 2^32 bytes.
std::uint64_t InternetSum(ByteView bytes, std::uint64_t sum = 0);

// Whether bytes that hold their own checksum sum up to all ones.
inline bool SumsUp(std::uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16 & 0xffff) + (sum & 0xffff) + (sum >> 32);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return sum == 0xffff;
}

}  // namespace spanwatch::decode
