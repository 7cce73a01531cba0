// The dBASE layer, and whatever opens below it.
#include "support/content_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::testing::FuzzContent({}, data, size);
  return 0;
}
