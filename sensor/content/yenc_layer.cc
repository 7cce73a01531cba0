// yEnc (yEnc draft 1.3): lines `=ybegin` and, of a part, `=ypart`; every byte with 42 added, some escaped; `=yend`.
// News and some mail hold it. The parts of one file are objects of their own.
#include <algorithm>
#include <utility>

#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kYencBegin = "=ybegin ", kYencSize = " size=";
// A writer breaks lines at 128 characters or thereabouts; the specification allows 997.
constexpr std::size_t kLongestYencLine = 1024;
// Some posters tell a wrong size; no server takes a larger part.
constexpr std::uint64_t kLargestArticle = 4 << 20;

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
    switch (part_) {
      case Part::kData:
        // NNTP and SMTP double a full stop that begins a line.
        if (std::exchange(after_stop_, c == '.' && line_ == 0) && c == '.') return LayerState::kMore;
        if (c == '=') {
          part_ = Part::kEscape;
        } else if (c == '\n' || c == '\r') {
          line_ = 0;
        } else {
          out[made++] = static_cast<std::uint8_t>(c - 42);
          return Count();
        }
        return LayerState::kMore;
      case Part::kEscape:
        // No byte is escaped as `=y`.
        part_ = c == 'y' ? Part::kKeyword : Part::kData;
        keyword_ = 0;
        if (c == 'y') return LayerState::kMore;
        out[made++] = static_cast<std::uint8_t>(c - 64 - 42);
        return Count();
      case Part::kKeyword:
        if (keyword_++ == 0) ended_ = c == 'e';
        if (keyword_ > kLongestYencLine) return LayerState::kBroken;
        ReadSize(c);
        if (c != '\n') return LayerState::kMore;
        part_ = Part::kData;
        return ended_ ? LayerState::kDone : LayerState::kMore;
    }
    return LayerState::kBroken;
  }

  // Of the whole file, as far as it is true: what goes on for longer lacks its end.
  void ReadSize(std::uint8_t c) {
    if (size_matched_ == kYencSize.size() && c >= '0' && c <= '9' && size_ < std::uint64_t{1} << 56) {
      size_ = size_ * 10 + (c - '0');
    } else if (size_matched_ < kYencSize.size()) {
      size_matched_ = c == static_cast<std::uint8_t>(kYencSize[size_matched_]) ? size_matched_ + 1 : c == ' ' ? 1 : 0;
    } else {
      size_matched_ = std::string_view::npos;
    }
  }
  LayerState Count() {
    return ++line_ > kLongestYencLine || ++made_ > std::max(size_, kLargestArticle) ? LayerState::kBroken
                                                                                    : LayerState::kMore;
  }

  Part part_ = Part::kData;
  std::size_t line_ = 0;          // characters of it
  bool after_stop_ = false;       // a full stop began it
  std::size_t size_matched_ = 0;  // characters of kYencSize; beyond any size behind the number
  std::uint64_t size_ = 0;
  std::uint64_t made_ = 0;
  std::size_t keyword_ = 0;  // characters of it
  bool ended_ = false;
};

}  // namespace

constinit const LayerSpec kYencLayer = {
    .name = "yenc",
    .help = "yEnc of news and mail.",
    .encodings = {"x-yenc", "yenc"},
    .probe =
        [](const ObjectInfo&, ByteView head, bool) {
          const std::string_view text = AsText(head);
          const std::string_view behind =
              text.starts_with(kYencBegin) ? text.substr(kYencBegin.size()) : std::string_view();
          return behind.starts_with("line=") || behind.starts_with("part=") ? Likelihood::kYes : Likelihood::kNo;
        },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<YencCodec>(), kYencLayer.name);
    },
};

}  // namespace spanwatch::content
