#include "inspector/flood_transfers.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/byte_writer.h"

namespace spanwatch::inspector {
namespace {

Network HostOf(const IpAddress& address) { return Network::Of(address, static_cast<std::uint8_t>(address.length * 8)); }

// The end that the conversations of a flood have in common. Who opened them sends what comes from the client.
Network CommonEnd(Flood flood, const FlowSummary& flow) {
  const IpAddress& client = flow.from_client ? flow.source.address : flow.destination.address;
  const IpAddress& server = flow.from_client ? flow.destination.address : flow.source.address;
  const auto network = [](const IpAddress& address) { return Network::Of(address, address.v6() ? 64 : 24); };
  switch (flood) {
    case Flood::kToHost:
      return HostOf(server);
    case Flood::kToNetwork:
      return network(server);
    case Flood::kFromHost:
      return HostOf(client);
    case Flood::kFromNetwork:
      return network(client);
    case Flood::kNone:
    case Flood::kAnywhere:
      return Network::Of(client, 0);
  }
  return {};
}

void Add(DirectionCounters& sum, const DirectionCounters& more) {
  constexpr std::uint64_t DirectionCounters::* kFields[] = {
      &DirectionCounters::packets,          &DirectionCounters::payload_bytes,
      &DirectionCounters::delivered_bytes,  &DirectionCounters::retransmitted_bytes,
      &DirectionCounters::duplicate_frames, &DirectionCounters::gap_bytes,
      &DirectionCounters::dropped_bytes,    &DirectionCounters::lost_before_sensor_bytes,
      &DirectionCounters::lost_unsure_bytes};
  static_assert(sizeof(DirectionCounters) == std::size(kFields) * sizeof(std::uint64_t));
  for (const auto field : kFields) sum.*field += more.*field;
}

// The same in every replay, as that of a conversation is.
std::uint64_t IdOf(const TransferSummary& sum) {
  ByteWriter writer;
  writer.Le(static_cast<std::uint8_t>(sum.flood->flood));
  writer.Raw(sum.flow.source.address.bytes);
  writer.Raw(sum.flow.destination.address.bytes);
  writer.Le(static_cast<std::uint8_t>(sum.flow.transport));
  writer.Le(Nanoseconds(sum.start));
  return XXH3_64bits(writer.bytes().data(), writer.bytes().size());
}

}  // namespace

void FloodTransfers::Add(Flood flood, const TransferSummary& transfer) {
  counters_.Add(Counter::flood_transfers_summed);
  const FlowSummary& flow = transfer.flow;
  const Key key{flood, CommonEnd(flood, flow), flow.transport, flow.from_client, flow.facts.visibility};
  const auto [place, first] = sums_.try_emplace(key, transfer);
  TransferSummary& sum = place->second;
  if (first) {
    sum.flood = FloodSum{flood, 1, HostOf(flow.source.address), HostOf(flow.destination.address)};
    return;
  }
  ++sum.flood->conversations;
  sum.flood->sources = sum.flood->sources.With(flow.source.address);
  sum.flood->destinations = sum.flood->destinations.With(flow.destination.address);
  sum.start = std::min(sum.start, transfer.start);
  sum.time = std::max(sum.time, transfer.time);
  sum.objects += transfer.objects;
  sum.opaque_bytes += transfer.opaque_bytes;
  inspector::Add(sum.counters, transfer.counters);
}

void FloodTransfers::Advance(PacketTime now) {
  const std::int64_t window = Nanoseconds(now) / (static_cast<std::int64_t>(limits_.flow_flood_window_ms) * 1'000'000);
  if (window == window_) return;
  window_ = window;
  Tell();
}

void FloodTransfers::Tell() {
  for (auto& [key, sum] : std::exchange(sums_, {})) {
    sum.flow.source = {sum.flood->sources.address, 0};
    sum.flow.destination = {sum.flood->destinations.address, 0};
    sum.flow.flow_id = IdOf(sum);
    sink_.OnMessage(std::move(sum));
  }
}

}  // namespace spanwatch::inspector
