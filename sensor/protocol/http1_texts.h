// The texts of an HTTP head that may carry records: the target, header fields, cookies. Called by http1_parser.cc for
// each head; inspector thread only, keeps nothing.
#pragma once

#include <memory>
#include <string>

#include "protocol/http1_head.h"
#include "protocol/parser.h"

namespace spanwatch::protocol {

inline constexpr std::size_t kLongestFact = 256;  // of what goes into facts and steps

// What is long (a query, a field) is opened as an object of its own. Short values that may hold a plate are opened as
// texts of fields, a line `name=value` each: one of the target, one of the header fields. The name of a path segment is
// the segment before it. `step` is the message's provenance step, `exchange` what all its objects share; a request
// without a body gives the name in its target to the first text.
void OpenHttp1Texts(const ParserContext& context, Direction direction, const Http1Head& head, const std::string& step,
                    const std::shared_ptr<const ExchangeFacts>& exchange);

}  // namespace spanwatch::protocol
