#include "content/zip_entry_reader.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "content/file_magic.h"
#include "content/magic_scan.h"
#include "content/object_node.h"
#include "content/zip_format.h"

namespace spanwatch::content {
namespace {

constexpr std::uint32_t kDescriptor = 0x08074b50;
constexpr std::size_t kSignatureBytes = 4;
constexpr std::size_t kDescriptorBytes = 16, kWideDescriptorBytes = 24;
constexpr std::uint16_t kMasked = 1 << 13;

struct Header {
  std::uint16_t flags = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  ByteView name;
  ByteView extra;
};

// The fields that both headers share, from the flags on; then those behind the lengths are skipped.
Header ReadFields(ByteReader& reader, bool central) {
  Header header;
  header.flags = reader.U16Le();
  reader.Skip(6);  // method, time, date
  header.crc32 = reader.U32Le();
  header.packed = reader.U32Le();
  header.size = reader.U32Le();
  const std::uint16_t name_bytes = reader.U16Le();
  const std::uint16_t extra_bytes = reader.U16Le();
  if (central) reader.Skip(14);  // comment's length, disk, attributes, offset
  header.name = reader.Take(name_bytes);
  header.extra = reader.Take(extra_bytes);
  return header;
}

// Zip64 sizes, and whether WinZip's AE-2 hides the CRC-32.
bool ReadExtra(Header& header) {
  bool hidden = false;
  ByteReader fields(header.extra);
  while (fields.remaining() >= 4) {
    const std::uint16_t id = fields.U16Le();
    const std::uint16_t length = fields.U16Le();
    ByteReader field(fields.Take(length));
    if (id == 0x0001) {
      if (header.size == kZipInZip64) header.size = field.U64Le();
      if (header.packed == kZipInZip64) header.packed = field.U64Le();
    } else if (id == 0x9901) {
      hidden = field.U16Le() != 1;
    }
  }
  return hidden;
}

std::uint32_t SignatureOf(ByteView bytes) { return ByteReader(bytes).U32Le(); }

}  // namespace

void ZipEntryReader::Write(ByteView bytes) {
  if (held_.empty()) {
    const std::size_t done = Run(bytes, false);
    held_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(done), bytes.end());
    return;
  }
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  if (held_.size() < needed_) return;
  const std::size_t done = Run(held_, false);
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(done));
}

void ZipEntryReader::Gap(std::uint64_t length) {
  Run(held_, true);
  held_.clear();
  position_ += length;
}

void ZipEntryReader::End() {
  Run(held_, true);
  held_.clear();
  TellWaiting();
}

// Reads the records in `bytes`; returns how many bytes are done with. `last`: nothing follows them.
std::size_t ZipEntryReader::Run(ByteView bytes, bool last) {
  std::size_t at = 0;
  const std::uint64_t begin = position_;
  while (at < bytes.size()) {
    at = FindPair(bytes, at, 'P', 'K');
    position_ = begin + at;
    if (at == bytes.size()) break;
    used_ = 1;
    const Record record = Read(bytes.subspan(at));
    if (record == Record::kIncomplete && !last) break;
    at += record == Record::kRead ? used_ : 1;
  }
  position_ = begin + at;
  return at;
}

ZipEntryReader::Record ZipEntryReader::Read(ByteView bytes) {
  needed_ = kSignatureBytes;
  if (bytes.size() < needed_) return Record::kIncomplete;
  switch (SignatureOf(bytes)) {
    case kZipLocal:
      return ReadHeader(bytes, false);
    case kZipCentral:
      return ReadHeader(bytes, true);
    case kDescriptor:
      return ReadDescriptor(bytes);
    default:
      return Record::kNone;
  }
}

ZipEntryReader::Record ZipEntryReader::ReadHeader(ByteView bytes, bool central) {
  needed_ = central ? kZipCentralBytes : kZipLocalBytes;
  if (bytes.size() < needed_) return Record::kIncomplete;
  if (!(central ? IsZipCentral(bytes) : IsZipLocal(bytes))) return Record::kNone;
  ByteReader lengths(bytes.subspan(central ? 28 : 26));
  needed_ += lengths.U16Le();
  needed_ += lengths.U16Le();
  if (bytes.size() < needed_) return Record::kIncomplete;
  used_ = needed_;
  ByteReader reader(bytes);
  reader.Skip(central ? 8 : 6);
  Header header = ReadFields(reader, central);
  const bool hidden = ReadExtra(header);
  TellWaiting();
  if ((header.flags & kZipEncrypted) == 0 || (header.flags & kMasked) != 0) return Record::kRead;
  Entry entry{.name = std::string(AsText(header.name)),
              .size = header.size,
              .packed = header.packed,
              .data_begins = position_ + used_,
              .sizes_follow = header.packed == 0};
  if (!hidden) entry.crc32 = header.crc32;
  if (!central && (header.flags & kZipSizesFollow) != 0) {
    waiting_ = std::move(entry);
  } else {
    Tell(entry);
  }
  return Record::kRead;
}

// Believed where it tells the length of the data before it. Its sizes have 4 bytes each or, with zip64, 8: then what
// would be the size is zero, as of an empty entry, which the next record follows at once.
ZipEntryReader::Record ZipEntryReader::ReadDescriptor(ByteView bytes) {
  if (!waiting_) return Record::kNone;
  needed_ = kDescriptorBytes;
  if (bytes.size() < needed_) return Record::kIncomplete;
  const std::uint64_t length = position_ - waiting_->data_begins;
  ByteReader reader(bytes);
  reader.Skip(kSignatureBytes);
  const std::uint32_t crc32 = reader.U32Le();
  ByteReader wide(reader.rest());
  std::uint64_t packed = reader.U32Le();
  std::uint64_t size = reader.U32Le();
  used_ = kDescriptorBytes;
  if (packed == length && size == 0) {
    needed_ = kDescriptorBytes + 2;
    if (bytes.size() < needed_) return Record::kIncomplete;
  }
  const bool followed = bytes.size() > kDescriptorBytes + 1 && AsText(bytes).substr(kDescriptorBytes, 2) == "PK";
  if (packed != length || (size == 0 && !followed)) {
    needed_ = kWideDescriptorBytes;
    if (bytes.size() < needed_) return Record::kIncomplete;
    packed = wide.U64Le();
    size = wide.U64Le();
    used_ = kWideDescriptorBytes;
  }
  if (packed != length) return Record::kNone;
  if (waiting_->crc32) waiting_->crc32 = crc32;
  waiting_->size = size;
  waiting_->sizes_follow = false;
  TellWaiting();
  return Record::kRead;
}

// Its descriptor never came: what the header told counts, if it told anything.
void ZipEntryReader::TellWaiting() {
  if (waiting_ && !waiting_->sizes_follow && waiting_->crc32.value_or(1) != 0) Tell(*waiting_);
  waiting_.reset();
}

void ZipEntryReader::Tell(const Entry& entry) {
  object_.NoteArchiveEntry(
      {.name = entry.name, .size = entry.size, .crc32 = entry.crc32 == 0 ? std::nullopt : entry.crc32});
}

}  // namespace spanwatch::content
