#include "content/seven_zip_index.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include "base/byte_reader.h"
#include "base/utf8.h"
#include "content/archive_reader.h"

namespace spanwatch::content {
namespace {

enum Id : std::uint8_t {
  kEnd = 0x00,
  kHeader = 0x01,
  kMainStreams = 0x04,
  kFiles = 0x05,
  kPackInfo = 0x06,
  kUnpackInfo = 0x07,
  kSubStreams = 0x08,
  kSizes = 0x09,
  kDigests = 0x0a,
  kFolder = 0x0b,
  kUnpackSizes = 0x0c,
  kStreamCounts = 0x0d,
  kEmptyStream = 0x0e,
  kNames = 0x11,
  kEncodedHeader = 0x17,
};
constexpr std::uint64_t kCopyCoder = 0x00, kLzmaCoder = 0x030101, kAesCoder = 0x06f10701;
constexpr std::size_t kCodersMax = 32;
constexpr std::uint64_t kPackedAllowance = 1 << 20;  // what a small index may unpack to
constexpr std::uint32_t kDictionaryMax = 64 << 20;

using Digest = std::optional<std::uint32_t>;

struct Folder {
  bool encrypted = false;
  std::uint64_t single_coder = UINT64_MAX;  // the method of a folder of one coder
  ByteView properties;
  std::size_t outputs = 0;
  std::size_t main_output = 0;  // the one that no other coder takes
  std::uint64_t unpacked_bytes = 0;
  Digest crc32;
};

struct Stream {
  std::uint64_t size = 0;
  Digest crc32;
  bool encrypted = false;
};

struct Streams {
  std::uint64_t packed_offset = 0;
  std::vector<std::uint64_t> packed_bytes;
  std::vector<Folder> folders;
  std::vector<Stream> streams;  // the files that have content, one after the other
};

// Reads the structures of 7zFormat.txt; failure is sticky, as ByteReader's is. No more than `most` of anything.
class IndexReader {
 public:
  IndexReader(ByteView bytes, std::uint64_t most) : reader_(bytes), most_(most) {}

  bool ok() const { return reader_.ok(); }
  std::uint8_t Byte() { return reader_.U8(); }
  Streams ReadStreams();
  void ReadFiles(const Streams& streams, const std::function<void(const ArchiveEntry&)>& entry);

 private:
  std::uint64_t Number();
  std::size_t Count(std::uint64_t most);
  static std::vector<bool> Bits(ByteReader& reader, std::size_t count);
  std::vector<Digest> ReadDigests(std::size_t count);
  Folder ReadFolder();
  void ReadPackInfo(Streams& streams);
  void ReadUnpackInfo(Streams& streams);
  void ReadSubStreams(Streams& streams);

