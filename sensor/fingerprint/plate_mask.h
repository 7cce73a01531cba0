// Masking of plates in what came from the wire and goes into events (design.md section 6). Used by `inspector` for
// every string of every message that leaves it. Safe from any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace spanwatch::fingerprint {

// `name` with everything masked that looks like a plate: letters to A, digits to 9, separators kept.
// `lane3/ABC1234_0017.jpg` becomes `lane3/AAA9999_0017.jpg`. It counts what PlateShape reads, and so full-width and
// look-alike letters and the digits of every script; parted by separators (`ABC - 1234`, `A_B_C_1_2_3_4`); glued to
// other letters and digits (`imgABC1234`); escaped (`ABC%31234`, in that also once more). What looks like a plate and
// is none is masked as well. Invalid UTF-8 stays as it is. Masking twice changes nothing.
//
// Where a run of letters or of digits would have to be cut to make a plate of a part of it (`chu` of `chunked`), looks
// do not decide, nor do they for a word of letters alone: that is masked when `is_registered` says so of its K0. It is
// asked for every part of a word of 3 to 8 characters.
using IsRegisteredPlate = std::function<bool(std::string_view plate)>;
std::string MaskPlates(std::string_view name, const IsRegisteredPlate& is_registered = nullptr);

}  // namespace spanwatch::fingerprint
