// The transfer encoding base64 (RFC 2045 section 6.8): everything outside the alphabet is ignored, padding starts
// afresh.
#include "content/codec_layer.h"
#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

class Base64Codec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.made + 3 <= out.size()) {
      if (decoder_.aligned()) {
        const std::size_t taken = DecodeGroups(in.subspan(step.taken), out.subspan(step.made));
        step.taken += taken;
        step.made += taken / 4 * 3;
        if (step.taken == in.size() || step.made + 3 > out.size()) break;
      }
      const std::uint8_t character = in[step.taken++];
      if (character == '=') {
        decoder_ = TextDecoder(TextEncoding::kBase64);
      } else if (kBase64Value[character] != 255) {
        step.made += decoder_.Add(character, &out[step.made]);
      }
    }
    return step;
  }
  bool MayEnd() const override { return true; }

 private:
  TextDecoder decoder_{TextEncoding::kBase64};
};

// A body that is declared base64 and holds anything else in its first bytes was not encoded.
Likelihood ProbeBase64(const ObjectInfo&, ByteView head, bool declared) {
  if (!declared) return Likelihood::kNo;
  for (const std::uint8_t character : head) {
    const bool white = character == '\r' || character == '\n' || character == ' ' || character == '\t';
    if (kBase64Value[character] == 255 && character != '=' && !white) return Likelihood::kNo;
  }
  return Likelihood::kYes;
}

}  // namespace

constinit const LayerSpec kBase64Layer = {
    .name = "base64",
    .help = "The transfer encoding base64 of mail and multipart parts.",
    .encodings = {"base64"},
    .probe = ProbeBase64,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<Base64Codec>(), kBase64Layer.name);
    },
};

}  // namespace spanwatch::content
