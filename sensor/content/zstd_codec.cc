#include "content/zstd_codec.h"

#include <algorithm>
#include <bit>

namespace spanwatch::content {

ZstdCodec::ZstdCodec(std::uint64_t window_bytes) : context_(ZSTD_createDCtx()) {
  const int log = std::clamp(static_cast<int>(std::bit_width(window_bytes)) - 1, 10, 30);
  ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, log);
}

CodecStep ZstdCodec::Decode(ByteView in, MutableByteView out) {
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  const bool at_frame = frame_ended_;
  const std::size_t result = ZSTD_decompressStream(context_, &output, &input);
  if (ZSTD_isError(result) != 0) {
    return {input.pos, output.pos, at_frame && started_ ? LayerState::kDone : LayerState::kBroken};
  }
  if (input.pos > 0) {
    started_ = true;
    frame_ended_ = result == 0;
  }
  return {input.pos, output.pos, LayerState::kMore};
}

}  // namespace spanwatch::content
