#include "fingerprint/wide_text.h"

#include <algorithm>
#include <bit>

#include <emmintrin.h>

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kAsciiRun = 12;   // bytes of ASCII that hardly any UTF-16 has in a row
constexpr std::size_t kAsciiRun32 = 4;  // and no UTF-32
constexpr int kFewestNuls = 2;          // of a text that begins without a mark
constexpr char32_t kMark = 0xFEFF;      // byte order mark
constexpr char32_t kNoCharacter = 0xFFFF;

bool IsHighSurrogate(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Controls, and what Unicode gives no meaning or leaves to private use.
bool IsBad(char32_t unit) {
  const bool control = (unit < 0x20 && unit != '\t' && unit != '\n' && unit != '\r') || (unit >= 0x7F && unit < 0xA0);
  const bool unused = (unit >= 0xE000 && unit < 0xF900) || (unit >= 0xFDD0 && unit < 0xFDF0) || unit == 0xFFFE ||
                      unit == 0xFFFF || (unit >= 0x33480 && unit < 0xE0000) || unit >= 0xE1000;
  return control || unused;
}

// Two letters, digits or marks of ASCII read as one unit of UTF-16, or one with a NUL behind it.
bool IsLikeAscii(char32_t unit) {
  const auto is_ascii = [](char32_t byte) { return (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\r'; };
  const char32_t low = unit & 0xFF;
  return unit >= 0x100 && unit <= 0xFFFF && is_ascii(unit >> 8) && (is_ascii(low) || low == 0);
}

std::uint64_t BitsIn(std::size_t begin, std::size_t end) {
  const std::uint64_t below = end == kTextBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << end) - 1;
  return begin >= kTextBlock ? 0 : below & ~std::uint64_t{0} << begin;
}

// Every so many bytes one bit, from `first` on.
std::uint64_t Every(std::size_t width, std::size_t first) {
  return (width == 2 ? 0x5555555555555555u : 0x1111111111111111u) << first;
}

}  // namespace

char32_t WideText::UnitAt(const Form& form, const std::uint8_t* bytes) {
  char32_t unit = 0;
  for (std::size_t i = 0; i < form.width; ++i) unit = unit << 8 | bytes[form.big_endian ? i : form.width - 1 - i];
  return unit;
}

// The units that lie whole in [begin, end).
WideText::Judged WideText::Judge(const Form& form, const std::uint8_t* block, std::size_t begin, std::size_t end) {
  Judged judged;
  bool after_high = false;
  for (std::size_t at = begin; at + form.width <= end; at += form.width, ++judged.units) {
    const char32_t unit = UnitAt(form, block + at);
    const bool low = IsLowSurrogate(unit);
    const bool lone = form.width == 4 ? low || IsHighSurrogate(unit) : low ? !after_high && at != begin : after_high;
    const bool bad = lone || IsBad(unit);
    judged.bad += bad ? 1 : 0;
    judged.unlikely += bad ? 2 : unit >= 0xA0 && unit < 0x100 ? 1 : 0;
    judged.latin += unit < 0x100 ? 1 : 0;
    judged.like_ascii += IsLikeAscii(unit) ? 1 : 0;
    after_high = IsHighSurrogate(unit);
  }
  return judged;
}

// Texts with NULs between them, each of three letters or more, are no wide text.
bool WideText::Judged::MakesSense() const {
  const unsigned others = units - latin - like_ascii;
  return units > 0 && bad * 16 <= units && (like_ascii * 2 <= latin || like_ascii <= others * 3);
}

// A first look: a quarter of the units that lie in [begin, end) are ASCII or nearly so, few of them controls, and all
// of UTF-32 are characters.
bool WideText::MayBe(const Form& form, const BlockMasks& masks, std::size_t begin, std::size_t end) {
  const std::uint64_t units = Every(form.width, form.phase) & BitsIn(begin, end);
  const int count = std::popcount(units);
  const std::uint64_t nul = masks.nul;
  std::uint64_t high = form.big_endian ? nul : nul >> 1;  // the byte above the lowest, of UTF-16
  std::uint64_t low = form.big_endian ? masks.control >> 1 : masks.control;
  if (form.width == 4) {
    high = form.big_endian ? nul & nul >> 1 : nul >> 2 & nul >> 3;
    low = form.big_endian ? nul >> 2 & masks.control >> 3 : nul >> 1 & masks.control;
  }
  const int with = std::popcount(units & high);
  const int controls = std::popcount(units & high & low);
  return with >= std::min(kFewestNuls, count) && with * 4 >= count && controls * 16 <= count;
}

// The first byte order mark that begins before `end`; its form is of width 0 when there is none.
WideText::Candidate WideText::FindMark(const std::uint8_t* block, const BlockMasks& masks, std::size_t end) {
  for (std::uint64_t high = masks.high & masks.high >> 1 & BitsIn(0, end); high != 0; high &= high - 1) {
    const auto at = static_cast<std::size_t>(std::countr_zero(high));
    const bool big_endian = block[at] == 0xFE && block[at + 1] == 0xFF;
    if (!big_endian && (block[at] != 0xFF || block[at + 1] != 0xFE)) continue;
    const auto nuls = [&](std::size_t first) { return first + 1 < kTextBlock && (masks.nul >> first & 3) == 3; };
    if (big_endian && at >= 2 && nuls(at - 2)) return {{4, true, (at - 2) % 4}, at - 2};
    if (!big_endian && nuls(at + 2)) return {{4, false, at % 4}, at};
    return {{2, big_endian, at % 2}, at};
  }
  return {};
}

// Where wide text begins in a block before which there was none, and of which form.
bool WideText::Begin(const std::uint8_t* block, std::size_t end, const BlockMasks& masks, std::size_t& begin) {
  const std::uint64_t nul = masks.nul & BitsIn(0, end);
  if (nul == 0) return false;
  const auto first_nul = static_cast<std::size_t>(std::countr_zero(nul));
  const std::size_t before = first_nul == 0 ? 0 : first_nul - 1;
  const std::size_t run = static_cast<std::size_t>(std::countr_one(nul >> first_nul));
  if ((masks.control & ~masks.nul & BitsIn(0, before)) != 0) return false;
  // A line's end before the first NUL belongs to what was there before the text.
  const bool big_first = first_nul == 0 || block[before] == '\n';
  const auto of = [&](std::size_t width, bool big_endian) {
    const std::size_t behind = first_nul + run;  // the NULs
    std::size_t at = first_nul == 0 ? run : before;
    if (big_endian) at = run + 1 >= width ? behind + 1 - width : behind + 1;
    return Candidate{{width, big_endian, at % width}, at};
  };
  const Candidate marked = FindMark(block, masks, std::min(first_nul + 3, end));
  unsigned fewest = ~0u;
  for (const Candidate& candidate :
       {marked, of(4, big_first), of(4, !big_first), of(2, big_first), of(2, !big_first)}) {
    if (candidate.form.width == 0 || candidate.begin >= end) continue;
    if (!MayBe(candidate.form, masks, candidate.begin, end)) continue;
    const Judged judged = Judge(candidate.form, block, candidate.begin, end);
    if (!judged.MakesSense() || judged.unlikely >= fewest) continue;
    fewest = judged.unlikely;
    form_ = candidate.form;
    begin = candidate.begin;
  }
  return fewest != ~0u;
}

// Whether the text goes on in a block; perhaps the other byte is first, as only other characters than ASCII show.
bool WideText::GoOn(const std::uint8_t* block, std::size_t end) {
  const Judged judged = Judge(form_, block, form_.phase, end);
  if (form_.width == 2 && judged.unlikely > 1) {
    const Form other{2, !form_.big_endian, 1 - form_.phase};
    const Judged as_other = Judge(other, block, other.phase, end);
    if (as_other.unlikely + 1 < judged.unlikely && as_other.MakesSense()) {
      form_ = other;
      cut_size_ = 0;
      return true;
    }
  }
  return judged.MakesSense() || form_.phase >= end;
}

void WideText::Expect(const std::uint8_t* block, const BlockMasks& masks) noexcept {
  const Candidate marked = FindMark(block, masks, 3);
  if (marked.form.width == 0 || marked.begin != 0) return;
  form_ = marked.form;
  under_way_ = true;
}

bool WideText::Read(const std::uint8_t* block, std::size_t size, const BlockMasks& masks) noexcept {
  text_size_ = 0;
  // No two characters of ASCII in a row, so none may begin.
  if (!under_way_ && (masks.nul & ~(masks.nul >> 1) & masks.nul >> 2) == 0) return false;
  if (under_way_ && IsAllAscii(masks) && size == kTextBlock) {
    Narrow(block);
    return true;
  }
  // ASCII behind the text, but for the low byte of its last character.
  const std::uint64_t no_ascii = (masks.nul | masks.high | masks.control) & BitsIn(0, size);
  auto end = static_cast<std::size_t>(std::bit_width(no_ascii));
  if (size - end < (under_way_ && form_.width == 4 ? kAsciiRun32 : kAsciiRun)) {
    end = size;
  } else if (under_way_ && form_.big_endian && end > 0 && (end + 1 - form_.phase) % form_.width == 0) {
    ++end;
  }
  std::size_t begin = 0;
  const bool goes_on = under_way_ && end > 0 && GoOn(block, end);
  if (!goes_on) {
    Reset();
    if (!Begin(block, end, masks, begin)) return false;
    for (std::size_t i = 0; i < begin; ++i) text_[text_size_++] = static_cast<char>(block[i]);
    under_way_ = true;
  }
  Units(block, goes_on ? 0 : begin, end);
  if (end < size) {
    for (std::size_t i = end; i < size; ++i) text_[text_size_++] = static_cast<char>(block[i]);
    Reset();
  }
  return true;
}

// A block of UTF-16 that says nothing but ASCII: most of what is wide.
bool WideText::IsAllAscii(const BlockMasks& masks) const {
  if (form_.width != 2 || form_.phase != 0 || high_surrogate_ != 0) return false;
  const std::uint64_t low = form_.big_endian ? ~Every(2, 0) : Every(2, 0);
  return masks.nul == ~low && (masks.control & low) == 0 && (masks.high & low) == 0;
}

void WideText::Narrow(const std::uint8_t* block) {
  constexpr std::size_t kVector = sizeof(__m128i);
  const __m128i mask = _mm_set1_epi16(0xFF);
  const auto half = [&](std::size_t at) {
    const __m128i units = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + at));
    return form_.big_endian ? _mm_srli_epi16(units, 8) : _mm_and_si128(units, mask);
  };
  for (std::size_t at = 0; at < kTextBlock; at += 2 * kVector, text_size_ += kVector) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(text_.data() + text_size_),
                     _mm_packus_epi16(half(at), half(at + kVector)));
  }
}

