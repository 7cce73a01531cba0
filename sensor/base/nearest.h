// NearestWord: what somebody who mistyped a word of a fixed list is likely to have meant, for "did you mean". Any
// thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace spanwatch {

// The word of `known` that the fewest edits (Levenshtein) make of `word`; empty when more than half of it would have to
// be changed.
std::string NearestWord(std::string_view word, std::span<const std::string> known);
// The end of a message that refuses `word`: "; did you mean 'it'?", or nothing.
std::string DidYouMean(std::string_view word, std::span<const std::string> known);

}  // namespace spanwatch
