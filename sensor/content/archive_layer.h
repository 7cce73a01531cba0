// ArchiveLayer: opens the members of an archive that libarchive reads, as they arrive; shared by zip, tar and 7z, which
// only bring their ArchiveFormat. A gap or damage ends the reader; the layer looks for the next header and begins again
// there, and what lies between is searched as raw bytes.
#pragma once

#include "content/archive_reader.h"
#include "content/file_walker.h"
#include "content/layer.h"
#include "content/workbook.h"

namespace spanwatch::content {

class ArchiveLayer final : public Layer {
 public:
  // The format lives as long as the program.
  ArchiveLayer(ObjectNode& object, const ArchiveFormat& format);
  ~ArchiveLayer() override;
  Taken Write(ByteView bytes) noexcept override;
  bool Gap(std::uint64_t length) noexcept override;
  void End(ObjectEnd end) noexcept override;
  // An encrypted member, or encrypted headers, were met.
  bool encrypted() const { return encrypted_told_; }

 private:
  Taken Read(ByteView bytes);
  ArchiveReader::Event Pump();
  void OpenMember();
  void NoteEncrypted();
  void CloseMember(ObjectEnd end);
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
  Workbook workbook_;
  bool in_workbook_ = false;
  std::uint64_t fed_ = 0;      // to this reader
  std::uint64_t members_ = 0;  // of this reader
  int restarts_ = 0;
  Bytes last_;                                   // the last bytes fed, which libarchive may have left unused
  std::optional<ZipDirectoryWalker> directory_;  // behind the members
  bool encrypted_told_ = false;
  Bytes pending_;  // while looking: what may be the beginning of a header
};

}  // namespace spanwatch::content
