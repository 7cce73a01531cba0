// ZstdCodec: Zstandard (RFC 8878) as it streams. Frames may follow one another, also such as are to be skipped.
#pragma once

#include <zstd.h>

#include "content/codec_layer.h"

namespace spanwatch::content {

class ZstdCodec final : public Codec {
 public:
  // Frames that want a larger window are refused.
  explicit ZstdCodec(std::uint64_t window_bytes);
  ~ZstdCodec() override { ZSTD_freeDCtx(context_); }
  ZstdCodec(const ZstdCodec&) = delete;
  ZstdCodec& operator=(const ZstdCodec&) = delete;

  CodecStep Decode(ByteView in, MutableByteView out) override;
  bool MayEnd() const override { return frame_ended_; }
  std::uint64_t held() const override { return ZSTD_sizeof_DCtx(context_); }

 private:
  ZSTD_DCtx* context_;
  bool started_ = false;
  bool frame_ended_ = false;
};

}  // namespace spanwatch::content
