// What a file is by its first bytes: used to choose layers, to carve, and to tell noise from content. Pure functions.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

enum class FileKind : std::uint8_t {
  kUnknown,
  kPicture,  // of a format that image/formats.def names
  kPdf,
  kOle,
  kGzip,
  kZip,
  kSevenZip,
  kRar,
  kXz,
  kBzip2,
  kZstd,
  kLz4,
  kTar
};

// Wants 512 bytes for a tar header; 32 or fewer suffice for the others.
FileKind KindOfFile(ByteView head);

// Bytes that a plausible beginning needs at most: see IsPlausible.
inline constexpr std::size_t kPlausibleBytes = 32;
// Whether a carved file may begin here: magic and the fields behind it. For kPicture, kGzip, kZip, kSevenZip.
bool IsPlausible(FileKind kind, ByteView bytes);
// APPNOTE.TXT 4.3.7 and 4.3.12: a local file header, a header of the central directory. REQUIRES: their fixed part.
inline constexpr std::size_t kZipLocalBytes = 30, kZipCentralBytes = 46;
bool IsZipLocal(ByteView bytes);
bool IsZipCentral(ByteView bytes);
// A tar header block (POSIX or older): its checksum holds.
bool IsTarHeader(ByteView block);

}  // namespace spanwatch::content
