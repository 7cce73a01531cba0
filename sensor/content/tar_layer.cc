// tar (POSIX ustar and pax, GNU, older): members are runs of the archive's bytes.
#include <archive.h>

#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kTarFormat = {
    .name = "tar",
    .enable = archive_read_support_format_tar,
    .magic = "ustar",
    .magic_offset = 257,
    .header_bytes = 512,
    .is_header = IsTarHeader,
};

}  // namespace

constinit const LayerSpec kTarLayer = {
    .name = "tar",
    .help = "tar archives, streaming.",
    .memory_bytes = 32 << 10,
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return IsTarHeader(head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<ArchiveLayer>(object, kTarFormat);
    },
};

}  // namespace spanwatch::content
