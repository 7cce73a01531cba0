#include "flow/flow_table.h"

#include <xxhash.h>

#include <algorithm>
#include <random>
#include <vector>

namespace spanwatch::flow {
namespace {

// Of this process: nobody outside can aim at a bucket.
std::uint64_t TableSeed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return seed;
}

FlowKey KeyOf(const DecodedPacket& packet) {
  if (packet.destination < packet.source) return {packet.destination, packet.source, packet.ip_protocol};
  return {packet.source, packet.destination, packet.ip_protocol};
}

}  // namespace

std::size_t FlowTable::KeyHash::operator()(const FlowKey& key) const {
  std::array<std::uint8_t, 37> bytes{};
  std::ranges::copy(key.low.address.bytes, bytes.begin());
  std::ranges::copy(key.high.address.bytes, bytes.begin() + 16);
  bytes[32] = static_cast<std::uint8_t>(key.low.port);
  bytes[33] = static_cast<std::uint8_t>(key.low.port >> 8);
  bytes[34] = static_cast<std::uint8_t>(key.high.port);
  bytes[35] = static_cast<std::uint8_t>(key.high.port >> 8);
  bytes[36] = key.ip_protocol;
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), TableSeed());
}

FlowTable::FlowTable(const config::Limits& limits, Counters& counters, AnomalySink& anomalies, FlowConsumerFactory& factory)
    : limits_(limits), counters_(counters), factory_(factory), environment_{limits, counters, anomalies, held_bytes_} {}

FlowTable::~FlowTable() { Finish(); }

Duration FlowTable::TimeoutOf(Class list) const {
  if (list == kTcp) return std::chrono::seconds(limits_.flow_tcp_idle_s);
  if (list == kTcpClosing) return std::chrono::seconds(limits_.flow_tcp_linger_s);
  return std::chrono::seconds(limits_.flow_datagram_idle_s);
}

FlowTable::Table::iterator FlowTable::Begin(const FlowKey& key, const DecodedPacket& packet) {
  if (flows_.size() >= limits_.flow_flows_count) EvictOne();
  const Class list = packet.transport == Transport::kTcp ? kTcp : kDatagram;
  lists_[list].emplace_back(key, packet, environment_, factory_);
  counters_.Add(Counter::flows_begun);
  const auto place = flows_.emplace(key, Entry{std::prev(lists_[list].end()), list}).first;
  counters_.Set(Counter::flows_active, flows_.size());
  return place;
}

void FlowTable::OnPacket(const DecodedPacket& packet) noexcept {
  now_ = std::max(now_, packet.time);
  const FlowKey key = KeyOf(packet);
  auto place = flows_.find(key);
  if (place != flows_.end() && place->second.flow->IsReusedBy(packet)) {
    Close(place, place->second.flow->close_reason());
    place = flows_.end();
  }
  if (place == flows_.end()) place = Begin(key, packet);
  Conversation& flow = *place->second.flow;
  flow.OnPacket(packet);
  Touch(place->second, flow.phase() == Conversation::Phase::kClosing ? kTcpClosing : place->second.list);
  while (held_bytes_ > limits_.flow_memory_bytes && !flows_.empty()) EvictOne();
}

// Moves the flow behind all others of its list: it spoke last.
void FlowTable::Touch(Entry& entry, Class list) {
  lists_[list].splice(lists_[list].end(), lists_[entry.list], entry.flow);
  entry.list = list;
}

void FlowTable::Close(Table::iterator entry, CloseReason reason) {
  entry->second.flow->Close(reason);
  lists_[entry->second.list].erase(entry->second.flow);
  flows_.erase(entry);
  counters_.Add(Counter::flows_ended);
  counters_.Set(Counter::flows_active, flows_.size());
}

void FlowTable::EvictOne() {
  for (const Class list : {kTcpClosing, kDatagram, kTcp}) {
    if (lists_[list].empty()) continue;
    counters_.Add(Counter::flows_evicted);
    return Close(flows_.find(lists_[list].front().key()), CloseReason::kEvicted);
  }
}

void FlowTable::Advance(PacketTime now) noexcept {
  now_ = std::max(now_, now);
  for (const Class list : {kTcp, kTcpClosing, kDatagram}) {
    const Duration timeout = TimeoutOf(list);
    while (!lists_[list].empty() && now_ - lists_[list].front().last_seen() > timeout) {
      Conversation& flow = lists_[list].front();
      Close(flows_.find(flow.key()), list == kTcpClosing ? flow.close_reason() : CloseReason::kIdle);
    }
  }
}

void FlowTable::Finish() noexcept {
  std::vector<const Conversation*> all;
  for (const FlowList& list : lists_) {
    for (const Conversation& flow : list) all.push_back(&flow);
  }
  std::ranges::sort(all, {}, [](const Conversation* flow) { return std::pair(flow->info().start, flow->info().id); });
  for (const Conversation* flow : all) {
    const CloseReason reason =
        flow->phase() == Conversation::Phase::kClosing ? flow->close_reason() : CloseReason::kShutdown;
    Close(flows_.find(flow->key()), reason);
  }
}

}  // namespace spanwatch::flow
