// Frames of any link type into one decoder, so that fragments meet; the owner function sees the same bytes. What is
// joined of outer fragments goes to a second decoder when the owner function says so, as between two inspectors. Input:
// per frame, link type (1), length (2, big-endian), bytes; each frame is copied to a block of exactly its size.
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

class Inspector final : public JoinedDatagramConsumer {
 public:
  explicit Inspector(const config::Limits& limits, Inspector* other = nullptr)
      : other_(other), decoder_(limits, counters_, sink_, sink_, this) {}

  void Decode(const CapturedPacket& packet) {
    ++given_;
    decoder_.Decode(packet);
  }
  bool TakeJoined(const JoinedDatagram& datagram) noexcept override {
    CHECK(datagram.content.size() <= datagram.length);
    const std::uint32_t hash = capture::OwnerHashOfDatagram(
        datagram.begun.source.address, datagram.begun.destination.address, datagram.protocol, datagram.content);
    if (other_ == nullptr || hash % 2 == 0) return false;
    ++other_->given_;
    const Bytes content(datagram.content.begin(), datagram.content.end());
    JoinedDatagram copy = datagram;
    copy.content = content;
    other_->decoder_.DecodeJoined(copy);
    return true;
  }
  void Finish() {
    decoder_.Finish();
    std::uint64_t accounted = 0;
    for (const Counter counter : {Counter::packets_decoded, Counter::fragments_held, Counter::packets_dropped_truncated,
                                  Counter::packets_dropped_unknown, Counter::packets_dropped_malformed,
                                  Counter::packets_dropped_layers, Counter::datagrams_handed_over}) {
      accounted += counters_.Get(counter);
    }
    CHECK(accounted == given_);
  }

 private:
  Inspector* const other_;
  std::uint64_t given_ = 0;
  Counters counters_;
  Sink sink_;
  decode::Decoder decoder_;
};

constexpr int kLinkTypes[] = {1, 0, 9, 12, 50, 51, 104, 108, 113, 228, 229, 276, 999};

void Run(ByteView input) {
  config::Limits limits;
  limits.decode_fragment_memory_bytes = 2097152;
  Inspector second(limits);
  Inspector first(limits, &second);
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
    first.Decode(packet);
    ++frames;
  }
  first.Finish();
  second.Finish();
}

}  // namespace
}  // namespace spanwatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::Run({data, size});
  return 0;
}
