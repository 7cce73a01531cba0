// LZ4 (its frame format, and the legacy one of `lz4 -l`), frames to skip between them.
#include "content/file_magic.h"
#include "content/filter_layer.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kLz4Format = {.name = "lz4", .enable = EnableFilter<ARCHIVE_FILTER_LZ4>};

}  // namespace

constinit const LayerSpec kLz4Layer = {
    .name = "lz4",
    .help = "LZ4 frames.",
    .encodings = {"lz4", "x-lz4"},
    .memory_bytes = 5 << 20,
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return KindOfFile(head) == FileKind::kLz4 ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<FilterLayer>(object, kLz4Format);
    },
};

}  // namespace spanwatch::content
