// Panels: the rectangles of a picture that straight edges enclose: a window on a desktop whatever lies behind it, the
// tiles of a collage, a picture on a page. Called by fingerprint for pictures of the wire; pure.
//
// An edge is a line of the plane across which nearly all samples of a long stretch change, and more than across the
// lines beside it; the picture's own sides are edges, too. Of the rectangles between four edges come first those whose
// sides are edges nearly all along, of them those that fewest further edges cut through, of them the larger. Where an
// edge lies is found to half a sample.
#pragma once

#include <vector>

#include "image/luma_plane.h"

namespace spanwatch::image {

inline constexpr std::size_t kPanelsMax = 12;

// At most kPanelsMax, none of less than three tenths of a side, none that is nearly another or the whole.
std::vector<LumaRectangle> Panels(const LumaPlane& plane);

}  // namespace spanwatch::image
