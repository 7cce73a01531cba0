#include "content/inflate_codec.h"

#include <algorithm>

#include "content/zlib_probe.h"

namespace spanwatch::content {

InflateCodec::InflateCodec(Wrapping wrapping)
    : wrapping_(wrapping), state_(std::make_unique_for_overwrite<inflate_state>()) {
  if (wrapping_ == Wrapping::kGzip) Start(ISAL_GZIP);
  if (wrapping_ == Wrapping::kRaw) Start(ISAL_DEFLATE);
}

void InflateCodec::Start(std::uint32_t format) {
  isal_inflate_init(state_.get());
  state_->crc_flag = format;
  started_ = true;
  between_members_ = false;
}

CodecStep InflateCodec::Decode(ByteView in, MutableByteView out) {
  if (between_members_) return BetweenMembers(in);
  std::size_t taken = 0;
  bool joined = false;
  std::uint8_t both[2];
  if (!started_ || has_first_) {
    // Two bytes decide: zlib or raw; or they were the beginning of the next member, held back.
    if (in.empty()) return {};
    if (!has_first_) {
      first_ = in[0];
      has_first_ = true;
      return {1, 0, LayerState::kMore};
    }
    if (!started_) Start(IsZlibHeader(first_, in[0]) ? ISAL_ZLIB : ISAL_DEFLATE);
    both[0] = first_;
    both[1] = in[0];
    has_first_ = false;
    state_->next_in = both;
    state_->avail_in = 2;
    taken = 1;
    joined = true;
  } else {
    state_->next_in = const_cast<std::uint8_t*>(in.data());
    state_->avail_in = static_cast<std::uint32_t>(std::min<std::size_t>(in.size(), 1 << 30));
  }
  const std::uint32_t given = state_->avail_in;
  state_->next_out = out.data();
  state_->avail_out = static_cast<std::uint32_t>(out.size());
  const int result = isal_inflate(state_.get());
  const std::size_t made = out.size() - state_->avail_out;
  // Of a damaged stream ISA-L may count more than it was given, or give back what came with an earlier call.
  if (!joined) taken = state_->avail_in <= given ? given - state_->avail_in : result < 0 ? given : 0;
  if (result == ISAL_INCORRECT_CHECKSUM && wrapping_ == Wrapping::kGzip && state_->total_out == 0 &&
      state_->crc_flag == ISAL_GZIP) {
    // The header's own checksum is wrong, which browsers do not look at: what follows the header is as good as ever.
    Start(ISAL_GZIP_NO_HDR_VER);
    return {taken, 0, LayerState::kMore};
  }
  const bool finished = state_->block_state == ISAL_BLOCK_FINISH && result == ISAL_DECOMP_OK;
  if (!joined && (finished || state_->avail_out == 0)) taken -= GiveBack(taken);
  if (finished) {
    if (wrapping_ != Wrapping::kGzip) {
      between_members_ = true;
      return {taken, made, LayerState::kDone};
    }
    between_members_ = true;
    return {taken, made, LayerState::kMore};
  }
  return {taken, made, result >= 0 ? LayerState::kMore : LayerState::kBroken};
}

// ISA-L takes up to eight bytes ahead, which may lie behind the end of the stream. Returns how many of the last `taken`
// it has not used.
std::size_t InflateCodec::GiveBack(std::size_t taken) {
  if (state_->read_in_length < 8) return 0;
  const std::size_t unused = std::min(taken, static_cast<std::size_t>(state_->read_in_length) / 8);
  if (unused == 0) return 0;
  state_->read_in_length -= static_cast<std::int32_t>(8 * unused);
  state_->read_in &= (std::uint64_t{1} << state_->read_in_length) - 1;
  return unused;
}

CodecStep InflateCodec::BetweenMembers(ByteView in) {
  if (in.empty()) return {};
  if (!has_first_) {
    if (in[0] != 0x1f) return {0, 0, LayerState::kDone};
    first_ = in[0];
    has_first_ = true;
    return {1, 0, LayerState::kMore};
  }
  if (in[0] != 0x8b) return {0, 0, LayerState::kDone};
  Start(ISAL_GZIP);
  return {};
}

}  // namespace spanwatch::content