// Decodes [begin, end): what was cut before, whole units, and keeps what is cut at the end.
void WideText::Units(const std::uint8_t* block, std::size_t begin, std::size_t end) {
  std::size_t at = begin;
  if (begin < form_.phase) {
    if (cut_size_ == form_.width - form_.phase && form_.phase <= end) {
      std::copy_n(block, form_.phase, cut_.data() + cut_size_);
      PutUnit(UnitAt(form_, cut_.data()));
    }
    at = form_.phase;
  }
  for (; at + form_.width <= end; at += form_.width) PutUnit(UnitAt(form_, block + at));
  cut_size_ = at < end ? end - at : 0;
  std::copy_n(block + at, cut_size_, cut_.data());
}

void WideText::PutUnit(char32_t unit) {
  const char32_t high = high_surrogate_;
  high_surrogate_ = 0;
  if (form_.width == 2 && IsHighSurrogate(unit)) {
    high_surrogate_ = unit;
  } else if (form_.width == 2 && IsLowSurrogate(unit)) {
    if (high != 0) Put(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
  } else {
    Put(IsBad(unit) ? kNoCharacter : unit);
  }
}

void WideText::Put(char32_t c) {
  const auto put = [&](char32_t byte) { text_[text_size_++] = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

void WideText::Reset() noexcept {
  under_way_ = false;
  cut_size_ = 0;
  high_surrogate_ = 0;
}

}  // namespace spanwatch::fingerprint
