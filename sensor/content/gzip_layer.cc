// gzip (RFC 1952): content encoding and file; members may follow one another, what follows the last is searched.
#include "content/file_magic.h"
#include "content/inflate_codec.h"

namespace spanwatch::content {

constinit const LayerSpec kGzipLayer = {
    .name = "gzip",
    .help = "gzip, as a content encoding and as a file.",
    .encodings = {"gzip", "x-gzip"},
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return KindOfFile(head) == FileKind::kGzip ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<InflateCodec>(InflateCodec::Wrapping::kGzip),
                                          kGzipLayer.name);
    },
};

}  // namespace spanwatch::content
