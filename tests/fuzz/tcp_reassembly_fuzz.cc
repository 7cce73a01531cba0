// Packets of a few conversations into one flow table with small limits; the recorder checks grammar and conservation.
// Input, per packet: what (1), flags (1), sequence step (2, signed), length (1), cut (1), time step (1).
//   what: bit 0 who sends, bits 1-2 which conversation, bit 3 UDP, bit 4 sequence far off, bit 5 Advance too,
//         bit 6 acknowledge all that the other end sent, bit 7 the same IP identification as before
#include "base/byte_reader.h"
#include "base/check.h"
#include "flow/flow_table.h"
#include "support/packet_script.h"
#include "support/recording_flow_consumer.h"

namespace spanwatch {
namespace {

struct Ends {
  std::array<std::uint32_t, 2> next{0xfffffe00u, 5000};
};

testing::ScriptedPacket MakePacket(ByteReader& reader, std::uint8_t what, std::array<Ends, 4>& all,
                                   std::uint16_t& ip_id) {
  const std::size_t sender = what & 1;
  const std::size_t which = what >> 1 & 3;
  Ends& ends = all[which];
  testing::ScriptedPacket made;
  DecodedPacket& packet = made.packet;
  const std::uint8_t address[4] = {10, 0, 0, static_cast<std::uint8_t>(which)};
  packet.source = {IpAddress::From(address), 4000};
  packet.destination = {IpAddress::From(address), 80};
  if (sender == 1) std::swap(packet.source, packet.destination);
  packet.transport = (what & 8) != 0 ? Transport::kUdp : Transport::kTcp;
  packet.ip_protocol = (what & 8) != 0 ? 17 : 6;
  packet.ip_id = (what & 128) != 0 ? ip_id : ++ip_id;
  packet.tcp.flags = reader.U8();
  packet.tcp.sequence = ends.next[sender] + static_cast<std::uint32_t>(static_cast<std::int16_t>(reader.U16Be()));
  if ((what & 16) != 0) packet.tcp.sequence += 0x40000000u;
  packet.tcp.acknowledgement = ends.next[1 - sender] - ((what & 64) != 0 ? 0 : 700);
  made.payload.assign(std::size_t{reader.U8()} * 8, static_cast<char>('a' + (packet.tcp.sequence & 7)));
  made.cut = reader.U8();
  if (packet.tcp.sequence == ends.next[sender]) {
    ends.next[sender] += static_cast<std::uint32_t>(made.payload.size() + ((packet.tcp.flags & 3) != 0 ? 1 : 0));
  }
  return made;
}

void Run(ByteView input) {
  config::Limits limits;
  limits.flow_flows_count = 6;
  limits.flow_memory_bytes = 1536 * 24;
  limits.flow_out_of_order_bytes = 1536 * 12;
  limits.flow_report_interval_ms = 1000;
  Counters counters;
  testing::RecordingFlows flows;
  flow::FlowTable table(limits, counters, flows, flows);
  ByteReader reader(input);
  std::array<Ends, 4> ends;
  std::uint16_t ip_id = 0;
  PacketTime time(std::chrono::seconds(1'700'000'000));
  std::uint64_t packets = 0;
  while (reader.remaining() >= 7) {
    const std::uint8_t what = reader.U8();
    testing::ScriptedPacket made = MakePacket(reader, what, ends, ip_id);
    const std::uint64_t step = reader.U8();
    time += std::chrono::microseconds(step * step * step);
    made.packet.time = time;
    made.Play(table);
    ++packets;
    if ((what & 32) != 0) table.Advance(time);
  }
  table.Finish();
  CHECK(table.size() == 0);
  CHECK(counters.Get(Counter::flow_held_bytes) == 0);
  CHECK(packets == counters.Get(Counter::flow_packets_counted) + counters.Get(Counter::flow_packets_duplicate) +
                       counters.Get(Counter::flow_packets_after_close));
  CHECK(counters.Get(Counter::flow_bytes_in) == counters.Get(Counter::flow_bytes_delivered) +
                                                    counters.Get(Counter::flow_bytes_retransmitted) +
                                                    counters.Get(Counter::flow_bytes_dropped));
  CHECK(counters.Get(Counter::flows_started) ==
        counters.Get(Counter::flows_finished) + counters.Get(Counter::flows_reset) + counters.Get(Counter::flows_idle) +
            counters.Get(Counter::flows_evicted) + counters.Get(Counter::flows_shutdown));
  for (const auto& flow : flows.flows) CHECK(flow->closed);
}

}  // namespace
}  // namespace spanwatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::Run({data, size});
  return 0;
}
