// The transfer encoding quoted-printable (RFC 2045 section 6.7). White space at the end of a line is kept.
#include "content/codec_layer.h"
#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

class QuotedPrintableCodec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.made + 3 <= out.size()) Add(in[step.taken++], out, step.made);
    return step;
  }
  bool MayEnd() const override { return state_ == State::kText; }

 private:
  enum class State : std::uint8_t { kText, kEquals, kDigit, kSoftBreak };

  void Add(std::uint8_t c, MutableByteView out, std::size_t& made) {
    switch (state_) {
      case State::kText:
        if (c == '=') {
          state_ = State::kEquals;
        } else {
          out[made++] = c;
        }
        return;
      case State::kEquals:
        if (kHexValue[c] != 255) {
          digit_ = c;
          state_ = State::kDigit;
        } else if (c == '\r' || c == ' ' || c == '\t') {
          state_ = State::kSoftBreak;
        } else {
          state_ = State::kText;
          if (c != '\n') {
            out[made++] = '=';
            out[made++] = c;
          }
        }
        return;
      case State::kDigit:
        state_ = State::kText;
        if (kHexValue[c] != 255) {
          out[made++] = static_cast<std::uint8_t>(kHexValue[digit_] << 4 | kHexValue[c]);
        } else {
          out[made++] = '=';
          out[made++] = digit_;
          out[made++] = c;
        }
        return;
      case State::kSoftBreak:
        if (c == '\r' || c == ' ' || c == '\t') return;
        state_ = State::kText;
        if (c != '\n') out[made++] = c;
        return;
    }
  }

  State state_ = State::kText;
  std::uint8_t digit_ = 0;
};

}  // namespace

constinit const LayerSpec kQuotedPrintableLayer = {
    .name = "quoted-printable",
    .help = "The transfer encoding quoted-printable of mail and multipart parts.",
    .encodings = {"quoted-printable"},
    .probe = [](const ObjectInfo&, ByteView, bool declared) { return declared ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<QuotedPrintableCodec>(), kQuotedPrintableLayer.name);
    },
};

}  // namespace spanwatch::content
