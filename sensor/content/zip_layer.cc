// zip (APPNOTE.TXT), read by its local headers as it streams: stored and deflated, data descriptors, zip64; also what
// is zip inside (OOXML, JAR, APK). Of encrypted entries what their headers and the directory tell.
#include <archive.h>

#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"
#include "content/zip_entry_reader.h"

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
  explicit ZipLayer(ObjectNode& object) : object_(object), members_(object, kZipFormat), entries_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    const Taken taken = members_.Write(bytes);
    if (!object_.carved()) entries_.Write(bytes.first(taken.bytes));
    return taken;
  }
  bool Gap(std::uint64_t length) noexcept override {
    entries_.Gap(length);
    return members_.Gap(length);
  }
  void End(ObjectEnd end) noexcept override {
    members_.End(end);
    entries_.End();
  }

 private:
  ObjectNode& object_;
  ArchiveLayer members_;
  ZipEntryReader entries_;  // of a carved archive they are read in the bytes it was carved from
};

}  // namespace

constinit const LayerSpec kZipLayer = {
    .name = "zip",
    .help = "zip archives, streaming, and what is zip inside.",
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return IsPlausible(FileKind::kZip, head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> { return std::make_unique<ZipLayer>(object); },
};

}  // namespace spanwatch::content
