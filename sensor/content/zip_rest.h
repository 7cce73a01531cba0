// ZipRest: what a zip's local headers did not lead to. A zip is read as it streams, by the headers before its members;
// most programs read it by the directory at its end, and some writers (and whoever hides something) let the two differ:
// sizes of zero, another method, a flag "encrypted", members that have no header in the row. So the bytes of no member
// that was read in good order are held, up to content.held_bytes; at the end the directory tells which members they
// are. Where there is none, the members whose local headers are held are read as far as they end by themselves: behind
// one without the descriptor that its header promises, libarchive takes the next header for it.
//
// Owned by the zip layer, which writes every byte here before the ArchiveLayer that this observes. Inspector thread
// only.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "content/archive_layer.h"
#include "content/codec_layer.h"
#include "content/object_node.h"
#include "content/zip_directory.h"

namespace spanwatch::content {

class ZipRest final : public MemberObserver {
 public:
  ZipRest(ObjectNode& object, const ArchiveFormat& format) : object_(object), format_(format) {}

  void Write(ByteView bytes);
  // The last `length` bytes did not belong to the archive.
  void Forget(std::size_t length) { open_.bytes.resize(open_.bytes.size() - std::min(length, open_.bytes.size())); }
  // Offsets are lost: nothing is read by the directory any more.
  void Gap();
  // Reads what is left and tells what cannot be read.
  void Finish();
  // Bytes that are kept.
  std::uint64_t held() const { return left_ + open_.bytes.capacity(); }

  void OnRead(const MemberFacts& member) noexcept override;
  void OnUnread(AnomalyCode reason) noexcept override;

 private:
  // A run of the archive that is held.
  struct Run {
    std::uint64_t offset = 0;  // of the first byte, in the archive
    Bytes bytes;
    std::uint64_t end() const { return offset + bytes.size(); }
  };
  using Member = std::pair<std::uint64_t, std::uint32_t>;  // size, CRC-32

  void Settle();
  void Release(std::uint64_t begin, std::uint64_t end);
  void TakeEntry(const ZipDirectoryEntry& entry);
  ByteView DataOf(const ZipDirectoryEntry& entry) const;
  void ReadEntry(const ZipDirectoryEntry& entry, ByteView data);
  void ReadByCodec(const ZipDirectoryEntry& entry, ByteView data);
  void ReadByHeaders();
  std::uint64_t ReadMemberAt(ByteView bytes);
  std::unique_ptr<Codec> CodecOf(std::uint16_t method) const;
  void TellUnread();

  ObjectNode& object_;
  const ArchiveFormat& format_;
  std::vector<Run> runs_;      // before the open one
  Run open_;                   // up to the last byte written
  std::uint64_t settled_ = 0;  // bytes before this offset in the open run are no longer wanted
  std::uint64_t left_ = 0;     // bytes in runs_
  bool over_limit_ = false;    // something was dropped
  bool lost_ = false;          // a gap
  std::set<Member> read_;      // in good order
  std::map<AnomalyCode, std::uint64_t> unread_;
  std::uint64_t spent_ = 0;  // bytes read again
};

}  // namespace spanwatch::content
