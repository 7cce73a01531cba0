// Short values in base64 and hex digits that hold text: a row of a table in a record of Kinesis or SQS, a field of
// `mysqldump --hex-blob`, a part of a token, a cookie, a data URL. They are too short to be objects of their own, so
// that what they hold is gathered, a line `=value` each, in one child. Longer ones are encoded_run_layer.cc's. Ordinary
// words decode to no text, and what is no text is nobody's plate.
#include <algorithm>

#include "content/encoded_run.h"
#include "content/object_node.h"
#include "content/value_scan.h"

namespace spanwatch::content {
namespace {

// Of base64, and of hex digits with what stands in front of them.
constexpr std::size_t kLongestValue = kHexRunMinimum + 8;
constexpr std::size_t kFewestHexDigits = 12;
// A child is closed when it has so much, so that what is found in a connection without end is told.
constexpr std::size_t kGatheredBytes = 65536;

bool IsValueByte(std::uint8_t c) {
  return (kCharacterClass[c] & (CharacterClass::kStandard | CharacterClass::kUrl)) != 0;
}
bool IsTextByte(std::uint8_t c) { return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' || c == '\r'; }
// Of a plate, and of a short row.
bool IsRecordByte(std::uint8_t c) {
  return (kCharacterClass[c] & CharacterClass::kShared) != 0 ||
         std::string_view(" -,;:|\t./_").contains(static_cast<char>(c));
}

// Whether the first characters can stand for text; most words end here. REQUIRES: four of base64's alphabet
bool MayBeginText(ByteView run) {
  const unsigned a = kBase64Value[run[0]], b = kBase64Value[run[1]], c = kBase64Value[run[2]], d = kBase64Value[run[3]];
  const auto second = static_cast<std::uint8_t>(b << 4 | c >> 2);
  const bool base64 = IsTextByte(static_cast<std::uint8_t>(a << 2 | b >> 4)) && (IsTextByte(second) || second == 0) &&
                      IsTextByte(static_cast<std::uint8_t>(c << 6 | d));
  const bool prefix = run[0] == 'x' || run[1] == 'x' || run[1] == 'X';
  return base64 || prefix || (kHexValue[run[0]] < 8 && kHexValue[run[1]] != 255);
}

// What a value decodes to, when that is text.
class DecodedValue {
 public:
  // `characters`: at most kLongestValue of the alphabet of `encoding`. False when they hold no text, or nothing that a
  // record has.
  bool Read(ByteView characters, TextEncoding encoding) {
    constexpr std::size_t kFewest = 5, kProvesItself = 12;
    TextDecoder decoder(encoding);
    size_ = 0;
    std::size_t zeros = 0;
    for (const std::uint8_t c : characters) {
      if (decoder.Add(c, bytes_ + size_) == 0) continue;
      // Zeros: UTF-16 as SQL Server writes it.
      const bool zero = bytes_[size_] == 0;
      if (!IsTextByte(bytes_[size_]) && !(zero && size_ % 2 == 1)) return false;
      zeros += zero ? 1 : 0;
      ++size_;
    }
    if (zeros > 0) {
      if (zeros * 2 != size_) return false;
      size_ /= 2;
      for (std::size_t i = 0; i < size_; ++i) bytes_[i] = bytes_[2 * i];
    }
    // So short a text comes up by chance.
    if (size_ < kProvesItself && !std::all_of(bytes_, bytes_ + size_, IsRecordByte)) return false;
    return size_ >= kFewest && std::any_of(bytes_, bytes_ + size_, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
  }
  ByteView bytes() const { return {bytes_, size_}; }

 private:
  std::uint8_t bytes_[kLongestValue];
  std::size_t size_ = 0;
};

class EncodedValueLayer final : public Layer {
 public:
  explicit EncodedValueLayer(ObjectNode& object) : object_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    std::size_t at = open_ ? GoOn(bytes) : 0;
    while (at < bytes.size()) {
      std::size_t begin = FindLongWord(bytes, at);
      const bool found = begin + kLongWordBytes <= bytes.size();
      if (!found) begin = bytes.size();
      while (begin > at && IsValueByte(bytes[begin - 1])) --begin;
      std::size_t end = begin;
      while (end < bytes.size() && IsValueByte(bytes[end])) ++end;
      if (end == bytes.size()) {
        Keep(bytes.subspan(begin));
        break;
      }
      LookAt(bytes.subspan(begin, end - begin), false);
      at = end;
    }
    return {bytes.size(), LayerState::kMore};
  }

  bool Gap(std::uint64_t length) noexcept override {
    Flush();
    if (child_ != nullptr) child_->Gap(length);
    // Of a value that goes on behind the gap the beginning is missing.
    kept_size_ = 0;
    open_ = cut_ = true;
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (open_ && end != ObjectEnd::kAborted) LookAt({kept_, kept_size_}, cut_);
    Flush();
    if (child_ != nullptr) child_->End(end);
    child_.reset();
  }

 private:
  // The rest of a value that began earlier; returns its length.
  std::size_t GoOn(ByteView bytes) {
    std::size_t length = 0;
    while (length < bytes.size() && IsValueByte(bytes[length])) ++length;
    Keep(bytes.first(length));
    if (length == bytes.size()) return length;
    LookAt({kept_, kept_size_}, cut_);
    kept_size_ = 0;
    open_ = cut_ = false;
    return length;
  }

  // The last bytes of a value that may go on.
  void Keep(ByteView bytes) {
    open_ = open_ || !bytes.empty();
    if (kept_size_ + bytes.size() > kLongestValue) {
      cut_ = true;
      bytes = bytes.last(std::min(bytes.size(), kLongestValue));
      const std::size_t kept = std::min(kept_size_, kLongestValue - bytes.size());
      std::copy_n(kept_ + kept_size_ - kept, kept, kept_);
      kept_size_ = kept;
    }
    std::copy_n(bytes.data(), bytes.size(), kept_ + kept_size_);
    kept_size_ += bytes.size();
  }

  // A run of the alphabet; `cut`: its beginning is missing. It may be a path whose last part is the value.
  void LookAt(ByteView run, bool cut) {
    if (!cut && run.size() <= kLongestValue && IsValue(run)) return;
    const std::size_t slash = AsText(run).rfind('/');
    if (slash != std::string_view::npos) IsValue(run.subspan(slash + 1));
  }

  bool IsValue(ByteView run) {
    if (run.size() < kLongWordBytes || run.size() > kLongestValue || !MayBeginText(run)) return false;
    std::string_view digits = AsText(run);
    // `0x`, and what a backslash leaves of `\x`.
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
      digits.remove_prefix(2);
    } else if (digits.starts_with('x')) {
      digits.remove_prefix(1);
    }
    const bool hex = digits.size() >= kFewestHexDigits && digits.size() < kHexRunMinimum && digits.size() % 2 == 0 &&
                     std::ranges::all_of(AsBytes(digits), [](std::uint8_t c) { return kHexValue[c] != 255; });
    DecodedValue value;
    const bool base64 = !hex && run.size() < kBase64RunMinimum && run.size() % 4 != 1;
    if (!(hex && value.Read(AsBytes(digits), TextEncoding::kHex)) &&
        !(base64 && value.Read(run, TextEncoding::kBase64)))
      return false;
    gathered_[size_++] = '=';
    std::ranges::copy(value.bytes(), gathered_ + size_);
    size_ += value.bytes().size();
    gathered_[size_++] = '\n';
    if (size_ + kLongestValue + 2 > sizeof(gathered_)) Flush();
    return true;
  }

  void Flush() {
    if (size_ == 0) return;
    if (child_ == nullptr) {
      child_ = object_.OpenChild({.kind = ObjectKind::kDecoded, .step = "encoded values", .fields = true});
      written_ = 0;
    }
    if (child_ != nullptr) child_->Write({gathered_, size_});
    written_ += size_;
    size_ = 0;
    if (child_ == nullptr || written_ < kGatheredBytes) return;
    child_->End(ObjectEnd::kComplete);
    child_.reset();
  }

  ObjectNode& object_;
  std::uint8_t kept_[kLongestValue];
  std::size_t kept_size_ = 0;
  bool open_ = false;  // the last bytes were of a value that may go on
  bool cut_ = false;   // its beginning is not kept
  std::uint8_t gathered_[512];
  std::size_t size_ = 0;
  std::unique_ptr<ObjectNode> child_;
  std::size_t written_ = 0;  // to the child
};

}  // namespace

constinit const LayerSpec kEncodedValueLayer = {
    .name = "encoded values",
    .help = "Short values in base64 and hex digits that hold text.",
    .role = LayerRole::kSearch,
    .probe = [](const ObjectInfo&, ByteView, bool) { return Likelihood::kYes; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<EncodedValueLayer>(object);
    },
};

}  // namespace spanwatch::content
