#include <algorithm>
#include <array>

#include "image/picture_format.h"

namespace spanwatch::image {
namespace {

constexpr std::array kFormats = {
#define FORMAT(name) &k##name##Format,
#include "image/formats.def"
#undef FORMAT
};

}  // namespace

const PictureFormat* FormatOf(FileType type) noexcept {
  const auto found = std::ranges::find(kFormats, type, &PictureFormat::type);
  return found == kFormats.end() ? nullptr : *found;
}

const PictureFormat* SniffFormat(ByteView head) noexcept {
  const auto found = std::ranges::find_if(kFormats, [&](const PictureFormat* format) { return format->begins(head); });
  return found == kFormats.end() ? nullptr : *found;
}

}  // namespace spanwatch::image
