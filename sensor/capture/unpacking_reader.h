// UnpackingReader: the bytes behind a descriptor, unpacked when they begin as gzip (RFC 1952) or zstd (RFC 8878) does.
// Used by capture_file.cc, one thread. Reads forwards only, opens nothing, allocates when made and when unpacking
// begins.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::capture {

class UnpackingReader {
 public:
  explicit UnpackingReader(UniqueFd fd);
  ~UnpackingReader();
  UnpackingReader(const UnpackingReader&) = delete;
  UnpackingReader& operator=(const UnpackingReader&) = delete;

  // Fills as much of `to` as there is; 0 at the end. After an error nothing more can be read.
  Result<std::size_t> Read(MutableByteView to);
  // Bytes taken from the descriptor so far.
  std::uint64_t position() const { return position_; }
  int fd() const { return fd_.get(); }

 private:
  class Unpacker;
  class GzipUnpacker;
  class ZstdUnpacker;

  Status Begin();
  // Reads into input_ when it is empty; it stays empty at the end of the descriptor.
  Status Refill();

  UniqueFd fd_;
  Bytes buffer_;
  ByteView input_;  // of buffer_, not yet used
  std::uint64_t position_ = 0;
  bool begun_ = false;
  std::unique_ptr<Unpacker> unpacker_;  // none when the bytes are not packed
};

}  // namespace spanwatch::capture
