// Plate normalisation (design.md section 5, Record): one form for enrolment and detection.
//
// K0: folded as all text is (text_fold.h), separators out. K1: K0 with O and Q as 0 and I as 1,
// the second key that forgives what readers and typists confuse. Pure functions; safe from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanwatch::fingerprint {

// K0 of any text (UTF-8): letters and digits only, whatever its length, one byte each. Everything that is neither is
// dropped.
std::string NormalisePlate(std::string_view text);
// K1 of a K0.
std::string FoldPlate(std::string_view normalised);

// Every K0 under which a plate field may be met elsewhere, the likeliest first, each of 3 to 8 characters:
//  - a country or state code split off (`46HVR9-NLD`, `TX-ABC1234`, `us-tx ABC1234`), and with it where that still
//  fits;
//  - without place names of another script before and behind it, where it is too long with them;
//  - a stacked pair written `A/B` or `(AB)` both in its place, top first, and left out; of `A/B` also B alone.
// Empty when the field holds no plate.
std::vector<std::string> PlateVariants(std::string_view field);

// A code that an exporter writes before or after a plate: US, Canadian and Mexican states and provinces, and countries.
bool IsRegionCode(std::string_view upper_case);

}  // namespace spanwatch::fingerprint
