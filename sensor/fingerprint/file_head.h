// FileHead: the first KiB of a file, or of its image data, and the hash by which FingerprintIndex::MayBegin knows it.
// What begins like nothing registered need not be digested. Shared by enrolment and detection. One thread each.
#pragma once

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace spanwatch::fingerprint {

class FileHead {
 public:
  static constexpr std::size_t kBytes = 1024;
  // Files and image data share one filter; their hashes differ by the seed.
  enum class Of : std::uint64_t { kFile = 0, kImageData = 0x696d616765 };

  explicit FileHead(Of of) : of_(of) {}

  bool full() const { return size_ == kBytes; }
  ByteView bytes() const { return ByteView(bytes_).first(size_); }
  // Takes what is missing; returns how much that was.
  std::size_t Take(ByteView bytes) {
    const std::size_t taken = std::min(bytes.size(), kBytes - size_);
    std::copy_n(bytes.data(), taken, bytes_.data() + size_);
    size_ += taken;
    return taken;
  }
  std::uint64_t Hash() const { return XXH3_64bits_withSeed(bytes_.data(), size_, static_cast<std::uint64_t>(of_)); }

 private:
  Of of_;
  std::size_t size_ = 0;
  std::array<std::uint8_t, kBytes> bytes_;  // left as it is until it is filled
};

}  // namespace spanwatch::fingerprint
