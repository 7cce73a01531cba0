// From registered views to the picture sections of a hash set: each hash once, with the views that have it. Used by
// HashSetWriter. One thread.
#pragma once

#include <compare>
#include <functional>
#include <tuple>
#include <vector>

#include "hashset/external_sorter.h"
#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

struct RegisteredPicture {
  PdqHash hash;
  PictureRow row;

  friend bool operator==(const RegisteredPicture&, const RegisteredPicture&) = default;
  friend auto operator<=>(const RegisteredPicture& a, const RegisteredPicture& b) {
    return std::tie(a.hash.words, a.row.item, a.row.view, a.row.quality) <=>
           std::tie(b.hash.words, b.row.item, b.row.view, b.row.quality);
  }
};

struct PictureViews {
  std::vector<std::uint32_t> firsts;  // for each hash and one more: where its rows begin; empty without hashes
  std::vector<PictureRow> rows;
};

// Gives each hash to `on_hash` once, ascending. Of an item the same hash is kept once, as its first view. The pictures
// are gone afterwards.
Result<PictureViews> SortPictures(ExternalSorter<RegisteredPicture>& pictures,
                                  const std::function<void(const PdqHash&)>& on_hash);

}  // namespace spanwatch::hashset
