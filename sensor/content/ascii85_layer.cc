// ASCII85 as Adobe writes it (PostScript Language Reference section 3.13.3, ISO 32000-1 section 7.4.3): white space
// anywhere, `~>` at the end; outside of PDF `<~` in front of it.
#include <algorithm>

#include "content/base85_decoder.h"
#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

class Ascii85Codec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.made + Base85Decoder::kMostMade <= out.size()) {
      const std::uint8_t c = in[step.taken++];
      if (ending_) {
        step.state = c == '>' ? LayerState::kDone : LayerState::kBroken;
        return step;
      }
      if (c == '~' && opening_) {
        opening_ = false;
      } else if (c == '~') {
        ending_ = true;
        step.made += decoder_.End(&out[step.made]);
      } else if (c == '<' && first_) {
        opening_ = true;
      } else if (c == 'z' || Base85Value(Base85::kAscii85, c) != 255) {
        // It was a character, and no `<~`.
        if (opening_) decoder_.Add('<', &out[step.made]);
        opening_ = false;
        step.made += decoder_.Add(c, &out[step.made]);
      } else if (c > ' ') {
        step.state = LayerState::kBroken;
      }
      first_ = first_ && c <= ' ';
      if (decoder_.wrong()) step.state = LayerState::kBroken;
      if (step.state != LayerState::kMore) return step;
    }
    return step;
  }
  bool MayEnd() const override { return ending_; }

 private:
  Base85Decoder decoder_{Base85::kAscii85};
  bool first_ = true;     // nothing but white space came
  bool opening_ = false;  // `<` came first
  bool ending_ = false;   // `~` came
};

// What nobody declared begins with `<~`, and goes on well for so many characters.
Likelihood ProbeAscii85(const ObjectInfo&, ByteView head, bool declared) {
  constexpr std::size_t kFewest = 24, kLooked = 64;
  if (!declared && (!AsText(head).starts_with("<~") || head.size() < kFewest)) return Likelihood::kNo;
  Ascii85Codec codec;
  std::uint8_t output[4 * kLooked];
  const CodecStep step = codec.Decode(head.first(std::min(head.size(), kLooked)), output);
  if (step.state == LayerState::kBroken) return Likelihood::kNo;
  return declared ? Likelihood::kYes : Likelihood::kMaybe;
}

}  // namespace

constinit const LayerSpec kAscii85Layer = {
    .name = "ascii85",
    .help = "ASCII85 of PDF and PostScript, between <~ and ~> or declared as a filter.",
    .encodings = {"ascii85"},
    .probe = ProbeAscii85,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<Ascii85Codec>(), kAscii85Layer.name);
    },
};

}  // namespace spanwatch::content
