#include "image/sniff.h"

#include <array>

#include "image/picture_format.h"

namespace spanwatch::image {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  FileType type;
};
constexpr std::array kMagics = {
    Magic{"%PDF-"sv, FileType::kPdf},
    Magic{"PK\x03\x04"sv, FileType::kZip},
    Magic{"PK\x05\x06"sv, FileType::kZip},
    Magic{"\x1F\x8B\x08"sv, FileType::kGzip},
    Magic{"\x28\xB5\x2F\xFD"sv, FileType::kZstd},
    Magic{"7z\xBC\xAF\x27\x1C"sv, FileType::kSevenZip},
    Magic{"Rar!\x1A\x07"sv, FileType::kRar},
    Magic{"\xFD"
          "7zXZ\0"sv,
          FileType::kXz},
    Magic{"BZh"sv, FileType::kBzip2},
    Magic{"SQLite format 3\0"sv, FileType::kSqlite},
};

}  // namespace

FileType SniffType(ByteView head) noexcept {
  if (const PictureFormat* format = SniffFormat(head)) return format->type;
  const std::string_view text = AsText(head);
  for (const Magic& magic : kMagics) {
    if (text.starts_with(magic.bytes)) return magic.type;
  }
  if (text.size() >= 12 && text.substr(4, 4) == "ftyp") {
    const std::string_view brand = text.substr(8, 4);
    if (brand == "heic" || brand == "heix" || brand == "mif1" || brand == "avif") return FileType::kHeif;
  }
  return FileType::kUnknown;
}

std::string_view MediaType(FileType type) noexcept {
  constexpr std::string_view kNames[] = {"",
                                         "image/jpeg",
                                         "image/png",
                                         "image/gif",
                                         "image/bmp",
                                         "image/tiff",
                                         "image/webp",
                                         "image/heif",
                                         "application/pdf",
                                         "application/zip",
                                         "application/gzip",
                                         "application/zstd",
                                         "application/x-7z-compressed",
                                         "application/vnd.rar",
                                         "application/x-xz",
                                         "application/x-bzip2",
                                         "application/vnd.sqlite3"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace spanwatch::image
