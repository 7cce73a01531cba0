// SniffType: what bytes are, from the first of them. kSniffBytes are enough. Safe from any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace spanwatch::image {

enum class FileType : std::uint8_t {
  kUnknown,
  kJpeg,
  kPng,
  kGif,
  kBmp,
  kTiff,
  kWebp,
  kHeif,
  kPdf,
  kZip,
  kGzip,
  kZstd,
  kSevenZip,
  kRar,
  kXz,
  kBzip2,
  kSqlite,
};

inline constexpr std::size_t kSniffBytes = 32;

FileType SniffType(ByteView head) noexcept;
// IANA media type; empty for kUnknown.
std::string_view MediaType(FileType type) noexcept;

}  // namespace spanwatch::image
