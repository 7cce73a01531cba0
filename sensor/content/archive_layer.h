// ArchiveLayer: opens the members of an archive that libarchive reads, as they arrive; shared by zip, tar and 7z, which
// only bring their ArchiveFormat. A gap or damage ends the reader; the layer looks for the next header and begins again
// there, and what lies between is searched as raw bytes.
#pragma once

#include "content/archive_reader.h"
#include "content/file_walker.h"
#include "content/layer.h"
#include "content/workbook.h"

namespace spanwatch::content {

struct MemberFacts {
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t begin = 0;  // of its data, in the bytes written to the layer
  std::uint64_t end = 0;
};

// What became of each member, for who reads what is left by other means.
class MemberObserver {
 public:
  virtual ~MemberObserver() = default;
  // Sizes and checksums were as told.
  virtual void OnRead(const MemberFacts& member) noexcept = 0;
  virtual void OnUnread(AnomalyCode reason) noexcept = 0;
};

class ArchiveLayer final : public Layer {
 public:
  // The format lives as long as the program, the observer as long as the layer. Without one the layer itself tells what
  // was not read.
  ArchiveLayer(ObjectNode& object, const ArchiveFormat& format, MemberObserver* observer = nullptr);
  ~ArchiveLayer() override;
  Taken Write(ByteView bytes) noexcept override;
  bool Gap(std::uint64_t length) noexcept override;
  void End(ObjectEnd end) noexcept override;
  // An encrypted member, or encrypted headers, were met.
  bool encrypted() const { return encrypted_told_; }
  // The directory behind the members was read to its end.
  bool whole() const { return whole_; }

 private:
  Taken Read(ByteView bytes);
  ArchiveReader::Event Pump();
  void OpenMember();
  void NoteEncrypted();
  void CloseMember(ObjectEnd end);
  void EndMember();
  void Unread(AnomalyCode reason);
  void StopReading();
  Taken EndMembers(std::uint64_t position, std::uint64_t before, ByteView bytes);
  Taken WalkDirectory(ByteView bytes);
  Taken Look(ByteView bytes, std::size_t used);
  std::size_t FindHeader(ByteView bytes, bool& found) const;

  ObjectNode& object_;
  const ArchiveFormat& format_;
  std::unique_ptr<ArchiveReader> reader_;  // null while looking for the next header
  std::unique_ptr<ObjectNode> member_;
  std::uint64_t member_bytes_ = 0;
  std::uint64_t member_begins_ = 0;
  std::uint32_t member_crc32_ = 0;
  MemberObserver* observer_;
  std::uint64_t read_ = 0;           // members, of all readers
  std::uint64_t written_ = 0;        // bytes, to the layer
  std::uint64_t reader_begins_ = 0;  // of which came before those of this reader
  Workbook workbook_;
  bool in_workbook_ = false;
  std::uint64_t fed_ = 0;      // to this reader
  std::uint64_t members_ = 0;  // of this reader
  int restarts_ = 0;
  Bytes last_;                                   // the last bytes fed, which libarchive may have left unused
  std::optional<ZipDirectoryWalker> directory_;  // behind the members
  bool encrypted_told_ = false;
  bool whole_ = false;
  Bytes pending_;  // while looking: what may be the beginning of a header
};

}  // namespace spanwatch::content
