// What the records of a zip say by numbers (PKWARE, APPNOTE 6.3.10, sections 4.3.12, 4.4.4 and 4.5.3). Used by what
// reads its local headers and by what reads its directory.
#pragma once

#include <cstdint>

namespace spanwatch::content {

inline constexpr std::uint32_t kZipLocal = 0x04034b50;    // signature of the header before a member
inline constexpr std::uint32_t kZipCentral = 0x02014b50;  // signature of an entry of the directory
inline constexpr std::uint16_t kZipEncrypted = 1;         // flag: the data are encrypted
inline constexpr std::uint16_t kZipSizesFollow = 1 << 3;  // flag: CRC and sizes stand behind the data
inline constexpr std::uint32_t kZipInZip64 = 0xffffffff;  // the number stands in the zip64 extra field

}  // namespace spanwatch::content
