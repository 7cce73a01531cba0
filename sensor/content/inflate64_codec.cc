#include "content/inflate64_codec.h"

#include <algorithm>

namespace spanwatch::content {
namespace {

struct Range {
  std::uint32_t base;
  std::uint8_t extra;
};

// Symbols 257 to 285. As in DEFLATE but for the last, which there means 258 (RFC 1951 section 3.2.5).
constexpr Range kLengths[] = {{3, 0},   {4, 0},   {5, 0},   {6, 0},   {7, 0},  {8, 0},  {9, 0},  {10, 0},
                              {11, 1},  {13, 1},  {15, 1},  {17, 1},  {19, 2}, {23, 2}, {27, 2}, {31, 2},
                              {35, 3},  {43, 3},  {51, 3},  {59, 3},  {67, 4}, {83, 4}, {99, 4}, {115, 4},
                              {131, 5}, {163, 5}, {195, 5}, {227, 5}, {3, 16}};
constexpr std::uint8_t kOrder[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
constexpr int kTooFew = -1, kNone = -2;

// Distances 0 to 31: in pairs, each pair with one extra bit more than the one before.
constexpr Range DistanceOf(unsigned symbol) {
  if (symbol < 4) return {symbol + 1, 0};
  const unsigned extra = symbol / 2 - 1;
  return {((2 + (symbol & 1)) << extra) + 1, static_cast<std::uint8_t>(extra)};
}

}  // namespace

Inflate64Codec::Inflate64Codec() : window_(std::make_unique<std::array<std::uint8_t, kWindowBytes>>()) {}

bool Inflate64Codec::Code::Build(const std::uint8_t* lengths, std::size_t number) {
  count.fill(0);
  for (std::size_t i = 0; i < number; ++i) ++count[lengths[i]];
  count[0] = 0;
  int left = 1;
  std::array<std::uint16_t, kCodeBitsMax + 2> offset{};
  for (std::size_t bits = 1; bits <= kCodeBitsMax; ++bits) {
    left = 2 * left - count[bits];
    if (left < 0) return false;
    offset[bits + 1] = static_cast<std::uint16_t>(offset[bits] + count[bits]);
  }
  for (std::size_t i = 0; i < number; ++i) {
    if (lengths[i] != 0) symbol[offset[lengths[i]]++] = static_cast<std::uint16_t>(i);
  }
  return true;
}

CodecStep Inflate64Codec::Decode(ByteView in, MutableByteView out) {
  CodecStep step;
  for (;;) {
    Refill(in, step.taken);
    if (state_ == State::kEnd) {
      // Whole bytes that were taken too early belong to who comes next; those of an earlier call cannot be given back.
      step.taken -= std::min<std::size_t>(step.taken, bit_count_ / 8);
      bit_count_ = 0;
      step.state = LayerState::kDone;
      return step;
    }
    if (step.made == out.size()) return step;
    const std::size_t before = step.taken;
    switch (Step(out, step.made)) {
      case Progress::kDone:
        break;
      case Progress::kNeedInput:
        Refill(in, step.taken);
        if (step.taken == before) return step;
        break;
      case Progress::kBroken:
        step.state = LayerState::kBroken;
        return step;
    }
  }
}

void Inflate64Codec::Refill(ByteView in, std::size_t& taken) {
  while (bit_count_ <= 56 && taken < in.size()) {
    bits_ |= std::uint64_t{in[taken++]} << bit_count_;
    bit_count_ += 8;
  }
}

void Inflate64Codec::Drop(unsigned bits) {
  bits_ >>= bits;
  bit_count_ -= bits;
}

Inflate64Codec::Symbol Inflate64Codec::Peek(const Code& code) const {
  unsigned value = 0, first = 0, index = 0;
  for (unsigned length = 1; length <= kCodeBitsMax; ++length) {
    if (length > bit_count_) return {kTooFew, 0};
    value |= (bits_ >> (length - 1)) & 1;
    const unsigned count = code.count[length];
    if (value < first + count) return {code.symbol[index + value - first], length};
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  return {kNone, 0};
}

void Inflate64Codec::Put(std::uint8_t byte, MutableByteView out, std::size_t& made) {
  (*window_)[position_++ % kWindowBytes] = byte;
  out[made++] = byte;
}

Inflate64Codec::Progress Inflate64Codec::Step(MutableByteView out, std::size_t& made) {
  switch (state_) {
    case State::kBlock:
      return BeginBlock();
    case State::kStoredLength:
      if (bit_count_ < 32) return Progress::kNeedInput;
      length_ = bits_ & 0xffff;
      if (((bits_ >> 16) & 0xffff) != (length_ ^ 0xffff)) return Progress::kBroken;
      Drop(32);
      state_ = State::kStored;
      return Progress::kDone;
    case State::kStored:
      while (length_ > 0 && bit_count_ >= 8 && made < out.size()) {
        Put(static_cast<std::uint8_t>(bits_), out, made);
        Drop(8);
        --length_;
      }
      if (length_ > 0) return made == out.size() ? Progress::kDone : Progress::kNeedInput;
      state_ = last_block_ ? State::kEnd : State::kBlock;
      return Progress::kDone;
    case State::kCounts:
      return ReadCounts();
    case State::kOrder:
      return ReadOrder();
    case State::kLengths:
      return ReadLengths();
    case State::kSymbol:
      return ReadSymbol(out, made);
    case State::kDistance:
      return ReadDistance();
    case State::kMatch:
      for (; length_ > 0 && made < out.size(); --length_) {
        Put((*window_)[(position_ - distance_) % kWindowBytes], out, made);
      }
      if (length_ == 0) state_ = State::kSymbol;
      return Progress::kDone;
    case State::kEnd:
      break;
  }
  return Progress::kDone;
}

// RFC 1951 section 3.2.3.
Inflate64Codec::Progress Inflate64Codec::BeginBlock() {
  if (bit_count_ < 3) return Progress::kNeedInput;
  last_block_ = (bits_ & 1) != 0;
  const unsigned type = (bits_ >> 1) & 3;
  Drop(3);
  if (type == 3) return Progress::kBroken;
  if (type == 0) {
    Drop(bit_count_ % 8);
    state_ = State::kStoredLength;
  } else if (type == 2) {
    state_ = State::kCounts;
  } else {
    std::uint8_t lengths[kSymbolsMax];
    for (std::size_t i = 0; i < kSymbolsMax; ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    literal_code_.Build(lengths, kSymbolsMax);
    std::fill_n(lengths, kDistancesMax, std::uint8_t{5});
    distance_code_.Build(lengths, kDistancesMax);
    state_ = State::kSymbol;
  }
  return Progress::kDone;
}

// RFC 1951 section 3.2.7, as the next two.
Inflate64Codec::Progress Inflate64Codec::ReadCounts() {
  if (bit_count_ < 14) return Progress::kNeedInput;
  literals_ = (bits_ & 31) + 257;
  distances_ = ((bits_ >> 5) & 31) + 1;
  orders_ = ((bits_ >> 10) & 15) + 4;
  Drop(14);
  if (literals_ > kSymbolsMax) return Progress::kBroken;
  have_ = 0;
  lengths_.fill(0);
  state_ = State::kOrder;
  return Progress::kDone;
}

Inflate64Codec::Progress Inflate64Codec::ReadOrder() {
  for (; have_ < orders_; ++have_) {
    if (bit_count_ < 3) return Progress::kNeedInput;
    lengths_[kOrder[have_]] = bits_ & 7;
    Drop(3);
  }
  if (!order_code_.Build(lengths_.data(), kOrders)) return Progress::kBroken;
  have_ = 0;
  state_ = State::kLengths;
  return Progress::kDone;
}

Inflate64Codec::Progress Inflate64Codec::ReadLengths() {
  while (have_ < literals_ + distances_) {
    const Symbol symbol = Peek(order_code_);
    if (symbol.value == kNone) return Progress::kBroken;
    // A repetition has 2, 3 or 7 bits behind its code.
    const unsigned extra = symbol.value == 16 ? 2 : symbol.value == 17 ? 3 : symbol.value == 18 ? 7 : 0;
    if (symbol.value == kTooFew || bit_count_ < symbol.bits + extra) return Progress::kNeedInput;
    Drop(symbol.bits);
    const auto told = static_cast<std::size_t>(bits_ & ((1u << extra) - 1));
    Drop(extra);
    if (symbol.value < 16) {
      lengths_[have_++] = static_cast<std::uint8_t>(symbol.value);
      continue;
    }
    if (symbol.value == 16 && have_ == 0) return Progress::kBroken;
    const std::uint8_t repeated = symbol.value == 16 ? lengths_[have_ - 1] : 0;
    const std::size_t times = told + (symbol.value == 18 ? 11 : 3);
    if (have_ + times > literals_ + distances_) return Progress::kBroken;
    std::fill_n(lengths_.begin() + static_cast<std::ptrdiff_t>(have_), times, repeated);
    have_ += times;
  }
  if (!literal_code_.Build(lengths_.data(), literals_)) return Progress::kBroken;
  if (!distance_code_.Build(lengths_.data() + literals_, distances_)) return Progress::kBroken;
  state_ = State::kSymbol;
  return Progress::kDone;
}

Inflate64Codec::Progress Inflate64Codec::ReadSymbol(MutableByteView out, std::size_t& made) {
  const Symbol symbol = Peek(literal_code_);
  if (symbol.value == kNone) return Progress::kBroken;
  if (symbol.value == kTooFew) return Progress::kNeedInput;
  if (symbol.value < 256) {
    Drop(symbol.bits);
    Put(static_cast<std::uint8_t>(symbol.value), out, made);
    return Progress::kDone;
  }
  if (symbol.value == 256) {
    Drop(symbol.bits);
    state_ = last_block_ ? State::kEnd : State::kBlock;
    return Progress::kDone;
  }
  const std::size_t index = static_cast<std::size_t>(symbol.value) - 257;
  if (index >= std::size(kLengths)) return Progress::kBroken;
  if (bit_count_ < symbol.bits + kLengths[index].extra) return Progress::kNeedInput;
  Drop(symbol.bits);
  length_ = kLengths[index].base + static_cast<std::uint32_t>(bits_ & ((1u << kLengths[index].extra) - 1));
  Drop(kLengths[index].extra);
  state_ = State::kDistance;
  return Progress::kDone;
}

Inflate64Codec::Progress Inflate64Codec::ReadDistance() {
  const Symbol symbol = Peek(distance_code_);
  if (symbol.value == kNone) return Progress::kBroken;
  if (symbol.value == kTooFew) return Progress::kNeedInput;
  const Range range = DistanceOf(static_cast<unsigned>(symbol.value));
  if (bit_count_ < symbol.bits + range.extra) return Progress::kNeedInput;
  Drop(symbol.bits);
  distance_ = range.base + static_cast<std::uint32_t>(bits_ & ((1u << range.extra) - 1));
  Drop(range.extra);
  if (distance_ > position_ || distance_ > kWindowBytes) return Progress::kBroken;
  state_ = State::kMatch;
  return Progress::kDone;
}

}  // namespace spanwatch::content
