#include "content/file_magic.h"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.h"
#include "content/zip_format.h"
#include "image/picture_format.h"

namespace spanwatch::content {
namespace {

using namespace std::string_view_literals;

struct Magic {
  FileKind kind;
  std::string_view bytes;
};

constexpr Magic kMagics[] = {
    {FileKind::kPdf, "%PDF-"sv},
    {FileKind::kOle, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv},
    {FileKind::kGzip, "\x1f\x8b\x08"sv},
    {FileKind::kZip, "PK\x03\x04"sv},
    {FileKind::kZip, "PK\x05\x06"sv},
    {FileKind::kSevenZip, "7z\xbc\xaf\x27\x1c"sv},
    {FileKind::kRar, "Rar!\x1a\x07"sv},
    {FileKind::kXz,
     "\xfd"
     "7zXZ\0"sv},
    {FileKind::kBzip2, "BZh"sv},
    {FileKind::kZstd, "\x28\xb5\x2f\xfd"sv},
    {FileKind::kLz4, "\x04\x22\x4d\x18"sv},
    {FileKind::kLz4, "\x02\x21\x4c\x18"sv},
};

bool StartsWith(ByteView bytes, std::string_view prefix) { return AsText(bytes).starts_with(prefix); }

// Version needed, flags, method, 16 bytes of time, digest and sizes, length of the name. Readers that go by the
// directory pass over all but the last, whatever they say.
bool AreZipFields(ByteReader& reader) {
  reader.Skip(22);
  const std::uint16_t name_length = reader.U16Le();
  return reader.ok() && name_length > 0 && name_length <= 4096;
}

// RFC 1952 section 2.3. Reserved flags are zero; the extra flags and the system have few values.
bool IsGzipMember(ByteView bytes) {
  if (bytes.size() < 10 || !StartsWith(bytes, "\x1f\x8b\x08"sv) || (bytes[3] & 0xe0) != 0) return false;
  return (bytes[8] == 0 || bytes[8] == 2 || bytes[8] == 4) && (bytes[9] <= 13 || bytes[9] == 255);
}

// Frames to skip (RFC 8878 section 3.1.2; LZ4 has the same): pzstd and the seekable format begin with them. What
// follows them tells; of a frame longer than the head nothing follows, and zstd is the one that is met.
FileKind KindBehindSkippable(ByteView head) {
  ByteReader reader(head);
  bool skipped = false;
  while (reader.remaining() >= 8) {
    const std::uint32_t magic = ByteReader(reader.rest()).U32Le();
    if ((magic & 0xfffffff0) != 0x184d2a50) {
      if (skipped && magic == 0x184d2204) return FileKind::kLz4;
      return skipped && magic == 0xfd2fb528 ? FileKind::kZstd : FileKind::kUnknown;
    }
    reader.Skip(4);
    const std::uint32_t length = reader.U32Le();
    skipped = true;
    if (length >= reader.remaining()) return FileKind::kZstd;
    reader.Skip(length);
  }
  return skipped ? FileKind::kZstd : FileKind::kUnknown;
}

}  // namespace

FileKind KindOfFile(ByteView head) {
  for (const Magic& magic : kMagics) {
    if (StartsWith(head, magic.bytes)) return magic.kind;
  }
  if (const FileKind kind = KindBehindSkippable(head); kind != FileKind::kUnknown) return kind;
  if (image::SniffFormat(head) != nullptr) return FileKind::kPicture;
  return IsTarHeader(head) ? FileKind::kTar : FileKind::kUnknown;
}

bool IsPlausible(FileKind kind, ByteView bytes) {
  switch (kind) {
    case FileKind::kPicture: {
      const image::PictureFormat* format = image::SniffFormat(bytes);
      return format != nullptr && format->plausible(bytes);
    }
    case FileKind::kGzip:
      return IsGzipMember(bytes);
    case FileKind::kZip:
      return IsZipLocal(bytes);
    case FileKind::kSevenZip:
      return bytes.size() >= 32 && StartsWith(bytes, "7z\xbc\xaf\x27\x1c\0"sv);
    default:
      return false;
  }
}

bool IsZipLocal(ByteView bytes) {
  ByteReader reader(bytes);
  return reader.U32Le() == kZipLocal && AreZipFields(reader);
}

bool IsZipCentral(ByteView bytes) {
  ByteReader reader(bytes);
  const bool signature = reader.U32Le() == 0x02014b50;
  reader.Skip(2);  // version made by
  return signature && AreZipFields(reader);
}

// POSIX ustar: the octal number at 148 is the sum of the block's bytes with that field as spaces.
bool IsTarHeader(ByteView block) {
  constexpr std::size_t kBlock = 512, kSum = 148, kSumLength = 8;
  if (block.size() < kBlock || block[0] == 0) return false;
  std::uint32_t told = 0;
  for (std::size_t i = kSum; i < kSum + kSumLength; ++i) {
    if (block[i] >= '0' && block[i] <= '7') {
      told = told * 8 + (block[i] - '0');
    } else if (block[i] != ' ' && block[i] != 0) {
      return false;
    }
  }
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= kSum && i < kSum + kSumLength ? ' ' : block[i];
  return told == sum;
}

}  // namespace spanwatch::content
