// From registered views to the picture sections of a hash set: each hash once, with the views that have it. Used by
// HashSetWriter. Pure.
#pragma once

#include <vector>

#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

struct RegisteredPicture {
  PdqHash hash;
  PictureRow row;
};

struct PictureSections {
  std::vector<PdqHash> hashes;        // ascending, each once
  std::vector<std::uint32_t> firsts;  // for each hash and one more: where its rows begin; empty without hashes
  std::vector<PictureRow> rows;
};

// Takes `pictures` and leaves it empty, since there may be many. Of an item the same hash is kept once.
PictureSections BuildPictureSections(std::vector<RegisteredPicture>& pictures);

}  // namespace spanwatch::hashset
