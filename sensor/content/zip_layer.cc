// zip (APPNOTE.TXT), read by its local headers as it streams, and by its directory what those did not lead to: data
// descriptors, zip64, every usual method; also what is zip inside (OOXML, ODF, JAR, APK). Of encrypted entries what
// their headers and the directory tell. Info-ZIP, 7-Zip, Explorer, Java, Python, bsdtar and browsers write it.
#include <archive.h>

#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"
#include "content/zip_entry_reader.h"
#include "content/zip_rest.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kZipFormat = {
    .name = "zip",
    .enable = archive_read_support_format_zip_streamable,
    .directory = true,
    .magic = "PK\x03\x04",
    .header_bytes = 30,
    .is_header = [](ByteView bytes) { return IsPlausible(FileKind::kZip, bytes); },
};

class ZipLayer final : public Layer {
 public:
  explicit ZipLayer(ObjectNode& object)
      : object_(object), rest_(object, kZipFormat), members_(object, kZipFormat, &rest_), entries_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    rest_.Write(bytes);
    if (headers_end_) return GoOn(bytes, 0);
    const Taken taken = members_.Write(bytes);
    if (!object_.carved()) entries_.Write(bytes.first(taken.bytes));
    if (taken.state == LayerState::kMore) return taken;
    if (!members_.whole() && !object_.carved() && !object_.exhausted()) {
      EndMembers(taken.state == LayerState::kDone ? ObjectEnd::kComplete : ObjectEnd::kAborted);
      return GoOn(bytes, taken.bytes);
    }
    rest_.Forget(bytes.size() - taken.bytes);
    return taken;
  }
  bool Gap(std::uint64_t length) noexcept override {
    entries_.Gap(length);
    rest_.Gap();
    return !headers_end_ && members_.Gap(length);
  }
  void End(ObjectEnd end) noexcept override {
    if (!headers_end_) members_.End(end);
    if (end != ObjectEnd::kAborted) rest_.Finish();
    entries_.End();
  }
  std::uint64_t held() const noexcept override { return rest_.held(); }

 private:
  void EndMembers(ObjectEnd end) {
    headers_end_ = true;
    members_.End(end);
  }
  // The local headers lead no further. What follows is searched as any bytes are, until the directory may tell more.
  Taken GoOn(ByteView bytes, std::size_t taken) {
    object_.Search(bytes.subspan(taken));
    return {bytes.size(), LayerState::kMore};
  }

  ObjectNode& object_;
  ZipRest rest_;
  ArchiveLayer members_;
  bool headers_end_ = false;
  ZipEntryReader entries_;  // of a carved archive they are read in the bytes it was carved from
};

}  // namespace

constinit const LayerSpec kZipLayer = {
    .name = "zip",
    .help = "zip archives, streaming, and what is zip inside.",
    .memory_bytes = 160 << 10,
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return IsPlausible(FileKind::kZip, head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> { return std::make_unique<ZipLayer>(object); },
};

}  // namespace spanwatch::content
