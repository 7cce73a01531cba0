// The parsers of parsers.def, declared. Included by the file of each parser and by the table.
#pragma once

#include "protocol/parser.h"

namespace spanwatch::protocol {

#define PARSER(name) extern const ParserSpec k##name##Parser;
#include "protocol/parsers.def"
#undef PARSER

}  // namespace spanwatch::protocol
