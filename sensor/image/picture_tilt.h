// Levelled: a picture that was turned by a few degrees, turned back. Turning leaves corners that are filled with one
// tone: along each side the fill grows by the same share, from which the angle is measured. Called by fingerprint for
// pictures of the wire; pure.
//
// A picture without such corners costs a look at its four corner samples, or a pass over its sides. One that was turned
// and then cut to what is left has no fill, and is not known for what it is.
#pragma once

#include <optional>

#include "image/luma_plane.h"

namespace spanwatch::image {

// Between half a degree and ten, as far as the fill is a few samples deep. The plane is as large as the one given,
// about the same centre; where it shows what lay outside, the nearest sample is repeated. A picture that was turned in
// a larger frame then has an even border.
std::optional<LumaPlane> Levelled(const LumaPlane& plane);

}  // namespace spanwatch::image