  ByteReader reader_;
  std::uint64_t most_;
};

// NUMBER: the leading ones of the first byte tell how many bytes follow.
std::uint64_t IndexReader::Number() {
  const std::uint8_t first = reader_.U8();
  const int following = std::countl_one(first);
  std::uint64_t value = 0;
  for (int i = 0; i < following; ++i) value |= std::uint64_t{reader_.U8()} << (8 * i);
  if (following < 7) value |= std::uint64_t{static_cast<std::uint8_t>(first & (0x7f >> following))} << (8 * following);
  return value;
}

std::size_t IndexReader::Count(std::uint64_t most) {
  const std::uint64_t count = Number();
  if (count > most) reader_.Fail();
  return reader_.ok() ? static_cast<std::size_t>(count) : 0;
}

std::vector<bool> IndexReader::Bits(ByteReader& reader, std::size_t count) {
  const ByteView bytes = reader.Take((count + 7) / 8);
  std::vector<bool> bits(reader.ok() ? count : 0);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
  return bits;
}

std::vector<Digest> IndexReader::ReadDigests(std::size_t count) {
  const bool all = reader_.U8() != 0;
  const std::vector<bool> defined = all ? std::vector<bool>(count, true) : Bits(reader_, count);
  std::vector<Digest> digests;
  for (std::size_t i = 0; i < defined.size() && reader_.ok(); ++i) {
    digests.push_back(defined[i] ? Digest(reader_.U32Le()) : std::nullopt);
  }
  return digests;
}

Folder IndexReader::ReadFolder() {
  Folder folder;
  std::size_t inputs = 0;
  const std::size_t coders = Count(kCodersMax);
  for (std::size_t i = 0; i < coders && reader_.ok(); ++i) {
    const std::uint8_t flags = reader_.U8();
    std::uint64_t method = 0;
    for (const std::uint8_t byte : reader_.Take(flags & 0x0f)) method = method << 8 | byte;
    const bool complex = (flags & 0x10) != 0;
    inputs += complex ? Count(kCodersMax) : 1;
    folder.outputs += complex ? Count(kCodersMax) : 1;
    if ((flags & 0x20) != 0) folder.properties = reader_.Take(Count(reader_.remaining()));
    folder.encrypted = folder.encrypted || method == kAesCoder;
    if (coders == 1) folder.single_coder = method;
  }
  if (folder.outputs == 0 || folder.outputs > kCodersMax || inputs < folder.outputs - 1) reader_.Fail();
  std::array<bool, kCodersMax> bound{};
  const std::size_t pairs = reader_.ok() ? folder.outputs - 1 : 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    Number();
    const std::uint64_t output = Number();
    if (output < bound.size()) bound[output] = true;
  }
  const std::size_t packed = reader_.ok() ? inputs - pairs : 0;
  for (std::size_t i = 0; packed > 1 && i < packed; ++i) Number();
  folder.main_output = static_cast<std::size_t>(std::ranges::find(bound, false) - bound.begin());
  return folder;
}

void IndexReader::ReadPackInfo(Streams& streams) {
  streams.packed_offset = Number();
  const std::size_t count = Count(most_);
  for (std::uint8_t id = reader_.U8(); id != kEnd && reader_.ok(); id = reader_.U8()) {
    if (id == kSizes) {
      for (std::size_t i = 0; i < count && reader_.ok(); ++i) streams.packed_bytes.push_back(Number());
    } else if (id == kDigests) {
      ReadDigests(count);
    } else {
      reader_.Fail();
    }
  }
}

void IndexReader::ReadUnpackInfo(Streams& streams) {
  if (reader_.U8() != kFolder) reader_.Fail();
  const std::size_t count = Count(most_);
  if (reader_.U8() != 0) reader_.Fail();  // kept elsewhere
  for (std::size_t i = 0; i < count && reader_.ok(); ++i) streams.folders.push_back(ReadFolder());
  if (reader_.U8() != kUnpackSizes) reader_.Fail();
  for (Folder& folder : streams.folders) {
    for (std::size_t i = 0; i < folder.outputs && reader_.ok(); ++i) {
      const std::uint64_t size = Number();
      if (i == folder.main_output) folder.unpacked_bytes = size;
    }
  }
  for (std::uint8_t id = reader_.U8(); id != kEnd && reader_.ok(); id = reader_.U8()) {
    if (id != kDigests) reader_.Fail();
    const std::vector<Digest> digests = ReadDigests(streams.folders.size());
    for (std::size_t i = 0; i < digests.size(); ++i) streams.folders[i].crc32 = digests[i];
  }
}

// Sizes are told of all streams of a folder but the last, digests of those that the folder's does not tell.
void IndexReader::ReadSubStreams(Streams& streams) {
  std::vector<std::size_t> counts(streams.folders.size(), 1);
  std::uint8_t id = reader_.U8();
  std::uint64_t left_to_read = most_;
  if (id == kStreamCounts) {
    for (std::size_t& count : counts) {
      count = Count(left_to_read);
      left_to_read -= count;
    }
    id = reader_.U8();
  }
  for (std::size_t i = 0; i < counts.size() && reader_.ok(); ++i) {
    const Folder& folder = streams.folders[i];
    std::uint64_t left = folder.unpacked_bytes;
    for (std::size_t k = 0; k < counts[i]; ++k) {
      Stream stream{.size = left, .encrypted = folder.encrypted};
      if (k + 1 < counts[i]) stream.size = id == kSizes ? Number() : 0;
      left -= std::min(left, stream.size);
      if (counts[i] == 1) stream.crc32 = folder.crc32;
      streams.streams.push_back(stream);
    }
  }
  if (id == kSizes) id = reader_.U8();
  for (; id != kEnd && reader_.ok(); id = reader_.U8()) {
    if (id != kDigests) reader_.Fail();
    const auto unknown = std::ranges::count_if(streams.streams, [](const Stream& stream) { return !stream.crc32; });
    const std::vector<Digest> digests = ReadDigests(static_cast<std::size_t>(unknown));
    auto digest = digests.begin();
    for (Stream& stream : streams.streams) {
      if (!stream.crc32 && digest != digests.end()) stream.crc32 = *digest++;
    }
  }
}

Streams IndexReader::ReadStreams() {
  Streams streams;
  bool divided = false;
  for (std::uint8_t id = reader_.U8(); id != kEnd && reader_.ok(); id = reader_.U8()) {
    switch (id) {
      case kPackInfo:
        ReadPackInfo(streams);
        break;
      case kUnpackInfo:
        ReadUnpackInfo(streams);
        break;
      case kSubStreams:
        divided = true;
        ReadSubStreams(streams);
        break;
      default:
        reader_.Fail();
    }
  }
  if (divided) return streams;
  for (const Folder& folder : streams.folders) {
    streams.streams.push_back({folder.unpacked_bytes, folder.crc32, folder.encrypted});
  }
  return streams;
}

// UTF-16LE up to a NUL, as UTF-8; half a pair becomes a question mark.
std::string TakeName(ByteReader& reader) {
  std::string name;
  for (std::uint32_t unit = reader.U16Le(); unit != 0 && reader.ok(); unit = reader.U16Le()) {
    if (unit >= 0xd800 && unit < 0xdc00) unit = 0x10000 + ((unit & 0x3ff) << 10) + (reader.U16Le() & 0x3ff);
    if (name.size() >= kMemberNameBytes) continue;
    AppendUtf8(unit >= 0xdc00 && unit < 0xe000 ? U'?' : unit, name);
  }
  return name;
}

void IndexReader::ReadFiles(const Streams& streams, const std::function<void(const ArchiveEntry&)>& entry) {
  const std::size_t count = Count(most_);
  std::vector<bool> empty;
  ByteView names;
  for (std::uint64_t id = Number(); id != kEnd && reader_.ok(); id = Number()) {
    ByteReader property(reader_.Take(Count(reader_.remaining())));
    if (id == kEmptyStream) empty = Bits(property, count);
    if (id == kNames && property.U8() == 0) names = property.rest();
  }
  ByteReader name_reader(names);
  auto stream = streams.streams.begin();
  for (std::size_t i = 0; i < count && stream != streams.streams.end(); ++i) {
    const std::string name = TakeName(name_reader);
    if (i < empty.size() && empty[i]) continue;
    if (stream->encrypted) entry({.name = name, .size = stream->size, .crc32 = stream->crc32});
    ++stream;
  }
}

// LZMA without an end marker: done when everything has come out.
bool Lzma(ByteView packed, ByteView properties, Bytes& out) {
  lzma_filter filters[] = {{LZMA_FILTER_LZMA1, nullptr}, {LZMA_VLI_UNKNOWN, nullptr}};
  if (lzma_properties_decode(filters, nullptr, properties.data(), properties.size()) != LZMA_OK) return false;
  lzma_stream stream = LZMA_STREAM_INIT;
  const bool sane = static_cast<lzma_options_lzma*>(filters[0].options)->dict_size <= kDictionaryMax;
  if (sane && lzma_raw_decoder(&stream, filters) == LZMA_OK) {
    stream.next_in = packed.data();
    stream.avail_in = packed.size();
    stream.next_out = out.data();
    stream.avail_out = out.size();
    while (stream.avail_out > 0 && lzma_code(&stream, LZMA_RUN) == LZMA_OK) {
    }
  }
  const bool whole = sane && stream.avail_out == 0 && stream.next_out != nullptr;
  lzma_end(&stream);
  std::free(filters[0].options);
  return whole;
}

// The bytes from `offset` on, counted from the archive's beginning; empty when they are not all in `tail`.
ByteView PartOf(ByteView tail, std::uint64_t tail_offset, std::uint64_t offset, std::uint64_t length) {
  if (offset < tail_offset || offset - tail_offset > tail.size()) return {};
  const ByteView from = tail.subspan(static_cast<std::size_t>(offset - tail_offset));
  return length <= from.size() ? from.first(static_cast<std::size_t>(length)) : ByteView();
}

}  // namespace

