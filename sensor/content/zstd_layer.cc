// Zstandard (RFC 8878): content encoding and file; frames may follow one another.
#include "content/file_magic.h"
#include "content/zstd_codec.h"

namespace spanwatch::content {

constinit const LayerSpec kZstdLayer = {
    .name = "zstd",
    .help = "Zstandard, as a content encoding and as a file.",
    .encodings = {"zstd", "x-zstd"},
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return KindOfFile(head) == FileKind::kZstd ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<ZstdCodec>(2 * object.limits().content_held_bytes),
                                          kZstdLayer.name);
    },
};

}  // namespace spanwatch::content
