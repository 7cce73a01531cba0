// ZipDirectoryWalker: follows the structure behind a zip's members to find where the file ends, without looking into
// it. A state machine over a stream in any split; no allocation.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

struct Walk {
  std::size_t used = 0;  // bytes that belong to the file
  enum class Outcome : std::uint8_t { kMore, kEnded, kBroken } outcome = Outcome::kMore;
};

// What follows the members of a zip (APPNOTE.TXT 4.3.6): central directory, zip64 records, end record. Its comment is
// left to who searches what follows.
class ZipDirectoryWalker {
 public:
  Walk Step(ByteView bytes);

 private:
  // Takes the record apart once its fixed part is there; false when it is none of these.
  bool Measure();

  std::uint8_t record_[46];
  std::size_t have_ = 0;
  std::size_t need_ = 4;    // the signature, then the fixed part
  std::uint64_t skip_ = 0;  // the variable part
  bool last_ = false;
};

}  // namespace spanwatch::content
