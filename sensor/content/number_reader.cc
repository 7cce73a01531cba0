#include "content/number_reader.h"

#include <algorithm>

#include "content/file_magic.h"
#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

// So many bytes are wanted of what begins like no file: more than the longest usual digest has.
constexpr std::size_t kBytesMinimum = 68;
// And of what begins like a file.
constexpr std::size_t kFileMinimum = 12;
constexpr std::size_t kGroupMaximum = 16;

bool IsSeparator(std::uint8_t c) {
  return (kCharacterClass[c] & (CharacterClass::kBlank | CharacterClass::kBreak)) != 0 || c == ',' || c == '-' ||
         c == '\\';
}

bool LongEnough(ByteView text, NumberReader::Style style) {
  NumberReader reader(style);
  std::uint8_t head[kBytesMinimum + NumberReader::kMostMade];
  std::size_t made = 0;
  for (const std::uint8_t byte : text) {
    if (!reader.Add(byte, head, made)) break;
    if (made >= kBytesMinimum) return true;
  }
  const ByteView bytes(head, std::min(made, kPlausibleBytes));
  return made >= kFileMinimum && IsPlausible(KindOfFile(bytes), bytes);
}

}  // namespace

bool NumberReader::Group(std::uint8_t* out, std::size_t& made) {
  const std::size_t size = size_;
  const bool negative = negative_, prefixed = prefixed_;
  size_ = 0;
  negative_ = prefixed_ = false;
  if (size == 0) return true;
  if (style_ == Style::kDecimal) {
    unsigned value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value * 10 + kHexValue[digits_[i]];
    if (size > 3 || value > (negative ? 128 : 255)) return false;
    out[made++] = static_cast<std::uint8_t>(negative ? 256 - value : value);
    return true;
  }
  if (size % 2 != 0 && !(prefixed && size == 1)) return false;
  if (!prefixed) {
    if (width_ == 0) width_ = size;
    if (size > width_ || narrower_) return false;
    narrower_ = size < width_;
  }
  if (size == 1) out[made++] = kHexValue[digits_[0]];
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    out[made++] = static_cast<std::uint8_t>(kHexValue[digits_[i]] << 4 | kHexValue[digits_[i + 1]]);
  }
  return true;
}

bool NumberReader::Add(std::uint8_t byte, std::uint8_t* out, std::size_t& made) {
  const std::uint8_t value = kHexValue[byte];
  if (value < (style_ == Style::kDecimal ? 10 : 16)) {
    if (size_ == sizeof(digits_)) return false;
    digits_[size_++] = byte;
    return true;
  }
  if (style_ == Style::kHexGroups && (byte == 'x' || byte == 'X')) {
    if (size_ != 1 || digits_[0] != '0') return false;
    size_ = 0;
    return prefixed_ = true;
  }
  if (!IsSeparator(byte)) {
    Group(out, made);
    return false;
  }
  if (!Group(out, made)) return false;
  negative_ = byte == '-';
  return true;
}

std::optional<FoundNumbers> FindNumbers(ByteView text) {
  std::size_t starts[3] = {}, lengths[3] = {};
  std::size_t groups = 0;  // side by side
  std::size_t tried = 0;   // what lies before was looked at
  bool commas = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    while (at < text.size() && (kHexValue[text[at]] != 255 || text[at] == 'x' || text[at] == 'X')) ++at;
    if (at == start) {
      if (!IsSeparator(text[at])) groups = 0;
      if (groups == 0) commas = false;
      commas = commas || text[at] == ',';
      ++at;
      continue;
    }
    std::shift_left(std::begin(starts), std::end(starts), 1);
    std::shift_left(std::begin(lengths), std::end(lengths), 1);
    starts[2] = start;
    lengths[2] = at - start;
    if (++groups < 3 || starts[0] < tried) continue;
    const std::size_t length = lengths[0];
    tried = starts[1];
    const bool even = length % 2 == 0 && length <= kGroupMaximum && lengths[1] == length && lengths[2] == length;
    if (even && LongEnough(text.subspan(starts[0]), NumberReader::Style::kHexGroups)) {
      return FoundNumbers{NumberReader::Style::kHexGroups, starts[0], commas};
    }
    // A list is tried where it begins: the sign of its first number stands before it.
    const std::size_t signed_start = starts[0] > 0 && text[starts[0] - 1] == '-' ? starts[0] - 1 : starts[0];
    if (commas && groups == 3 && std::ranges::all_of(lengths, [](std::size_t n) { return n <= 3; }) &&
        LongEnough(text.subspan(signed_start), NumberReader::Style::kDecimal)) {
      return FoundNumbers{NumberReader::Style::kDecimal, signed_start, true};
    }
  }
  return std::nullopt;
}

}  // namespace spanwatch::content
