// yEnc (yEnc draft 1.3): lines `=ybegin` and, of a part, `=ypart`; every byte with 42 added, some escaped; `=yend`.
// News and some mail hold it. The parts of one file are objects of their own.
#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kYencBegin = "=ybegin ";

class YencCodec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.made < out.size() && step.state == LayerState::kMore) {
      step.state = Add(in[step.taken++], out, step.made);
    }
    return step;
  }
  bool MayEnd() const override { return ended_; }

 private:
  enum class Part : std::uint8_t { kData, kEscape, kKeyword };

  LayerState Add(std::uint8_t c, MutableByteView out, std::size_t& made) {
    constexpr std::size_t kLongestKeyword = 1024;
    switch (part_) {
      case Part::kData:
        if (c == '=') {
          part_ = Part::kEscape;
        } else if (c != '\n' && c != '\r') {
          out[made++] = static_cast<std::uint8_t>(c - 42);
        }
        return LayerState::kMore;
      case Part::kEscape:
        // No byte is escaped as `=y`.
        part_ = c == 'y' ? Part::kKeyword : Part::kData;
        keyword_ = 0;
        if (c != 'y') out[made++] = static_cast<std::uint8_t>(c - 64 - 42);
        return LayerState::kMore;
      case Part::kKeyword:
        if (keyword_++ == 0) ended_ = c == 'e';
        if (keyword_ > kLongestKeyword) return LayerState::kBroken;
        if (c != '\n') return LayerState::kMore;
        part_ = Part::kData;
        return ended_ ? LayerState::kDone : LayerState::kMore;
    }
    return LayerState::kBroken;
  }

  Part part_ = Part::kData;
  std::size_t keyword_ = 0;  // characters of it
  bool ended_ = false;
};

}  // namespace

constinit const LayerSpec kYencLayer = {
    .name = "yenc",
    .help = "yEnc of news and mail.",
    .encodings = {"x-yenc", "yenc"},
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return AsText(head).starts_with(kYencBegin) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<YencCodec>(), kYencLayer.name);
    },
};

}  // namespace spanwatch::content
