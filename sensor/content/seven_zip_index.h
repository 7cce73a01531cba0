// ReadSevenZipIndex: the entries that a 7z archive lists at its end, with the CRC-32 that libarchive keeps to itself
// (7zFormat.txt). The index may be packed (liblzma unpacks it); encrypted it cannot be read. Pure; nothing recurses.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "model/object.h"

namespace spanwatch::content {

// The fields of the 32 bytes that a 7z file begins with.
inline constexpr std::size_t kSevenZipHeadBytes = 32;
struct SevenZipHead {
  std::uint64_t index_offset = 0;  // in the file
  std::uint64_t index_bytes = 0;
  std::uint64_t end() const { return index_offset + index_bytes; }
};
// Nothing when the numbers cannot be. REQUIRES: kSevenZipHeadBytes
std::optional<SevenZipHead> ReadSevenZipHead(ByteView head);

enum class SevenZipIndexResult : std::uint8_t {
  kRead,
  kEncrypted,   // neither names nor sizes can be seen
  kUnreadable,  // damaged, over a limit, or not all there
};

struct SevenZipLimits {
  std::uint64_t entries = 0;
  std::uint64_t unpacked_bytes = 0;
  std::uint64_t unpacked_ratio = 0;
};

// `tail`: the last bytes of the archive, its index included; `end` where they end in the file. `entry` is called for
// each file that is encrypted, in the order of the archive.
SevenZipIndexResult ReadSevenZipIndex(const SevenZipHead& head, ByteView tail, const SevenZipLimits& limits,
                                      const std::function<void(const ArchiveEntry&)>& entry);

}  // namespace spanwatch::content
