// Zstandard (RFC 8878): content encoding and file; frames may follow one another.
#include <zstd.h>

#include <bit>

#include "content/codec_layer.h"
#include "content/file_magic.h"

namespace spanwatch::content {
namespace {

class ZstdCodec final : public Codec {
 public:
  explicit ZstdCodec(std::uint64_t window_bytes) : context_(ZSTD_createDCtx()) {
    const int log = std::clamp(static_cast<int>(std::bit_width(window_bytes)) - 1, 10, 30);
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, log);
  }
  ~ZstdCodec() override { ZSTD_freeDCtx(context_); }
  ZstdCodec(const ZstdCodec&) = delete;
  ZstdCodec& operator=(const ZstdCodec&) = delete;

  CodecStep Decode(ByteView in, MutableByteView out) override {
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
  bool MayEnd() const override { return frame_ended_; }

 private:
  ZSTD_DCtx* context_;
  bool started_ = false;
  bool frame_ended_ = false;
};

}  // namespace

constinit const LayerSpec kZstdLayer = {
    .name = "zstd",
    .help = "Zstandard, as a content encoding and as a file.",
    .encodings = {"zstd", "x-zstd"},
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return KindOfFile(head) == FileKind::kZstd ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<ZstdCodec>(object.limits().content_held_bytes),
                                          kZstdLayer.name);
    },
};

}  // namespace spanwatch::content
