#include "fingerprint/text_decoder.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include <emmintrin.h>

#include "base/utf8.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kUnicodeEscape = 6;  // \u0041
constexpr std::size_t kLongestEntity = 9;  // &#x10FFF;
constexpr std::size_t kVector = sizeof(__m128i);

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

// One bit for each byte that may begin something to decode: backslash, ampersand, percent, a lead byte of UTF-8.
std::uint64_t SpecialBytes(const char* block) {
  std::uint64_t special = 0;
  for (std::size_t i = 0; i < kBlock; i += kVector) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    const __m128i marks = _mm_or_si128(
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('&')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('%'))));
    const __m128i leads = _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(static_cast<char>(0xC2))), bytes);
    special |= static_cast<std::uint64_t>(_mm_movemask_epi8(_mm_or_si128(marks, leads))) << i;
  }
  return special;
}

// The even or the odd bytes of a block.
void Halve(const std::uint8_t* block, bool odd, char* half) {
  for (std::size_t i = 0; i < kBlock; i += 2 * kVector, half += kVector) {
    __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i + kVector));
    const __m128i mask = _mm_set1_epi16(0xFF);
    low = odd ? _mm_srli_epi16(low, 8) : _mm_and_si128(low, mask);
    high = odd ? _mm_srli_epi16(high, 8) : _mm_and_si128(high, mask);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(half), _mm_packus_epi16(low, high));
  }
}

// What stands for an escaped character.
void PutCharacter(char32_t character, std::string& text) {
  const bool control = character < ' ' && character != '\n' && character != '\t' && character != '\r';
  const char folded = FoldCharacter(character);
  if (character < 0x80) {
    text += control ? kTextOther : static_cast<char>(character);
  } else {
    text += folded == kFoldOther ? kTextOther : folded;
  }
}

std::size_t Backslash(std::string_view rest, bool final, std::string& text) {
  const bool may_be = rest.size() < 2 || rest[1] == 'u';
  if (may_be && rest.size() < kUnicodeEscape && !final) return 0;
  if (rest.size() < kUnicodeEscape || !may_be || !std::all_of(rest.begin() + 2, rest.begin() + 6, IsHexDigit)) {
    text += '\\';
    return 1;
  }
  std::uint32_t character = 0;
  std::from_chars(rest.data() + 2, rest.data() + kUnicodeEscape, character, 16);
  PutCharacter(character, text);
  return kUnicodeEscape;
}

std::size_t Entity(std::string_view rest, bool final, std::string& text) {
  rest = rest.substr(0, kLongestEntity);
  const std::size_t end = rest.find(';');
  const bool may_be = rest.size() < 2 || rest[1] == '#';
  if (may_be && end == std::string_view::npos && rest.size() < kLongestEntity && !final) return 0;
  if (may_be && end != std::string_view::npos && end > 2) {
    const bool hexadecimal = rest[2] == 'x' || rest[2] == 'X';
    const char* const first = rest.data() + (hexadecimal ? 3 : 2);
    std::uint32_t character = 0;
    const auto [stop, error] = std::from_chars(first, rest.data() + end, character, hexadecimal ? 16 : 10);
    if (error == std::errc() && stop == rest.data() + end) {
      PutCharacter(character, text);
      return end + 1;
    }
  }
  text += '&';
  return 1;
}

std::size_t Percent(std::string_view rest, bool final, std::string& text) {
  if (rest.size() < 3 && !final) return 0;
  std::uint32_t character = 0;
  const bool escape = rest.size() >= 3 && IsHexDigit(rest[1]) && IsHexDigit(rest[2]) &&
                      std::from_chars(rest.data() + 1, rest.data() + 3, character, 16).ec == std::errc();
  // Only punctuation needs this escape; %AB before a plate is more likely a percent sign.
  if (escape && character < 0x80 && FoldCharacter(character) < '0') {
    PutCharacter(character, text);
    return 3;
  }
  text += '%';
  return 1;
}

