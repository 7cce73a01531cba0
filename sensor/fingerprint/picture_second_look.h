// A second look at what only looks alike: matches of a collection whose own pictures lie too near one another to be
// calibrated are compared in detail (picture_detail.h), and those that are another picture before the same background
// are no matches. It takes away and makes nothing sure: neighbouring frames of a film are one picture to it.
//
// Used by the perceptual family. Pure; any thread.
#pragma once

#include <span>
#include <vector>

#include "fingerprint/picture_lookup.h"

namespace spanwatch::fingerprint {

// Whether there are such matches.
bool WantsSecondLook(std::span<const PictureMatch> matches);

// Leaves out what is another picture, among the nearest of `matches`, which are nearest first. What cannot be compared
// stays: an item without a detail, a registered crop, hashes without samples, a flat picture.
void TakeSecondLook(const FingerprintIndex& index, const PictureHashes& hashes, std::vector<PictureMatch>& matches);

}  // namespace spanwatch::fingerprint
