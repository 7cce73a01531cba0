// Cabinets ([MS-CAB]) as they stream, with libarchive: stored, MSZIP and LZX. Windows' makecab, `expand` and
// installers.
#include <archive.h>

#include "content/archive_layer.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kCabinetFormat = {.name = "cab", .enable = archive_read_support_format_cab};

}  // namespace

constinit const LayerSpec kCabinetLayer = {
    .name = "cab",
    .help = "Cabinets of Windows, streaming.",
    .memory_bytes = 128 << 10,
    .probe =
        [](const ObjectInfo&, ByteView head, bool) {
          return AsText(head).starts_with(std::string_view("MSCF\0\0\0\0", 8)) ? Likelihood::kYes : Likelihood::kNo;
        },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<ArchiveLayer>(object, kCabinetFormat);
    },
};

}  // namespace spanwatch::content
