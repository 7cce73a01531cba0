// ReadZipDirectory: the central directory of a zip, found from its end as readers find it (APPNOTE.TXT 4.3.12
// to 4.3.16). Pure; nothing is believed that the bytes do not hold.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.h"

namespace spanwatch::content {

struct ZipDirectoryEntry {
  std::string_view name;  // view into the bytes that were read
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t time = 0;  // DOS time and date
  std::uint32_t crc32 = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // of the local header, in the bytes of the archive and whatever stands before it

  bool encrypted() const { return (flags & 1) != 0; }
};

// `tail`: the last bytes of an archive, of which the first stands at `tail_offset`. Calls `entry` for each that the
// directory lists, whatever number it tells, until that returns false. False when there is no directory in the bytes.
bool ReadZipDirectory(ByteView tail, std::uint64_t tail_offset,
                      const std::function<bool(const ZipDirectoryEntry&)>& entry);

// A local header that says what the directory says: the member follows it, in clear and of known length.
Bytes LocalHeaderOf(const ZipDirectoryEntry& entry);

}  // namespace spanwatch::content
