// uuencode (POSIX.1-2017, uuencode): a line `begin MODE NAME`, lines that each begin with a character for their number
// of bytes, and `end`. Mail and news hold it as a transfer encoding (x-uuencode) and inside their text.
#include <algorithm>

#include "content/codec_layer.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kUuencodeBegin = "begin ";

// `begin`, three or four octal digits and a blank; and as far as it is there, the first line of data.
bool BeginsUuencode(std::string_view text) {
  if (!text.starts_with(kUuencodeBegin)) return false;
  text.remove_prefix(kUuencodeBegin.size());
  const std::size_t digits = std::min(text.find_first_not_of("01234567"), text.size());
  if ((digits != 3 && digits != 4) || !text.substr(digits).starts_with(' ')) return false;
  const std::size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return true;
  const std::string_view line = text.substr(line_end + 1, text.find_first_of("\r\n", line_end + 1) - line_end - 1);
  return !line.empty() && std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '`'; });
}

class UuencodeCodec final : public Codec {
 public:
  CodecStep Decode(ByteView in, MutableByteView out) override {
    constexpr std::size_t kMostMade = 64;  // of one character: a line whose blanks at the end are gone
    CodecStep step;
    while (step.taken < in.size() && step.made + kMostMade <= out.size()) {
      step.state = Add(in[step.taken], out, step.made);
      if (step.state != LayerState::kMore) return step;
      ++step.taken;
    }
    return step;
  }
  bool MayEnd() const override { return part_ == Part::kLength; }

 private:
  enum class Part : std::uint8_t { kHeader, kLength, kData, kRest };

  LayerState Add(std::uint8_t c, MutableByteView out, std::size_t& made) {
    constexpr std::size_t kLongestHeader = 1024;
    if (c == '\r') return LayerState::kMore;
    switch (part_) {
      case Part::kHeader:
        if (++header_ > kLongestHeader) return LayerState::kBroken;
        if (c == '\n') {
          if (line_ > 0) part_ = Part::kLength;
        } else if (line_ < kUuencodeBegin.size() && c != static_cast<std::uint8_t>(kUuencodeBegin[line_++])) {
          return LayerState::kBroken;
        }
        return LayerState::kMore;
      case Part::kLength:
        if (c == '\n') return LayerState::kMore;
        // `end`, or whatever stands behind a part of it.
        if (c < ' ' || c > '`') return LayerState::kDone;
        remaining_ = static_cast<std::size_t>((c - ' ') & 63);
        part_ = remaining_ > 0 ? Part::kData : Part::kRest;
        return LayerState::kMore;
      case Part::kData:
        if (c == '\n') {
          // Blanks at the end of a line, which some senders drop, are zeros.
          while (remaining_ > 0) Digit(0, out, made);
          part_ = Part::kLength;
          return LayerState::kMore;
        }
        if (c < ' ' || c > '`') return LayerState::kBroken;
        Digit(static_cast<unsigned>(c - ' ') & 63, out, made);
        return LayerState::kMore;
      case Part::kRest:  // of the last group, and a checksum that some writers add
        if (c == '\n') part_ = Part::kLength;
        return LayerState::kMore;
    }
    return LayerState::kBroken;
  }

  void Digit(unsigned value, MutableByteView out, std::size_t& made) {
    bits_ = bits_ << 6 | value;
    if (++digits_ < 4) return;
    for (int shift = 16; shift >= 0 && remaining_ > 0; shift -= 8, --remaining_) {
      out[made++] = static_cast<std::uint8_t>(bits_ >> shift);
    }
    digits_ = 0;
    bits_ = 0;
    if (remaining_ == 0) part_ = Part::kRest;
  }

  Part part_ = Part::kHeader;
  std::size_t header_ = 0;
  std::size_t line_ = 0;       // characters of the header's line, as far as they are compared
  std::size_t remaining_ = 0;  // bytes of this line that are still to come
  std::uint32_t bits_ = 0;
  int digits_ = 0;
};

}  // namespace

constinit const LayerSpec kUuencodeLayer = {
    .name = "uuencode",
    .help = "uuencode, declared as a transfer encoding of mail or begun by its line in any text.",
    .encodings = {"x-uuencode", "uuencode", "x-uue"},
    .probe =
        [](const ObjectInfo&, ByteView head, bool declared) {
          std::string_view text = AsText(head);
          if (declared) text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
          return BeginsUuencode(text) ? Likelihood::kYes : Likelihood::kNo;
        },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<UuencodeCodec>(), kUuencodeLayer.name);
    },
};

}  // namespace spanwatch::content
