#include "protocol/parsers.h"

namespace spanwatch::protocol {

std::span<const ParserSpec* const> Parsers() {
  static constexpr const ParserSpec* kParsers[] = {
#define PARSER(name) &k##name##Parser,
#include "protocol/parsers.def"
#undef PARSER
  };
  return kParsers;
}

}  // namespace spanwatch::protocol
