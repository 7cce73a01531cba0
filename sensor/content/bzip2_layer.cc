// bzip2: streams may follow one another, as pbzip2 and `cat` leave them.
#include "content/file_magic.h"
#include "content/filter_layer.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kBzip2Format = {.name = "bzip2", .enable = EnableFilter<ARCHIVE_FILTER_BZIP2>};

}  // namespace

constinit const LayerSpec kBzip2Layer = {
    .name = "bzip2",
    .help = "bzip2, as a file and as a content encoding.",
    .encodings = {"bzip2", "x-bzip2", "bzip"},
    .memory_bytes = 4 << 20,
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return KindOfFile(head) == FileKind::kBzip2 ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<FilterLayer>(object, kBzip2Format);
    },
};

}  // namespace spanwatch::content
