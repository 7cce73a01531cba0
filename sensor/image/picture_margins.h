// InnerParts: the parts of a picture that may be another picture: what is left when a border, bars, a strip with a
// caption or the frame of a window on a desktop are taken off. Called by fingerprint for pictures of the wire; pure.
//
// Lines are taken off a side as long as nearly all of their samples are of the tone of the outermost; then, by rounds,
// everything as far as the last such line within a quarter of the side (text or symbols in a bar), and so on with the
// tone that is outermost now; at last bars of which three fifths are of one tone. The sample that a margin ends in is
// split at its edge. A picture with an even sky is peeled, too; that costs a look-up and finds nothing. Where a
// picture's own edge is of the tone of the bar beside it, too much is taken off there: so what lies between margins as
// wide as the narrower of two opposite ones is a part, too.
#pragma once

#include <vector>

#include "image/luma_plane.h"

namespace spanwatch::image {

inline constexpr std::size_t kInnerPartsMax = 6;

// At most kInnerPartsMax: each inside the one before and none of less than two fifths of a side, then the even ones.
std::vector<LumaRectangle> InnerParts(const LumaPlane& plane);

}  // namespace spanwatch::image
