// ZipEntryReader: what a zip tells of its encrypted entries without the password: names, sizes and CRC-32 from local
// headers, data descriptors and the central directory (APPNOTE.TXT 4.3.7, 4.3.9, 4.3.12), WinZip's AE-1 and AE-2 by
// their extra field (0x9901).
//
// It looks at every byte and follows no length, so that a lost beginning, a gap or a lying header hides nothing behind
// it. Entries go to the object that the bytes belong to. Any split of the bytes gives the same; holds at most one
// record (128 KiB). Used by the zip layer over an archive, by the zip entries layer over raw bytes. Inspector thread
// only.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "model/object.h"

namespace spanwatch::content {

class ObjectNode;

class ZipEntryReader {
 public:
  explicit ZipEntryReader(ObjectNode& object) : object_(object) {}

  void Write(ByteView bytes);
  void Gap(std::uint64_t length);
  // What is held may be a record all the same.
  void End();

 private:
  // Of one entry, from a header.
  struct Entry {
    std::string name;
    std::uint64_t size = 0;
    std::uint64_t packed = 0;
    std::optional<std::uint32_t> crc32;
    std::uint64_t data_begins = 0;  // offset in the stream
    bool sizes_follow = false;      // this header does not know them yet
  };
  enum class Record : std::uint8_t { kNone, kIncomplete, kRead };

  std::size_t Run(ByteView bytes, bool last);
  // A record at the beginning of `bytes`; `needed_` when it is incomplete, `used_` when it was read.
  Record Read(ByteView bytes);
  Record ReadHeader(ByteView bytes, bool central);
  Record ReadDescriptor(ByteView bytes);
  void Tell(const Entry& entry);
  void TellWaiting();

  ObjectNode& object_;
  Bytes held_;                  // from a possible record on
  std::uint64_t position_ = 0;  // of the first byte in hand
  std::size_t needed_ = 0;      // bytes until it can be told what the held ones are
  std::size_t used_ = 0;
  std::optional<Entry> waiting_;  // for its data descriptor
};

}  // namespace spanwatch::content
