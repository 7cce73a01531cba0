// RAR, versions 4 and 5, as it streams, with libarchive: WinRAR writes it. Multi-volume archives are read volume by
// volume as far as their members begin in them.
#include <archive.h>

#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kRarFormat = {
    .name = "rar",
    .enable =
        [](archive* handle) {
          const int older = archive_read_support_format_rar(handle);
          return older < ARCHIVE_WARN ? older : archive_read_support_format_rar5(handle);
        },
};

}  // namespace

constinit const LayerSpec kRarLayer = {
    .name = "rar",
    .help = "RAR archives of versions 4 and 5, streaming.",
    .memory_bytes = 4 << 20,
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return KindOfFile(head) == FileKind::kRar ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<ArchiveLayer>(object, kRarFormat);
    },
};

}  // namespace spanwatch::content
