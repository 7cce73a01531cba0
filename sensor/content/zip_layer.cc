// zip (APPNOTE.TXT), read by its local headers as it streams: stored and deflated, data descriptors, zip64; also what
// is zip inside (OOXML, JAR, APK).
#include <archive.h>

#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kFormat = {
    .name = "zip",
    .enable = archive_read_support_format_zip_streamable,
    .directory = true,
    .magic = "PK\x03\x04",
    .header_bytes = 30,
    .is_header = [](ByteView bytes) { return IsPlausible(FileKind::kZip, bytes); },
};

}  // namespace

constinit const LayerSpec kZipLayer = {
    .name = "zip",
    .help = "zip archives, streaming, and what is zip inside.",
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return IsPlausible(FileKind::kZip, head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<ArchiveLayer>(object, kFormat);
    },
};

}  // namespace spanwatch::content