std::optional<SevenZipHead> ReadSevenZipHead(ByteView head) {
  constexpr std::uint64_t kSane = std::uint64_t{1} << 48;
  ByteReader reader(head);
  reader.Skip(12);  // signature, version, CRC of what follows
  const std::uint64_t offset = reader.U64Le();
  const std::uint64_t length = reader.U64Le();
  if (!reader.ok() || offset > kSane || length > kSane) return std::nullopt;
  return SevenZipHead{kSevenZipHeadBytes + offset, length};
}

SevenZipIndexResult ReadSevenZipIndex(const SevenZipHead& head, ByteView tail, const SevenZipLimits& limits,
                                      const std::function<void(const ArchiveEntry&)>& entry) {
  using Result = SevenZipIndexResult;
  if (tail.size() > head.end()) return Result::kUnreadable;
  const std::uint64_t tail_offset = head.end() - tail.size();
  Bytes unpacked;
  ByteView index = PartOf(tail, tail_offset, head.index_offset, head.index_bytes);
  // Packed once as a rule; packing it again and again gains nothing.
  for (int layers = 0; !index.empty() && index[0] == kEncodedHeader; ++layers) {
    IndexReader reader(index.subspan(1), limits.entries);
    const Streams streams = reader.ReadStreams();
    if (!reader.ok() || streams.folders.size() != 1 || streams.packed_bytes.empty()) return Result::kUnreadable;
    const Folder& folder = streams.folders.front();
    if (folder.encrypted) return Result::kEncrypted;
    const std::uint64_t packed_bytes = streams.packed_bytes.front();
    const ByteView packed = PartOf(tail, tail_offset, kSevenZipHeadBytes + streams.packed_offset, packed_bytes);
    const std::uint64_t allowed =
        std::min(limits.unpacked_bytes, kPackedAllowance + packed.size() * limits.unpacked_ratio);
    if (layers > 0 || packed.empty() || folder.unpacked_bytes > allowed) return Result::kUnreadable;
    unpacked.resize(static_cast<std::size_t>(folder.unpacked_bytes));
    const bool copied = folder.single_coder == kCopyCoder && packed.size() == unpacked.size();
    if (copied) std::ranges::copy(packed, unpacked.begin());
    if (!copied && (folder.single_coder != kLzmaCoder || !Lzma(packed, folder.properties, unpacked))) {
      return Result::kUnreadable;
    }
    index = unpacked;
  }
  IndexReader reader(index, limits.entries);
  Streams streams;
  if (reader.Byte() != kHeader) return Result::kUnreadable;
  for (std::uint8_t id = reader.Byte(); id != kEnd && reader.ok(); id = reader.Byte()) {
    if (id == kMainStreams) {
      streams = reader.ReadStreams();
    } else if (id == kFiles) {
      reader.ReadFiles(streams, entry);
    } else {
      return Result::kUnreadable;  // archive properties and additional streams: nobody writes them
    }
  }
  return reader.ok() ? Result::kRead : Result::kUnreadable;
}

}  // namespace spanwatch::content
