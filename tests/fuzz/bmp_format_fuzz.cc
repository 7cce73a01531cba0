// BMP: see CheckPicture.
#include "fuzz/picture_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return spanwatch::image::CheckPicture(spanwatch::image::kBmpFormat, {data, size});
}
