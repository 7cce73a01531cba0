// The PDF content layer, and whatever opens below it.
#include "content/pdf_stream.h"
#include "support/content_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::testing::FuzzContent({.media_type = std::string(spanwatch::content::kPdfContentType)}, data, size);
  return 0;
}
