// ArchiveReader: libarchive, which pulls, turned into a reader that is pushed: bytes go in with Feed, events come out
// of Next. libarchive runs on a Fiber; whoever calls Next runs on its own stack, so that what the members contain may
// be opened there to any depth.
//
//   Feed (Next until kNeedInput or an ending)*; a view in an event is valid until the next call.
// Inspector thread only.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "content/fiber.h"
#include "telemetry/anomaly_codes.h"

struct archive;

namespace spanwatch::content {

inline constexpr std::size_t kMemberNameBytes = 240;  // what is kept of a member's name

struct ArchiveFormat {
  std::string_view name;              // first word of the members' provenance step
  int (*enable)(archive*) = nullptr;  // archive_read_support_format_...
  bool seeks = false;                 // the whole archive is in memory: it is given to one Feed
  bool directory = false;             // zip's directory follows the members
  // Where reading may begin again behind damage: `magic` at `magic_offset` of a header for which is_header holds.
  std::string_view magic;
  std::size_t magic_offset = 0;
  std::size_t header_bytes = 0;
  bool (*is_header)(ByteView) = nullptr;
};

struct ArchiveMember {
  std::string name;
  std::optional<std::uint64_t> size;
  bool passed_over = false;  // a directory, a link, a device: no content
  bool encrypted = false;
  bool stored = false;  // its bytes are a run of the archive's bytes
};

class ArchiveReader {
 public:
  enum class Event : std::uint8_t { kNeedInput, kMember, kData, kMemberEnd, kMemberBroken, kEnd, kBroken };

  explicit ArchiveReader(const ArchiveFormat& format);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  // REQUIRES: Next returned kNeedInput, or nothing was fed yet. The bytes must stay until Next returns kNeedInput
  // again.
  void Feed(ByteView bytes) { input_ = bytes; }
  // No more comes.
  void FeedEnd() { input_ended_ = true; }
  Event Next();

  const ArchiveMember& member() const { return member_; }
  ByteView data() const { return data_; }
  std::uint64_t data_offset() const { return data_offset_; }  // in the member; beyond what came before: a hole
  bool headers_encrypted() const { return headers_encrypted_; }
  // At kMemberEnd: whether sizes and checksums were as told.
  bool clean() const { return clean_; }
  // Of all that was fed, at kMember where its data begin, at kMemberEnd where they end (of an archive that does not
  // seek).
  std::uint64_t position() const { return position_; }
  AnomalyCode unread() const { return unread_; }  // at kMemberBroken: why (unread_*)
  // Bytes of all that was fed that the archive used; after an ending.
  std::uint64_t used() const { return used_; }

 private:
  struct Callbacks;

  void Run();
  bool ReadMember(archive* handle);
  void Tell(Event event);

  const ArchiveFormat& format_;
  ByteView input_;
  std::uint64_t position_ = 0;
  bool input_ended_ = false;
  Event event_ = Event::kNeedInput;
  ArchiveMember member_;
  ByteView data_;
  std::uint64_t data_offset_ = 0;
  std::uint64_t used_ = 0;
  bool headers_encrypted_ = false;
  bool clean_ = true;
  AnomalyCode unread_ = AnomalyCode::unread_damaged;
  Fiber fiber_;  // last: its end uses what stands above
};

}  // namespace spanwatch::content
