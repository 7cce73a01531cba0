#include "hashset/picture_sections.h"

namespace spanwatch::hashset {

Result<PictureViews> SortPictures(ExternalSorter<RegisteredPicture>& pictures,
                                  const std::function<void(const PdqHash&)>& on_hash) {
  if (pictures.size() > UINT32_MAX) return Fail(ErrorCode::kLimit, "more than 2^32 views in one hash set");
  PictureViews views;
  views.rows.reserve(static_cast<std::size_t>(pictures.size()));
  PdqHash last;
  const Status status = pictures.ForEach([&](const RegisteredPicture& picture) {
    const bool same = !views.rows.empty() && last == picture.hash;
    if (same && views.rows.back().item == picture.row.item) return;
    if (!same) {
      views.firsts.push_back(static_cast<std::uint32_t>(views.rows.size()));
      on_hash(last = picture.hash);
    }
    views.rows.push_back(picture.row);
  });
  if (!status) return Fail(status.error());
  if (!views.firsts.empty()) views.firsts.push_back(static_cast<std::uint32_t>(views.rows.size()));
  return views;
}

}  // namespace spanwatch::hashset
