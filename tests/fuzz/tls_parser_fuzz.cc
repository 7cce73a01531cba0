// A conversation, cut anywhere, for the tls parser and for identification; parser_fuzz.h describes the input.
#include "protocol/parsers.h"
#include "support/parser_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::protocol::ParserFuzz().Run(spanwatch::protocol::kTlsParser, {data, size});
  return 0;
}
