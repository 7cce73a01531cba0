// The texts of an HTTP head that may carry records: a long target, long fields. Called by http1_parser.cc for each
// head; inspector thread only, keeps nothing.
#pragma once

#include <string>

#include "protocol/http1_head.h"
#include "protocol/parser.h"

namespace spanwatch::protocol {

inline constexpr std::size_t kLongestFact = 256;  // of what goes into facts and steps

// Opens each as an object of its own under `step`, up to the limit.
void OpenHttp1Texts(const ParserContext& context, Direction direction, const Http1Head& head, const std::string& step);

}  // namespace spanwatch::protocol
