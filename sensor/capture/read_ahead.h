// ReadAhead: the bytes of an UnpackingReader with a look ahead, for readers of files made of blocks. Used by
// capture_file.cc and pcapng_file.cc, one thread. One buffer, allocated when made; only read(2) is called after that.
#pragma once

#include <optional>

#include "capture/unpacking_reader.h"

namespace spanwatch::capture {

class ReadAhead {
 public:
  // The furthest look ahead.
  static constexpr std::size_t kFurthest = 512 * 1024;

  explicit ReadAhead(UniqueFd fd) : reader_(std::move(fd)), buffer_(2 * kFurthest) {}

  // The next `count` bytes, without taking them: fewer when the file ends, or can be read no further, before that. The
  // view lives until the next call. REQUIRES: count <= kFurthest.
  ByteView Peek(std::size_t count);
  // Takes `count` bytes; false when there were fewer.
  bool Skip(std::uint64_t count);
  // At least one byte into `to`, or 0 at the end. REQUIRES: `to` is not empty.
  std::size_t Read(MutableByteView to);

  // Unpacked bytes that were taken.
  std::uint64_t taken() const { return taken_; }
  // Bytes of the file as stored that were read.
  std::uint64_t stored_position() const { return reader_.position(); }
  // Why nothing more can be read, other than the end. What was read before it is still given.
  const std::optional<Error>& error() const { return error_; }

 private:
  UnpackingReader reader_;
  Bytes buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what was read and not taken
  std::uint64_t taken_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace spanwatch::capture
