// deflate: the content encoding, which RFC 9110 section 8.4.1.2 says is zlib and many senders make raw; and zlib
// (RFC 1950) by itself.
#include "content/inflate_codec.h"
#include "content/zlib_probe.h"

namespace spanwatch::content {
namespace {

// Neither raw DEFLATE nor zlib has a magic to speak of: whether the head inflates tells, and an encoding with a magic
// goes before it. What nobody declared must be zlib (git's objects, what zlib's own compress() writes).
Likelihood ProbeDeflate(const ObjectInfo&, ByteView head, bool declared) {
  if (!declared) return InflatesAsZlib(head) ? Likelihood::kMaybe : Likelihood::kNo;
  if (head.size() < 2) return Likelihood::kNo;
  InflateCodec codec(InflateCodec::Wrapping::kZlibOrRaw);
  std::uint8_t output[1024];
  std::size_t taken = 0;
  while (taken < head.size()) {
    const CodecStep step = codec.Decode(head.subspan(taken), output);
    taken += step.taken;
    if (step.state == LayerState::kBroken) return Likelihood::kNo;
    if (step.state == LayerState::kDone || step.made == sizeof(output)) break;
  }
  return Likelihood::kMaybe;
}

}  // namespace

constinit const LayerSpec kDeflateLayer = {
    .name = "deflate",
    .help = "DEFLATE as a content encoding, in zlib's wrapping or raw; zlib by itself.",
    .encodings = {"deflate", "x-deflate", "zlib"},
    .probe = ProbeDeflate,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<InflateCodec>(InflateCodec::Wrapping::kZlibOrRaw),
                                          kDeflateLayer.name);
    },
};

}  // namespace spanwatch::content
