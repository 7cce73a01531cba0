// Masking of names for events and logs (design.md section 6). Used by `inspector` for file names, member names and
// provenance steps. Safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace spanwatch::fingerprint {

// `name` with every token of a shape in the built-in plate table masked: letters to A, digits to 9, separators kept.
// `lane3/ABC1234_0017.jpg` becomes `lane3/AAA9999_0017.jpg`. Tokens joined by one separator a place (`ABC-1234`) and
// look-alike or full-width letters are masked too. Invalid UTF-8 stays as it is. Masking twice changes nothing.
std::string MaskPlates(std::string_view name);

}  // namespace spanwatch::fingerprint
