// ASCIIHexDecode of PDF and PostScript (ISO 32000-1 section 7.4.2): hex digits, white space anywhere, `>` at the end.
#include "content/codec_layer.h"
#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

class AsciiHexCodec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.made < out.size()) {
      const std::uint8_t c = in[step.taken++];
      if (kHexValue[c] != 255) {
        step.made += decoder_.Add(c, &out[step.made]);
      } else if (c == '>') {
        if (!decoder_.aligned()) step.made += decoder_.Add('0', &out[step.made]);
        step.state = LayerState::kDone;
        return step;
      } else if (c > ' ') {
        step.state = LayerState::kBroken;
        return step;
      }
    }
    return step;
  }
  bool MayEnd() const override { return true; }

 private:
  TextDecoder decoder_{TextEncoding::kHex};
};

}  // namespace

constinit const LayerSpec kAsciiHexLayer = {
    .name = "asciihex",
    .help = "The filter ASCIIHexDecode of PDF.",
    .encodings = {"asciihex"},
    .probe = [](const ObjectInfo&, ByteView, bool declared) { return declared ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<AsciiHexCodec>(), kAsciiHexLayer.name);
    },
};

}  // namespace spanwatch::content
