#include "content/zlib_probe.h"

#include <algorithm>

#include "content/inflate_codec.h"

namespace spanwatch::content {
namespace {

// Bits as RFC 1951 section 3.1.1 packs them: from the lowest of each byte on.
class BitReader {
 public:
  explicit BitReader(ByteView bytes) : bytes_(bytes) {}
  bool ended() const { return ended_; }
  unsigned Take(unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; ++i) value |= Bit() << i;
    return value;
  }
  // A Huffman code, whose first bit is its highest.
  unsigned TakeCode(unsigned count) {
    unsigned code = 0;
    for (unsigned i = 0; i < count; ++i) code = code << 1 | Bit();
    return code;
  }
  void SkipToByte() { at_ = (at_ + 7) / 8 * 8; }

 private:
  unsigned Bit() {
    if (at_ / 8 >= bytes_.size()) {
      ended_ = true;
      return 0;
    }
    const unsigned bit = bytes_[at_ / 8] >> at_ % 8 & 1;
    ++at_;
    return bit;
  }

  ByteView bytes_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

enum class Glance : std::uint8_t { kNoBlock, kGood, kBlockEnded };

// Section 3.2.4: the length and its complement.
Glance Stored(BitReader& bits) {
  bits.SkipToByte();
  const unsigned length = bits.Take(16), complement = bits.Take(16);
  return bits.ended() || (length ^ complement) == 0xffff ? Glance::kGood : Glance::kNoBlock;
}

// Section 3.2.5.
std::size_t Length(BitReader& bits, unsigned code) {
  if (code < 8) return code + 3;
  if (code == 28) return 258;
  const unsigned extra = code / 4 - 1;
  return ((4 + code % 4) << extra) + 3 + bits.Take(extra);
}
std::size_t Distance(BitReader& bits, unsigned code) {
  if (code < 2) return code + 1;
  const unsigned extra = code / 2 - 1;
  return ((2 + code % 2) << extra) + 1 + bits.Take(extra);
}

// Section 3.2.6: lengths and distances that cannot be, and a distance beyond what has come out.
Glance Fixed(BitReader& bits, std::size_t& made) {
  for (;;) {
    unsigned code = bits.TakeCode(7);
    unsigned symbol = 256 + code;
    if (code >= 0x18) {
      code = code << 1 | bits.TakeCode(1);
      symbol = code < 0xc0   ? code - 0x30
               : code < 0xc8 ? 280 + code - 0xc0
                             : (code << 1 | bits.TakeCode(1)) - 0x190 + 144;
    }
    if (bits.ended()) return Glance::kGood;
    if (symbol < 256) {
      ++made;
      continue;
    }
    if (symbol == 256) return Glance::kBlockEnded;
    if (symbol > 285) return Glance::kNoBlock;
    const std::size_t length = Length(bits, symbol - 257);
    const unsigned distance_code = bits.TakeCode(5);
    const std::size_t distance = Distance(bits, distance_code);
    if (bits.ended()) return Glance::kGood;
    if (distance_code > 29 || distance > made) return Glance::kNoBlock;
    made += length;
  }
}

// Section 3.2.7: the code in which the codes are written must be complete.
Glance Dynamic(BitReader& bits) {
  constexpr unsigned kLongest = 7;
  const unsigned literals = bits.Take(5) + 257, distances = bits.Take(5) + 1, lengths = bits.Take(4) + 4;
  if (literals > 286 || distances > 30) return Glance::kNoBlock;
  unsigned space = 0;
  for (unsigned i = 0; i < lengths; ++i) {
    if (const unsigned length = bits.Take(3); length > 0) space += 1u << (kLongest - length);
  }
  return bits.ended() || space == 1u << kLongest ? Glance::kGood : Glance::kNoBlock;
}

}  // namespace

bool MayBeZlib(ByteView head) {
  if (head.size() < 2 || !IsZlibHeader(head[0], head[1])) return false;
  BitReader bits(head.subspan(2, std::min(head.size(), kZlibGlanceBytes) - 2));
  std::size_t made = 0;
  for (;;) {
    const bool last = bits.Take(1) != 0;
    const unsigned type = bits.Take(2);
    if (bits.ended()) return made > 0;
    if (type == 3) return false;
    const Glance glance = type == 0 ? Stored(bits) : type == 1 ? Fixed(bits, made) : Dynamic(bits);
    if (glance != Glance::kBlockEnded || last) return glance != Glance::kNoBlock;
  }
}

bool InflatesAsZlib(ByteView head) {
  constexpr std::size_t kFewest = 16;  // bytes that come out of something that is no zlib by chance
  if (head.size() < 2 || !IsZlibHeader(head[0], head[1])) return false;
  head = head.first(std::min(head.size(), kZlibHeadBytes));
  InflateCodec codec(InflateCodec::Wrapping::kZlibOrRaw);
  std::uint8_t output[1024];
  std::size_t taken = 0, made = 0;
  while (taken < head.size() && made < sizeof(output)) {
    const CodecStep step = codec.Decode(head.subspan(taken), output);
    taken += step.taken;
    made += step.made;
    if (step.state == LayerState::kBroken) return false;
    if (step.state == LayerState::kDone) return made > 0;  // the checksum is right
  }
  return made >= kFewest;
}

}  // namespace spanwatch::content
