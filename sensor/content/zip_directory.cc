#include "content/zip_directory.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "content/zip_format.h"

namespace spanwatch::content {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kWideEnd = 0x06064b50, kLocator = 0x07064b50;
constexpr std::size_t kEndBytes = 22, kWideEndBytes = 56, kLocatorBytes = 20;
constexpr std::uint16_t kZip64Extra = 1;

struct End {
  std::uint64_t position = 0;  // where the directory ends, in the bytes
  std::uint64_t directory_bytes = 0;
  std::uint64_t directory_offset = 0;
};

// The end record with the zip64 one before it. A comment may hold what looks like one: the last that fits counts.
std::optional<End> FindEnd(ByteView tail) {
  const std::string_view text = AsText(tail);
  for (std::size_t at = text.rfind("PK\5\6"sv); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind("PK\5\6"sv, at - 1)) {
    if (tail.size() - at < kEndBytes) continue;
    ByteReader reader(tail.subspan(at + 12));
    End end{.position = at, .directory_bytes = reader.U32Le(), .directory_offset = reader.U32Le()};
    if (at >= kLocatorBytes + kWideEndBytes && ByteReader(tail.subspan(at - kLocatorBytes)).U32Le() == kLocator) {
      const std::size_t wide_at = at - kLocatorBytes - kWideEndBytes;
      ByteReader wide(tail.subspan(wide_at));
      if (wide.U32Le() == kWideEnd) {
        wide.Skip(36);  // to the size of the directory
        end = {.position = wide_at, .directory_bytes = wide.U64Le(), .directory_offset = wide.U64Le()};
      }
    }
    if (end.directory_bytes <= end.position) return end;
  }
  return std::nullopt;
}

void ReadWideFields(ByteView extra, ZipDirectoryEntry& entry) {
  ByteReader fields(extra);
  while (fields.remaining() >= 4) {
    const std::uint16_t id = fields.U16Le();
    ByteReader field(fields.Take(fields.U16Le()));
    if (id != kZip64Extra) continue;
    if (entry.size == kZipInZip64 && field.remaining() >= 8) entry.size = field.U64Le();
    if (entry.packed == kZipInZip64 && field.remaining() >= 8) entry.packed = field.U64Le();
    if (entry.offset == kZipInZip64 && field.remaining() >= 8) entry.offset = field.U64Le();
    return;
  }
}

void Append(Bytes& bytes, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace

bool ReadZipDirectory(ByteView tail, std::uint64_t tail_offset,
                      const std::function<bool(const ZipDirectoryEntry&)>& entry) {
  const std::optional<End> end = FindEnd(tail);
  if (!end) return false;
  const std::uint64_t begin = end->position - end->directory_bytes;
  // What stands before the archive (a program that unpacks it) is not counted in its offsets as a rule.
  const std::uint64_t before = tail_offset + begin - end->directory_offset;
  ByteReader reader(tail.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end->directory_bytes)));
  while (reader.remaining() >= 46 && reader.U32Le() == kZipCentral) {
    ZipDirectoryEntry listed;
    reader.Skip(4);  // versions
    listed.flags = reader.U16Le();
    listed.method = reader.U16Le();
    listed.time = reader.U32Le();
    listed.crc32 = reader.U32Le();
    listed.packed = reader.U32Le();
    listed.size = reader.U32Le();
    const std::uint16_t name_bytes = reader.U16Le();
    const std::uint16_t extra_bytes = reader.U16Le();
    const std::uint16_t comment_bytes = reader.U16Le();
    reader.Skip(8);  // disk, attributes
    listed.offset = reader.U32Le();
    listed.name = AsText(reader.Take(name_bytes));
    const ByteView extra = reader.Take(extra_bytes);
    reader.Skip(comment_bytes);
    if (!reader.ok()) break;
    ReadWideFields(extra, listed);
    listed.offset += before;
    if (!entry(listed)) break;
  }
  return true;
}

Bytes LocalHeaderOf(const ZipDirectoryEntry& entry) {
  Bytes header;
  Append(header, kZipLocal, 4);
  Append(header, 45, 2);
  Append(header, entry.flags & ~(kZipEncrypted | kZipSizesFollow), 2);
  Append(header, entry.method, 2);
  Append(header, entry.time, 4);
  Append(header, entry.crc32, 4);
  Append(header, kZipInZip64, 4);
  Append(header, kZipInZip64, 4);
  Append(header, entry.name.size(), 2);
  Append(header, 20, 2);
  header.insert(header.end(), entry.name.begin(), entry.name.end());
  Append(header, kZip64Extra, 2);
  Append(header, 16, 2);
  Append(header, entry.size, 8);
  Append(header, entry.packed, 8);
  return header;
}

}  // namespace spanwatch::content
