// Chunked framing (RFC 9112 section 7.1) that is found in a body and that its head did not declare, or declared in a
// way that readers understand differently: a browser may have taken it off. The protocol parser takes off what is
// plainly declared as a transfer coding. The content coding aws-chunked of S3 clients is the same framing with a
// signature behind each size and checksums behind the last chunk; "Signature Calculations for the Authorization
// Header: Transferring Payload in Multiple Chunks" in the S3 API reference describes it.
#include <algorithm>
#include <string_view>
#include <utility>

#include "base/hex.h"
#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kMaxSizeDigits = 8;
constexpr std::size_t kLongestLine = 512;

// Sloppy about what follows the digits of a size, as browsers are.
class ChunkedCodec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    CodecStep step;
    while (step.taken < in.size() && step.state == LayerState::kMore) {
      if (remaining_ > 0) {
        const std::size_t room = std::min(out.size() - step.made, in.size() - step.taken);
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(room, remaining_));
        if (length == 0) break;
        std::copy_n(in.data() + step.taken, length, out.data() + step.made);
        step.taken += length;
        step.made += length;
        remaining_ -= length;
        chunk_ended_ = remaining_ == 0;
      } else {
        step.state = OnLineByte(in[step.taken++]);
      }
    }
    return step;
  }
  bool MayEnd() const override { return remaining_ == 0; }
  std::size_t chunks() const { return chunks_; }

 private:
  LayerState OnLineByte(std::uint8_t c) {
    if (++line_ > kLongestLine) return LayerState::kBroken;
    if (std::exchange(chunk_ended_, false) && c != '\r' && c != '\n') return LayerState::kBroken;
    if (c == '\n') {
      if (digits_ == 0) {  // the line end after a chunk
        line_ = 0;
        return LayerState::kMore;
      }
      remaining_ = size_;
      ++chunks_;
      const bool last = size_ == 0;
      size_ = 0;
      digits_ = 0;
      line_ = 0;
      after_digits_ = false;
      return last ? LayerState::kDone : LayerState::kMore;
    }
    const int value = HexDigit(static_cast<char>(c));
    if (value < 0 || after_digits_) {
      if (digits_ > 0)
        after_digits_ = true;
      else if (c > 0x20)
        return LayerState::kBroken;
      return LayerState::kMore;
    }
    if (++digits_ > kMaxSizeDigits) return LayerState::kBroken;
    size_ = size_ << 4 | static_cast<std::uint64_t>(value);
    return LayerState::kMore;
  }

  std::uint64_t remaining_ = 0;  // of the chunk
  std::uint64_t size_ = 0;       // being read
  std::size_t digits_ = 0;
  std::size_t line_ = 0;
  std::size_t chunks_ = 0;
  bool after_digits_ = false;
  bool chunk_ended_ = false;  // a line end must follow
};

// How the first line begins: digits, and what stands behind them.
enum class SizeLine : std::uint8_t { kNone, kAlone, kExtended, kSigned };
SizeLine FirstLine(ByteView head) {
  const std::string_view text = AsText(head);
  std::size_t digits = 0;
  while (digits < head.size() && HexDigit(text[digits]) >= 0) ++digits;
  if (digits == 0 || digits > kMaxSizeDigits) return SizeLine::kNone;
  const std::string_view behind = text.substr(digits);
  if (behind.starts_with("\r\n")) return SizeLine::kAlone;
  return behind.starts_with(";chunk-signature=") ? SizeLine::kSigned : SizeLine::kExtended;
}

// Declared, any chunk will do. Found, it takes two chunks, or one that outlasts the head and whose line is a size alone
// or a size with a signature.
Likelihood ProbeChunked(const ObjectInfo& info, ByteView head, bool declared) {
  const SizeLine line = FirstLine(head);
  if ((info.kind != ObjectKind::kMessage && !declared) || head.size() < 3 || line == SizeLine::kNone) {
    return Likelihood::kNo;
  }
  ChunkedCodec codec;
  std::uint8_t output[512];
  std::size_t taken = 0;
  while (taken < head.size()) {
    const CodecStep step = codec.Decode(head.subspan(taken), output);
    taken += step.taken;
    if (step.state == LayerState::kBroken) return Likelihood::kNo;
    if (step.state == LayerState::kDone) break;
  }
  if (declared) return codec.chunks() > 0 ? Likelihood::kYes : Likelihood::kNo;
  if (codec.chunks() >= 2) return Likelihood::kMaybe;
  const bool outlasts = codec.chunks() == 1 && !codec.MayEnd() && head.size() >= 256;
  return outlasts && line != SizeLine::kExtended ? Likelihood::kMaybe : Likelihood::kNo;
}

}  // namespace

constinit const LayerSpec kChunkedLayer = {
    .name = "chunked",
    .help = "HTTP's chunked framing where the head did not plainly declare it, and aws-chunked of S3 clients.",
    .encodings = {"aws-chunked"},
    .probe = ProbeChunked,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<ChunkedCodec>(), kChunkedLayer.name);
    },
};

}  // namespace spanwatch::content
