// Brotli (RFC 7932), the content encoding `br`.
#include <brotli/decode.h>
#include <malloc.h>

#include <cstdlib>

#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

class BrotliCodec final : public Codec {
 public:
  BrotliCodec() : state_(BrotliDecoderCreateInstance(Allocate, Free, &held_)) {}
  ~BrotliCodec() override { BrotliDecoderDestroyInstance(state_); }
  BrotliCodec(const BrotliCodec&) = delete;
  BrotliCodec& operator=(const BrotliCodec&) = delete;

  CodecStep Decode(ByteView in, MutableByteView out) override {
    std::size_t available_in = in.size();
    std::size_t available_out = out.size();
    const std::uint8_t* next_in = in.data();
    std::uint8_t* next_out = out.data();
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_, &available_in, &next_in, &available_out, &next_out, nullptr);
    CodecStep step{in.size() - available_in, out.size() - available_out, LayerState::kMore};
    if (result == BROTLI_DECODER_RESULT_ERROR) step.state = LayerState::kBroken;
    if (result == BROTLI_DECODER_RESULT_SUCCESS) step.state = LayerState::kDone;
    return step;
  }
  bool MayEnd() const override { return BrotliDecoderIsFinished(state_) != BROTLI_FALSE; }
  std::uint64_t held() const override { return held_; }

 private:
  // The library does not tell what it holds, so that it is counted where it is asked for.
  static void* Allocate(void* held, std::size_t size) {
    void* const block = std::malloc(size);
    if (block != nullptr) *static_cast<std::uint64_t*>(held) += malloc_usable_size(block);
    return block;
  }
  static void Free(void* held, void* block) {
    if (block != nullptr) *static_cast<std::uint64_t*>(held) -= malloc_usable_size(block);
    std::free(block);
  }

  std::uint64_t held_ = 0;  // before the state, which is counted in it
  BrotliDecoderState* state_;
};

// Brotli has no magic: whether the head decodes tells, and an encoding with a magic goes before it.
Likelihood ProbeBrotli(const ObjectInfo&, ByteView head, bool declared) {
  if (!declared || head.empty()) return Likelihood::kNo;
  BrotliCodec codec;
  std::uint8_t output[1024];
  const CodecStep step = codec.Decode(head, output);
  if (step.state == LayerState::kBroken) return Likelihood::kNo;
  // An unencoded body whose first bytes happen to be a short stream of their own.
  return step.state == LayerState::kDone && step.taken < head.size() ? Likelihood::kNo : Likelihood::kMaybe;
}

}  // namespace

constinit const LayerSpec kBrotliLayer = {
    .name = "br",
    .help = "Brotli as a content encoding.",
    .encodings = {"br"},
    .probe = ProbeBrotli,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<BrotliCodec>(), kBrotliLayer.name);
    },
};

}  // namespace spanwatch::content
