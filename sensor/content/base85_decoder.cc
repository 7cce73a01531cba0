#include "content/base85_decoder.h"

#include <string_view>

namespace spanwatch::content {
namespace {

constexpr std::string_view kAlphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kRfc1924Marks = "!#$%&()*+-;<=>?@^_`{|}~";
constexpr std::string_view kZ85Marks = ".-:+=^!/*?&<>()[]{}@%$#";

constexpr std::array<std::array<std::uint8_t, 256>, kBase85Alphabets> MakeBase85Values() {
  std::array<std::array<std::uint8_t, 256>, kBase85Alphabets> values{};
  for (auto& alphabet : values) alphabet.fill(255);
  auto& [ascii, rfc1924, z85] = values;
  for (std::size_t i = 0; i < 85; ++i) ascii['!' + i] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i < kAlphanumeric.size(); ++i) {
    const auto c = static_cast<std::uint8_t>(kAlphanumeric[i]);
    rfc1924[c] = static_cast<std::uint8_t>(i);
    // Z85 has the small letters first.
    z85[c] = static_cast<std::uint8_t>(i < 10 ? i : i < 36 ? i + 26 : i - 26);
  }
  for (std::size_t i = 0; i < kRfc1924Marks.size(); ++i) {
    rfc1924[static_cast<std::uint8_t>(kRfc1924Marks[i])] = static_cast<std::uint8_t>(62 + i);
    z85[static_cast<std::uint8_t>(kZ85Marks[i])] = static_cast<std::uint8_t>(62 + i);
  }
  return values;
}

}  // namespace

constinit const std::array<std::array<std::uint8_t, 256>, kBase85Alphabets> kBase85Value = MakeBase85Values();

std::size_t Base85Decoder::Add(std::uint8_t character, std::uint8_t* out) {
  if (alphabet_ == Base85::kAscii85 && (character == 'z' || character == 'y')) {
    wrong_ = wrong_ || count_ > 0;
    for (std::size_t i = 0; i < 4; ++i) out[i] = character == 'z' ? 0 : ' ';
    return 4;
  }
  value_ = value_ * 85 + Base85Value(alphabet_, character);
  if (++count_ < 5) return 0;
  wrong_ = wrong_ || value_ > 0xffffffff;
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value_ >> (24 - 8 * i));
  value_ = 0;
  count_ = 0;
  return 4;
}

std::size_t Base85Decoder::End(std::uint8_t* out) {
  if (count_ < 2) return 0;
  const auto made = static_cast<std::size_t>(count_ - 1);
  for (int i = count_; i < 5; ++i) value_ = value_ * 85 + 84;
  for (std::size_t i = 0; i < made; ++i) out[i] = static_cast<std::uint8_t>(value_ >> (24 - 8 * i));
  value_ = 0;
  count_ = 0;
  return made;
}

}  // namespace spanwatch::content
