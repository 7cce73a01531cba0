// Frames of any link type into one decoder, so that fragments meet; the owner function sees the same bytes.
// Input: per frame, link type (1), length (2, big-endian), bytes; each frame is copied to a block of exactly its size.
#include <cstdlib>

#include "base/byte_reader.h"
#include "base/check.h"
#include "capture/owner.h"
#include "decode/decoder.h"

namespace spanwatch {
namespace {

class Sink final : public PacketConsumer, public AnomalySink {
 public:
  void OnPacket(const DecodedPacket& packet) noexcept override {
    CHECK(packet.payload.size() <= packet.payload_length);
    for (const std::uint8_t byte : packet.payload) sum = static_cast<std::uint8_t>(sum + byte);
  }
  void OnAnomaly(AnomalyCode) noexcept override {}
  volatile std::uint8_t sum = 0;
};

constexpr int kLinkTypes[] = {1, 0, 9, 12, 50, 51, 104, 108, 113, 228, 229, 276, 999};

void Run(ByteView input) {
  config::Limits limits;
  limits.decode_fragment_memory_bytes = 2097152;
  Counters counters;
  Sink sink;
  decode::Decoder decoder(limits, counters, sink, sink);
  ByteReader reader(input);
  std::uint64_t frames = 0;
  while (reader.remaining() >= 3) {
    const int link_type = kLinkTypes[reader.U8() % std::size(kLinkTypes)];
    const std::size_t length = std::min<std::size_t>(reader.U16Be(), reader.remaining());
    const ByteView piece = reader.Take(length);
    const Bytes frame(piece.begin(), piece.end());
    CapturedPacket packet;
    packet.time = PacketTimeFromNanoseconds(static_cast<std::int64_t>(frames) * 1'000'000'000);
    packet.link_type = link_type;
    packet.bytes = frame;
    packet.original_length = static_cast<std::uint32_t>(frame.size());
    (void)capture::OwnerHashOfFrame(link_type, frame);
    decoder.Decode(packet);
    ++frames;
  }
  decoder.Finish();
  std::uint64_t accounted = 0;
  for (const Counter counter :
       {Counter::packets_decoded, Counter::fragments_held, Counter::packets_dropped_truncated,
        Counter::packets_dropped_unknown, Counter::packets_dropped_malformed, Counter::packets_dropped_layers}) {
    accounted += counters.Get(counter);
  }
  CHECK(accounted == frames);
}

}  // namespace
}  // namespace spanwatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::Run({data, size});
  return 0;
}
