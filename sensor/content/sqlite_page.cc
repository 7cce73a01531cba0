#include "content/sqlite_page.h"

#include <algorithm>
#include <bit>

#include "base/byte_reader.h"
#include "base/utf8.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::uint8_t kIndexInterior = 2, kIndexLeaf = 10, kTableLeaf = 13;
constexpr std::uint64_t kFirstBlob = 12;

// One to nine bytes, the highest first, seven bits each and eight of the ninth.
std::uint64_t Varint(ByteReader& reader) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    const std::uint8_t byte = reader.U8();
    value = value << 7 | (byte & 0x7F);
    if (byte < 0x80) return value;
  }
  return value << 8 | reader.U8();
}

std::size_t BytesOf(std::uint64_t type) {
  constexpr std::uint8_t kNumbers[kFirstBlob] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  if (type < kFirstBlob) return kNumbers[type];
  return static_cast<std::size_t>(std::min<std::uint64_t>((type - kFirstBlob) / 2, SIZE_MAX));
}

void AppendText(ByteView text, SqliteText encoding, std::string& rows) {
  if (encoding == SqliteText::kUtf8) {
    rows += AsText(text);
    return;
  }
  ByteReader reader(text);
  while (reader.remaining() >= 2) {
    char32_t unit = encoding == SqliteText::kUtf16Le ? reader.U16Le() : reader.U16Be();
    if (unit >= 0xD800 && unit < 0xDC00 && reader.remaining() >= 2) {
      const char32_t low = encoding == SqliteText::kUtf16Le ? reader.U16Le() : reader.U16Be();
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low & 0x3FF);
    }
    AppendUtf8(unit, rows);
  }
}

void AppendInteger(ByteView bytes, std::string& rows) {
  std::uint64_t value = (bytes.front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  rows += std::to_string(static_cast<std::int64_t>(value));
}

// A record begins with the length of its header and the type of each value; the values follow without separators.
void AppendRecord(ByteView record, const SqliteForm& form, std::string& rows) {
  ByteReader lengths(record);
  const std::uint64_t header = Varint(lengths);
  if (!lengths.ok() || header < lengths.position() || header > record.size()) return;
  ByteReader types(record.subspan(lengths.position(), static_cast<std::size_t>(header) - lengths.position()));
  ByteReader values(record.subspan(static_cast<std::size_t>(header)));
  while (types.remaining() > 0) {
    const std::uint64_t type = Varint(types);
    if (!types.ok()) break;
    // The end of a long value lies on other pages.
    const ByteView value = values.Take(std::min(BytesOf(type), values.remaining()));
    if (type > kFirstBlob && type % 2 == 1) {
      AppendText(value, form.text, rows);
    } else if (type >= 1 && type <= 6 && value.size() == BytesOf(type)) {
      AppendInteger(value, rows);
    } else if (type == 8 || type == 9) {
      rows += type == 8 ? '0' : '1';
    }
    rows += '\t';
  }
  rows += '\n';
}

// How much of a record of `size` bytes lies on its own page.
std::size_t BytesOnPage(std::uint64_t size, std::size_t usable, bool table) {
  const std::size_t most = table ? usable - 35 : (usable - 12) * 64 / 255 - 23;
  if (size <= most) return static_cast<std::size_t>(size);
  const std::size_t least = (usable - 12) * 32 / 255 - 23;
  const std::size_t wanted = least + static_cast<std::size_t>((size - least) % (usable - 4));
  return wanted <= most ? wanted : least;
}

}  // namespace

std::optional<SqliteForm> ReadSqliteHeader(ByteView head) {
  ByteReader reader(head);
  if (AsText(reader.Take(kMagic.size())) != kMagic) return std::nullopt;
  SqliteForm form;
  const std::size_t page = reader.U16Be();
  form.page_bytes = page == 1 ? 65536 : page;
  reader.Skip(2);
  form.reserved_bytes = reader.U8();
  reader.Skip(35);
  const std::uint32_t encoding = reader.U32Be();
  form.text = encoding == 2 ? SqliteText::kUtf16Le : encoding == 3 ? SqliteText::kUtf16Be : SqliteText::kUtf8;
  const bool valid = reader.ok() && form.page_bytes >= 512 && std::has_single_bit(form.page_bytes) &&
                     form.page_bytes - form.reserved_bytes >= 480;
  return valid ? std::optional(form) : std::nullopt;
}

void AppendSqliteRows(ByteView page, std::size_t header, const SqliteForm& form, std::string& rows) {
  ByteReader reader(page);
  reader.Skip(header);
  const std::uint8_t kind = reader.U8();
  if (kind != kTableLeaf && kind != kIndexLeaf && kind != kIndexInterior) return;
  reader.Skip(2);
  const std::size_t cells = reader.U16Be();
  reader.Skip(kind == kIndexInterior ? 7 : 3);
  const std::size_t usable = page.size() - form.reserved_bytes;
  // The cells of a page do not overlap: more than fits is damaged or hostile.
  std::size_t left = usable;
  for (std::size_t i = 0; i < cells; ++i) {
    const std::size_t at = reader.U16Be();
    if (!reader.ok() || at >= usable) return;
    ByteReader cell(page.subspan(at, usable - at));
    if (kind == kIndexInterior) cell.Skip(4);
    const std::uint64_t size = Varint(cell);
    if (kind == kTableLeaf) Varint(cell);
    const ByteView record = cell.Take(BytesOnPage(size, usable, kind == kTableLeaf));
    if (!cell.ok() || record.size() > left) return;
    left -= record.size();
    if (!record.empty()) AppendRecord(record, form, rows);
  }
}

}  // namespace spanwatch::content
