#include "fingerprint/text_fold.h"

#include <algorithm>
#include <array>

namespace spanwatch::fingerprint {
namespace {

struct LookAlike {
  char32_t character;
  char latin;
};

// Ascending, for the binary search below.
constexpr auto kLookAlikes = std::to_array<LookAlike>({
    {0x0391, 'A'}, {0x0392, 'B'}, {0x0395, 'E'}, {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'}, {0x039A, 'K'},
    {0x039C, 'M'}, {0x039D, 'N'}, {0x039F, 'O'}, {0x03A1, 'P'}, {0x03A4, 'T'}, {0x03A5, 'Y'}, {0x03A7, 'X'},
    {0x03BF, 'O'}, {0x0405, 'S'}, {0x0406, 'I'}, {0x0408, 'J'}, {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'},
    {0x041A, 'K'}, {0x041C, 'M'}, {0x041D, 'H'}, {0x041E, 'O'}, {0x0420, 'P'}, {0x0421, 'C'}, {0x0422, 'T'},
    {0x0423, 'Y'}, {0x0425, 'X'}, {0x0430, 'A'}, {0x0432, 'B'}, {0x0435, 'E'}, {0x043A, 'K'}, {0x043C, 'M'},
    {0x043D, 'H'}, {0x043E, 'O'}, {0x0440, 'P'}, {0x0441, 'C'}, {0x0442, 'T'}, {0x0443, 'Y'}, {0x0445, 'X'},
    {0x0455, 'S'}, {0x0456, 'I'}, {0x0458, 'J'},
});

bool IsSeparator(char32_t c) {
  switch (c) {
    case ' ':
    case '-':
    case '.':
    case '_':
    case 0x00A0:
    case 0x00AD:
    case 0x00B7:
    case 0x2022:
    case 0x2027:
    case 0x202F:
    case 0x2212:
    case 0x2219:
    case 0x22C5:
    case 0x25CF:
    case 0x3000:
    case 0xFF0D:
    case 0xFF0E:
    case 0xFF3F:
      return true;
    default:
      return c >= 0x2000 && c <= 0x2015;  // the widths of space, zero-width marks, hyphens and dashes
  }
}

}  // namespace

char FoldCharacter(char32_t c) noexcept {
  if (c >= 0xFF01 && c <= 0xFF5E && c != 0xFF0D && c != 0xFF0E && c != 0xFF3F) c -= 0xFEE0;
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
  if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return static_cast<char>(c);
  if (IsSeparator(c)) return kFoldSeparator;
  const auto* const found = std::ranges::lower_bound(kLookAlikes, c, {}, &LookAlike::character);
  return found != kLookAlikes.end() && found->character == c ? found->latin : kFoldOther;
}

}  // namespace spanwatch::fingerprint
