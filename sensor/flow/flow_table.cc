#include "flow/flow_table.h"

#include <sys/random.h>

#include <algorithm>

#include "base/check.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::flow {
namespace {

// So that nobody outside can choose addresses and ports that meet in one slot.
std::uint64_t RandomSeed() {
  std::uint64_t seed = 0;
  CHECK(::getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
  return seed;
}

}  // namespace

FlowTable::FlowTable(const config::Limits& limits, Counters& counters, AnomalySink& anomalies,
                     FlowConsumerFactory& factory)
    : limits_(limits),
      counters_(counters),
      anomalies_(anomalies),
      blocks_(WaitingBytes::kBlockBytes, limits.flow_memory_bytes),
      history_blocks_(StreamHistory::kBlockBytes, limits.flow_history_memory_bytes),
      reading_lines_(limits.flow_second_reading_bytes, limits.flow_second_reading_memory_bytes),
      context_{{limits, counters, anomalies, blocks_, history_blocks_}, reading_lines_, factory},
      seed_(RandomSeed()),
      floods_(limits, seed_) {}

FlowTable::~FlowTable() = default;

void FlowTable::OnPacket(const DecodedPacket& packet) noexcept {
  now_ = std::max(now_, packet.time);
  const FlowKey key = FlowKey::Of(packet);
  const std::uint64_t hash = key.Hash(seed_);
  Conversation* conversation = index_.Find(key, hash);
  if (conversation != nullptr && Expired(*conversation, packet.time)) {
    Remove(*conversation, conversation->OwnReason(CloseReason::kIdle));
    conversation = nullptr;
  }
  if (conversation == nullptr) conversation = &Create(key, hash, packet, std::nullopt);
  if (conversation->OnPacket(packet) == Conversation::Outcome::kNewConversation) {
    const std::optional<Conversation::EarlySyn> early_syn = conversation->early_syn();
    Remove(*conversation, conversation->OwnReason(CloseReason::kFinished));
    conversation = &Create(key, hash, packet, early_syn);
    (void)conversation->OnPacket(packet);  // a new conversation takes any packet
  }
  if (conversation->counted_as_unanswered && conversation->Settled()) Settle(*conversation);
  Enqueue(*conversation);
  ListWaiting(*conversation);
  RelieveMemory();
}

void FlowTable::Settle(Conversation& conversation) {
  conversation.counted_as_unanswered = false;
  const FlowInfo& info = conversation.info();
  floods_.OnSettled(conversation.opener().address, conversation.opened().address, info.start, info.flood);
  conversation.set_flood(Flood::kNone);
}

void FlowTable::Enqueue(Conversation& conversation) {
  const Queue queue = QueueOf(conversation);
  if (queue == conversation.queue) {
    queues_[queue].MoveToBack(conversation);
  } else {
    queues_[conversation.queue].Remove(conversation);
    conversation.queue = queue;
    queues_[queue].PushBack(conversation);
  }
  if (queues_[kFloodQueue].size() <= limits_.flow_flood_kept_count) return;
  Conversation& quietest = *queues_[kFloodQueue].oldest();
  Remove(quietest, quietest.OwnReason(CloseReason::kFlood));
}

void FlowTable::ListWaiting(Conversation& conversation) {
  const std::optional<PacketTime> since = conversation.waiting_since();
  if (since == conversation.listed_since) return;
  if (conversation.listed_since.has_value()) waiting_.Remove(conversation);
  if (since.has_value()) waiting_.PushBack(conversation);
  conversation.listed_since = since;
}

// One conversation a packet: each brings less than it gives back.
void FlowTable::RelieveMemory() noexcept {
  Conversation* oldest = waiting_.oldest();
  if (oldest == nullptr || blocks_.blocks_in_use() * 2 <= blocks_.blocks_at_most()) return;
  oldest->Yield(now_);
  ListWaiting(*oldest);
}

void FlowTable::Advance(PacketTime now) noexcept {
  now_ = std::max(now_, now);
  for (const auto& queue : queues_) {
    while (queue.oldest() != nullptr && Expired(*queue.oldest(), now_)) {
      Remove(*queue.oldest(), queue.oldest()->OwnReason(CloseReason::kIdle));
    }
  }
}

void FlowTable::Finish() noexcept {
  std::vector<Conversation*> all = index_.All();
  std::ranges::sort(all, {}, &Conversation::serial);
  for (Conversation* conversation : all) Remove(*conversation, conversation->OwnReason(CloseReason::kShutdown));
}

FlowTable::Queue FlowTable::QueueOf(const Conversation& conversation) {
  if (conversation.info().flood != Flood::kNone) return kFloodQueue;
  if (conversation.transport() != Transport::kTcp) return kDatagramQueue;
  return conversation.closing() ? kClosingQueue : kTcpQueue;
}

Duration FlowTable::IdleTime(std::size_t queue) const {
  switch (queue) {
    case kTcpQueue:
      return std::chrono::milliseconds(limits_.flow_tcp_idle_ms);
    case kDatagramQueue:
    case kFloodQueue:
      return std::chrono::milliseconds(limits_.flow_datagram_idle_ms);
    default:
      return std::chrono::milliseconds(limits_.flow_closed_time_ms);
  }
}

bool FlowTable::Expired(const Conversation& conversation, PacketTime now) const {
  return now - conversation.last_packet() >= IdleTime(conversation.queue);
}

Conversation& FlowTable::Create(const FlowKey& key, std::uint64_t hash, const DecodedPacket& packet,
                                const std::optional<Conversation::EarlySyn>& early_syn) {
  if (index_.size() >= limits_.flow_flows_count) MakeRoom();
  auto made = std::make_unique<Conversation>(context_, key, created_++, packet, early_syn);
  Conversation& conversation = *made;
  index_.Insert(std::move(made), hash);
  conversation.set_flood(floods_.OnBegin(packet.source.address, packet.destination.address, packet.time));
  if (conversation.info().flood != Flood::kNone) {
    counters_.Add(Counter::flows_flooding);
    context_.factory.OnFlood(conversation.info());
  }
  conversation.queue = static_cast<std::uint8_t>(QueueOf(conversation));
  queues_[conversation.queue].PushBack(conversation);
  counters_.Add(Counter::flows_started);
  counters_.Set(Counter::flows_active, index_.size());
  return conversation;
}

void FlowTable::MakeRoom() {
  for (const Queue queue : {kFloodQueue, kClosingQueue, kDatagramQueue, kTcpQueue}) {
    Conversation* oldest = queues_[queue].oldest();
    if (oldest == nullptr) continue;
    if (queue == kDatagramQueue || queue == kTcpQueue) anomalies_.OnAnomaly(AnomalyCode::flow_limit);
    return Remove(*oldest, oldest->OwnReason(CloseReason::kEvicted));
  }
}

void FlowTable::Remove(Conversation& conversation, CloseReason reason) {
  conversation.Close(reason);
  ListWaiting(conversation);
  queues_[conversation.queue].Remove(conversation);
  index_.Erase(conversation);
  counters_.Set(Counter::flows_active, index_.size());
}

}  // namespace spanwatch::flow
