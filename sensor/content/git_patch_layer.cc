// The binary part of a patch of git (`git diff --binary`, `git format-patch`): behind `GIT binary patch` the new
// content and often the old one, each a zlib stream in base85 (RFC 1924), in lines that begin with a letter for their
// number of bytes. git's own base85.c and diff.c (emit_binary_diff_body) are the specification.
#include <algorithm>

#include "content/base85_decoder.h"
#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kGitPatchBegin = "GIT binary patch";

class GitPatchCodec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.made + Base85Decoder::kMostMade <= out.size()) {
      step.state = Add(in[step.taken], out, step.made);
      if (step.state != LayerState::kMore) return step;
      ++step.taken;
    }
    return step;
  }
  bool MayEnd() const override { return part_ == Part::kHeader; }

 private:
  enum class Part : std::uint8_t { kBegin, kHeader, kHeaderRest, kLength, kData };

  LayerState Add(std::uint8_t c, MutableByteView out, std::size_t& made) {
    if (c == '\r') return LayerState::kMore;
    switch (part_) {
      case Part::kBegin:
        if (c == '\n') part_ = Part::kHeader;
        return LayerState::kMore;
      case Part::kHeader:  // `literal` or `delta`; anything else belongs to the next file
        if (c == '\n') return LayerState::kMore;
        if (c != 'l' && c != 'd') return LayerState::kDone;
        part_ = Part::kHeaderRest;
        first_ = c;
        return LayerState::kMore;
      case Part::kHeaderRest:
        if (first_ != 0 && c != (first_ == 'l' ? 'i' : 'e')) return LayerState::kDone;
        first_ = 0;
        if (c == '\n') part_ = Part::kLength;
        return LayerState::kMore;
      case Part::kLength:  // an empty line ends the content
        part_ = Part::kData;
        if (c == '\n') {
          part_ = Part::kHeader;
        } else if (c >= 'A' && c <= 'Z') {
          remaining_ = static_cast<std::size_t>(c - 'A' + 1);
        } else if (c >= 'a' && c <= 'z') {
          remaining_ = static_cast<std::size_t>(c - 'a' + 27);
        } else {
          return LayerState::kBroken;
        }
        return LayerState::kMore;
      case Part::kData: {
        if (c == '\n') {
          part_ = Part::kLength;
          decoder_ = Base85Decoder(Base85::kRfc1924);
          return LayerState::kMore;
        }
        if (Base85Value(Base85::kRfc1924, c) == 255) return LayerState::kBroken;
        // The last group is whole, though not all of it may count.
        const std::size_t count = std::min(decoder_.Add(c, out.data() + made), remaining_);
        remaining_ -= count;
        made += count;
        return decoder_.wrong() ? LayerState::kBroken : LayerState::kMore;
      }
    }
    return LayerState::kBroken;
  }

  Part part_ = Part::kBegin;
  std::uint8_t first_ = 0;     // letter of `literal` or `delta`; 0 behind the second
  std::size_t remaining_ = 0;  // bytes of this line that are still to come
  Base85Decoder decoder_{Base85::kRfc1924};
};

}  // namespace

constinit const LayerSpec kGitPatchLayer = {
    .name = "git patch",
    .help = "Binary files in patches of git.",
    .probe =
        [](const ObjectInfo&, ByteView head, bool) {
          const std::string_view text = AsText(head);
          const std::string_view behind =
              text.starts_with(kGitPatchBegin) ? text.substr(kGitPatchBegin.size()) : std::string_view();
          return behind.starts_with('\n') || behind.starts_with("\r\n") ? Likelihood::kYes : Likelihood::kNo;
        },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<GitPatchCodec>(), kGitPatchLayer.name);
    },
};

}  // namespace spanwatch::content
