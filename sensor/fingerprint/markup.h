// Markup that parts no word: `<b>AB</b>C1234` is one word to who reads it, and so are the runs of one word that word
// processors write. Part of TextTokeniser. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace spanwatch::fingerprint {

// Where the text goes on behind the tags and comments that begin at `at`, when all of them are inline elements of HTML
// (HTML Living Standard, 4.5) or of ODF, or what stands between two runs of text of Office Open XML (ECMA-376 part 1,
// 17.3.2 and 21.1.2.3); 0 when one is not, or when that would be behind `limit`. REQUIRES: text[at] is `<`
std::size_t EndOfInlineMarkup(std::string_view text, std::size_t at, std::size_t limit);

}  // namespace spanwatch::fingerprint
