#include "hashset/picture_sections.h"

#include <algorithm>
#include <tuple>

namespace spanwatch::hashset {

PictureSections BuildPictureSections(std::vector<RegisteredPicture>& pictures) {
  std::ranges::sort(pictures, {}, [](const RegisteredPicture& picture) {
    return std::tie(picture.hash.words, picture.row.item, picture.row.view, picture.row.quality);
  });
  const auto repeats = std::ranges::unique(
      pictures, {}, [](const RegisteredPicture& picture) { return std::tie(picture.hash.words, picture.row.item); });
  pictures.erase(repeats.begin(), repeats.end());
  PictureSections sections;
  sections.rows.reserve(pictures.size());
  for (const RegisteredPicture& picture : pictures) {
    if (sections.hashes.empty() || sections.hashes.back() != picture.hash) {
      sections.hashes.push_back(picture.hash);
      sections.firsts.push_back(static_cast<std::uint32_t>(sections.rows.size()));
    }
    sections.rows.push_back(picture.row);
  }
  if (!sections.firsts.empty()) sections.firsts.push_back(static_cast<std::uint32_t>(sections.rows.size()));
  pictures = {};
  return sections;
}

}  // namespace spanwatch::hashset