std::size_t Multibyte(std::string_view rest, bool final, std::string& text) {
  if (!final && rest.size() < 3) return 0;
  const auto [character, length] = DecodeUtf8(rest, 0);
  const char folded = FoldCharacter(character);
  if (folded == kFoldOther) {
    text.append(rest.substr(0, length));
  } else {
    text += folded;
  }
  return length;
}

}  // namespace

void TextDecoder::Append(ByteView block, std::uint64_t nul, std::string& text) {
  constexpr std::uint64_t kOdd = 0xAAAAAAAAAAAAAAAA;
  // A NUL of UTF-16 has another two bytes before or after it.
  const std::uint64_t passed_over = nul & (nul << 2 | nul >> 2 | previous_nul_);
  previous_nul_ = block.size() < 2 ? 0 : nul >> (block.size() - 2) & 3;
  if (passed_over == 0) {
    Plain(AsText(block), text);
    return;
  }
  std::array<char, kBlock> narrow;
  std::size_t size = 0;
  if (block.size() == kBlock && (passed_over == kOdd || passed_over == ~kOdd)) {
    Halve(block.data(), passed_over == ~kOdd, narrow.data());
    size = kBlock / 2;
  } else {
    for (std::size_t i = 0; i < block.size(); ++i) {
      if ((passed_over >> i & 1) == 0) narrow[size++] = static_cast<char>(block[i]);
    }
  }
  Plain({narrow.data(), size}, text);
}

void TextDecoder::AppendPlain(ByteView blocks, std::string& text) {
  previous_nul_ = 0;
  while (held_size_ > 0 && !blocks.empty()) {
    Plain(AsText(blocks.first(kBlock)), text);
    blocks = blocks.subspan(kBlock);
  }
  text += AsText(blocks);
}

void TextDecoder::Plain(std::string_view block, std::string& text) {
  std::array<char, sizeof held_ + kBlock> joined;
  if (held_size_ > 0) {
    std::copy_n(held_.data(), held_size_, joined.data());
    std::ranges::copy(block, joined.data() + held_size_);
    block = {joined.data(), held_size_ + block.size()};
    held_size_ = 0;
  }
  while (!block.empty()) {
    std::array<char, kBlock> padded{};
    const std::size_t seen = std::min(block.size(), kBlock);
    const char* bytes = block.data();
    if (block.size() < kBlock) {
      std::copy_n(block.data(), block.size(), padded.data());
      bytes = padded.data();
    }
    std::size_t done = 0;
    for (std::uint64_t special = SpecialBytes(bytes); special != 0;) {
      const auto at = static_cast<std::size_t>(std::countr_zero(special));
      special &= special - 1;
      if (at < done) continue;
      text.append(block, done, at - done);
      const std::size_t taken = Special(block.substr(at), false, text);
      if (taken == 0) {
        // Whole: what is left of the block is the beginning of the escape.
        held_size_ = block.size() - at;
        std::copy_n(block.data() + at, held_size_, held_.data());
        return;
      }
      done = at + taken;
    }
    if (done < seen) text.append(block, done, seen - done);
    block.remove_prefix(std::max(done, seen));
  }
}

// How many bytes were decoded; 0 when more must come first.
std::size_t TextDecoder::Special(std::string_view rest, bool final, std::string& text) {
  switch (rest.front()) {
    case '\\':
      return Backslash(rest, final, text);
    case '&':
      return Entity(rest, final, text);
    case '%':
      return Percent(rest, final, text);
    default:
      return Multibyte(rest, final, text);
  }
}

void TextDecoder::Flush(std::string& text) {
  std::string_view rest(held_.data(), held_size_);
  while (!rest.empty()) {
    const auto byte = static_cast<std::uint8_t>(rest.front());
    if (byte == '\\' || byte == '&' || byte == '%' || byte >= 0xC2) {
      rest.remove_prefix(Special(rest, true, text));
    } else {
      text += rest.front();
      rest.remove_prefix(1);
    }
  }
  held_size_ = 0;
  previous_nul_ = 0;
}

void TextDecoder::Break(std::string& text) {
  Flush(text);
  text += kTextBreak;
}

}  // namespace spanwatch::fingerprint
