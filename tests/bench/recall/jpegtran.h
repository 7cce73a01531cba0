// Jpegtran: what libjpeg-turbo's jpegtran makes of a JPEG file without decoding its pixels. For the recall table; any
// thread.
#pragma once

#include <string>

#include "base/bytes.h"

namespace spanwatch::bench {

// `options` as on its command line. Dies when there is no jpegtran (libjpeg-turbo-progs) or it refuses.
Bytes Jpegtran(ByteView file, const std::string& options);

}  // namespace spanwatch::bench
