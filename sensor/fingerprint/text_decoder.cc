#include "fingerprint/text_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <emmintrin.h>

#include "base/utf8.h"
#include "fingerprint/text_escapes.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kLongestUtf8 = 4;
constexpr std::size_t kVector = sizeof(__m128i);

// One bit for each byte that may begin something to decode: backslash, ampersand, percent, a byte beyond ASCII.
std::uint64_t SpecialBytes(const char* block) {
  std::uint64_t special = 0;
  for (std::size_t i = 0; i < kBlock; i += kVector) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i));
    const __m128i marks = _mm_or_si128(
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('&')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('%'))));
    special |= static_cast<std::uint64_t>(_mm_movemask_epi8(_mm_or_si128(marks, bytes))) << i;
  }
  return special;
}

std::size_t Multibyte(std::string_view rest, bool final, std::string& text) {
  if (!final && rest.size() < kLongestUtf8) return 0;
  const auto [character, length] = DecodeUtf8(rest, 0);
  if (length > 1) {
    AppendFolded(character, text);
  } else {
    const bool alone = rest.size() < 2 || static_cast<std::uint8_t>(rest[1]) < 0x80;
    AppendStray(static_cast<std::uint8_t>(rest[0]), alone, text);
  }
  return length;
}

bool IsSpecial(char c) { return c == '\\' || c == '&' || c == '%' || static_cast<std::uint8_t>(c) >= 0x80; }

}  // namespace

void TextDecoder::Append(ByteView block, std::uint64_t nul, std::string& text) {
  // A NUL of UTF-16 has another two bytes before or after it.
  const std::uint64_t passed_over = nul & (nul << 2 | nul >> 2 | previous_nul_);
  previous_nul_ = block.size() < 2 ? 0 : nul >> (block.size() - 2) & 3;
  if (passed_over == 0) {
    Plain(AsText(block), text);
    return;
  }
  std::array<char, kBlock> narrow;
  std::size_t size = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    if ((passed_over >> i & 1) == 0) narrow[size++] = static_cast<char>(block[i]);
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
  return static_cast<std::uint8_t>(rest.front()) >= 0x80 ? Multibyte(rest, final, text)
                                                         : AppendEscaped(rest, final, text);
}

void TextDecoder::Flush(std::string& text) {
  std::string_view rest(held_.data(), held_size_);
  while (!rest.empty()) {
    if (IsSpecial(rest.front())) {
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

std::string FoldText(std::string_view text) {
  TextDecoder decoder;
  std::string folded;
  for (std::size_t i = 0; i < text.size(); i += kBlock) decoder.Append(AsBytes(text.substr(i, kBlock)), 0, folded);
  decoder.Flush(folded);
  return folded;
}

}  // namespace spanwatch::fingerprint
