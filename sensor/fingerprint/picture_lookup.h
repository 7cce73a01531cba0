// FindPicture: which registered pictures one of the wire is a copy of. Used by the perceptual family and by the recall
// bench. Pure; any thread.
#pragma once

#include <vector>

#include "fingerprint/picture_hashes.h"
#include "model/fingerprint_index.h"

namespace spanwatch::fingerprint {

// How the picture of the wire was cut or turned to look like a registered view.
struct PictureRendering {
  std::size_t part = 0;  // 0: the whole; else one more than its number
  Turn turn = {};
  bool inverted = false;
};

struct PictureMatch {
  ItemRef item;
  std::uint16_t distance = 0;
  View view = View::kFull;   // registered; of the copy itself where that was turned
  std::uint8_t quality = 0;  // of the rendering of the copy that was found
  bool sure = false;         // by the thresholds of the item's collection
  bool calibrated = false;   // the collection is
  View registered = View::kFull;
  PictureRendering rendering;
};

// The nearest rendering of each item within its collection's weak distance, nearest first. What is not certain as it is
// is looked up trimmed, without its frame and by its panels, too, and turned and inverted at a narrower distance: a
// copy that was only turned is near, and a narrow search costs a sixth.
std::vector<PictureMatch> FindPicture(const FingerprintIndex& index, const PictureHashes& hashes);

}  // namespace spanwatch::fingerprint
