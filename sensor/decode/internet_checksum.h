// The checksum of IPv4 headers and TCP (RFC 1071). Used by the layers of Decoder; pure.
#pragma once

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <cstring>

#include "base/bytes.h"

namespace spanwatch::decode {

// Adds with the carry back in, as the sum of ones' complements does.
inline std::uint64_t AddCarry(std::uint64_t sum, std::uint64_t more) {
  const bool carry = __builtin_add_overflow(sum, more, &sum);
  return sum + (carry ? 1 : 0);
}

// Adds 64 bytes: eight additions that hand their carry on, where the compiler has them as such.
inline std::uint64_t AddBlock(std::uint64_t sum, const std::uint8_t* at) {
  const auto word = [&](std::size_t offset) {
    unsigned long long value;
    std::memcpy(&value, at + offset, sizeof(value));
    return value;
  };
#ifdef __x86_64__
  unsigned long long total = sum;
  unsigned char carry = 0;
  for (std::size_t offset = 0; offset < 64; offset += 8) carry = _addcarry_u64(carry, total, word(offset), &total);
  return AddCarry(total, carry);
#else
  for (std::size_t offset = 0; offset < 64; offset += 8) sum = AddCarry(sum, word(offset));
  return sum;
#endif
}

// The sum of the bytes as 16-bit words in the machine's byte order, folded to 64 bits: the order does not matter to a
// sum that must come out as all ones. All parts of a sum but the last have an even length.
inline std::uint64_t InternetSum(ByteView bytes, std::uint64_t sum = 0) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 64; left -= 64, at += 64) sum = AddBlock(sum, at);
  std::uint64_t word;
  for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    sum = AddCarry(sum, word);
  }
  word = 0;
  if (left > 0) std::memcpy(&word, at, left);
  return AddCarry(sum, word);
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
