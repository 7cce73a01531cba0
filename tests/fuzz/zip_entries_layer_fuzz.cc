// Encrypted zip entries in raw bytes, and whatever else is found in them.
#include "support/content_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::testing::FuzzContent({.kind = spanwatch::ObjectKind::kStream}, data, size);
  return 0;
}
