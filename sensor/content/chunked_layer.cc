// Chunked framing (RFC 9112 section 7.1) that is found in a body and that its head did not declare, or declared in a
// way that readers understand differently: a browser may have taken it off. The protocol parser takes off what is
// plainly declared.
#include <algorithm>
#include <utility>

#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kMaxSizeDigits = 8;
constexpr std::size_t kLongestLine = 512;

int HexValue(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  const std::uint8_t lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

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
    const int value = HexValue(c);
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

// Two chunks, or one that outlasts the head and whose size stands alone on its line.
Likelihood ProbeChunked(const ObjectInfo& info, ByteView head, bool) {
  if (info.kind != ObjectKind::kMessage || head.size() < 3 || HexValue(head[0]) < 0) return Likelihood::kNo;
  std::size_t digits = 0;
  while (digits < head.size() && HexValue(head[digits]) >= 0) ++digits;
  const bool alone =
      digits + 1 < head.size() && digits <= kMaxSizeDigits && head[digits] == '\r' && head[digits + 1] == '\n';
  ChunkedCodec codec;
  std::uint8_t output[512];
  std::size_t taken = 0;
  while (taken < head.size()) {
    const CodecStep step = codec.Decode(head.subspan(taken), output);
    taken += step.taken;
    if (step.state == LayerState::kBroken) return Likelihood::kNo;
    if (step.state == LayerState::kDone) break;
  }
  if (codec.chunks() >= 2) return Likelihood::kMaybe;
  return codec.chunks() == 1 && alone && !codec.MayEnd() && head.size() >= 256 ? Likelihood::kMaybe : Likelihood::kNo;
}

}  // namespace

constinit const LayerSpec kChunkedLayer = {
    .name = "chunked",
    .help = "HTTP's chunked framing where the head did not plainly declare it.",
    .probe = ProbeChunked,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<ChunkedCodec>(), kChunkedLayer.name);
    },
};

}  // namespace spanwatch::content
