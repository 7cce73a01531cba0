// Inflate64Codec: Deflate64, PKWARE's method 9 (APPNOTE.TXT 4.4.5): DEFLATE (RFC 1951) with a window of 64 KiB, matches
// of up to 65538 bytes and two more distances. Windows Explorer packs files of more than 2 GiB so. No library of Debian
// reads it as it streams, so it is read here; the decoder is small rather than fast.
//
// Holds the window and nothing else; what it is given may be cut anywhere. Ends where the last block ends.
#pragma once

#include <array>

#include "content/codec_layer.h"

namespace spanwatch::content {

class Inflate64Codec final : public Codec {
 public:
  Inflate64Codec();
  CodecStep Decode(ByteView in, MutableByteView out) override;
  bool MayEnd() const override { return state_ == State::kEnd; }
  std::uint64_t held() const override { return sizeof(*this) + kWindowBytes; }

 private:
  static constexpr std::size_t kWindowBytes = 65536;
  static constexpr std::size_t kSymbolsMax = 288, kDistancesMax = 32, kCodeBitsMax = 15, kOrders = 19;
  enum class State : std::uint8_t {
    kBlock,
    kStoredLength,
    kStored,
    kCounts,
    kOrder,
    kLengths,
    kSymbol,
    kDistance,
    kMatch,
    kEnd
  };
  enum class Progress : std::uint8_t { kDone, kNeedInput, kBroken };

  // A canonical Huffman code: how many symbols have so many bits, and the symbols in the order of their codes.
  struct Code {
    std::array<std::uint16_t, kCodeBitsMax + 1> count{};
    std::array<std::uint16_t, kSymbolsMax> symbol{};
    // False when the lengths are more than a code can have.
    bool Build(const std::uint8_t* lengths, std::size_t number);
  };
  struct Symbol {
    int value = -1;  // -1: not enough bits, -2: no such code
    unsigned bits = 0;
  };

  Progress Step(MutableByteView out, std::size_t& made);
  Progress BeginBlock();
  Progress ReadCounts();
  Progress ReadOrder();
  Progress ReadLengths();
  Progress ReadSymbol(MutableByteView out, std::size_t& made);
  Progress ReadDistance();
  void Refill(ByteView in, std::size_t& taken);
  Symbol Peek(const Code& code) const;
  void Drop(unsigned bits);
  void Put(std::uint8_t byte, MutableByteView out, std::size_t& made);

  State state_ = State::kBlock;
  bool last_block_ = false;
  std::uint64_t bits_ = 0;
  unsigned bit_count_ = 0;
  std::size_t literals_ = 0, distances_ = 0, orders_ = 0, have_ = 0;
  std::array<std::uint8_t, kSymbolsMax + kDistancesMax> lengths_{};
  Code order_code_, literal_code_, distance_code_;
  std::uint32_t length_ = 0;  // of a stored block or a match, still to come
  std::uint32_t distance_ = 0;
  std::uint64_t position_ = 0;  // bytes that came out
  std::unique_ptr<std::array<std::uint8_t, kWindowBytes>> window_;
};

}  // namespace spanwatch::content
