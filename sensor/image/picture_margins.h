// InnerParts: the parts of a picture that may be another picture: what is left when a border, bars, a strip with a
// caption or the frame of a window are taken off. Called by fingerprint for pictures of the wire; pure.
//
// Lines are peeled off a side as long as they are of one tone: nearly all of their samples (a border), or most of them
// (a bar with text or symbols in it). The sample that a border ends in is split at the border's edge. A picture with
// an even sky is peeled, too; that costs a look-up and finds nothing.
#pragma once

#include <vector>

#include "image/luma_plane.h"

namespace spanwatch::image {

// At most two, each inside the one before; none of less than two fifths of a side.
std::vector<LumaRectangle> InnerParts(const LumaPlane& plane);

}  // namespace spanwatch::image
