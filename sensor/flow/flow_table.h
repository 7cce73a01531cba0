// FlowTable: every conversation that is going on, each driving one FlowConsumer (model/flow.h). Called by the packet
// loop of one inspector; one thread; time is packet time only, so that a replay gives what live gave.
//
// A conversation begins for its consumer with its first payload byte (or gap); one that never carries any has none and
// is only counted. TCP that was joined in the middle waits for flow.reorder_packets_count segments or
// flow.reorder_time_ms (flow.tunnel_reorder_time_ms inside a tunnel) before it begins, so that segments which the span
// port reordered do not move its beginning.
//
// At flow.flows_count the conversation that was quiet longest goes: those of floods first (flow/flood_watch.h), then
// closed ones, then datagrams, then TCP. Of floods no more than flow.flood_kept_count are open: each was looked into
// when its packets came, and a real one is answered and is part of the flood no longer.
//
// Lifetime: everything given to the constructor outlives the table. Finish() before the table goes: what has not been
// closed by then is destroyed without a last word.
#pragma once

#include <array>

#include "base/block_pool.h"
#include "config/limits.h"
#include "flow/conversation.h"
#include "flow/conversation_list.h"
#include "flow/flood_watch.h"
#include "flow/flow_index.h"
#include "model/anomaly.h"
#include "model/flow.h"
#include "telemetry/counters.h"

namespace spanwatch::flow {

class FlowTable : public PacketConsumer {
 public:
  FlowTable(const config::Limits& limits, Counters& counters, AnomalySink& anomalies, FlowConsumerFactory& factory);
  ~FlowTable() override;

  void OnPacket(const DecodedPacket& packet) noexcept override;
  // Packet time goes on: closes what has been idle for too long.
  void Advance(PacketTime now) noexcept;
  // The clock was set back: packet time goes on from here. Conversations of before are idle once it is there again.
  void SetBack(PacketTime now) noexcept { now_ = now; }
  // Closes everything, in the order in which the conversations began. The table may be used again.
  void Finish() noexcept;

  std::size_t size() const { return index_.size(); }

 private:
  enum Queue : std::size_t { kTcpQueue, kDatagramQueue, kClosingQueue, kFloodQueue, kQueues };

  static Queue QueueOf(const Conversation& conversation);
  Duration IdleTime(std::size_t queue) const;
  bool Expired(const Conversation& conversation, PacketTime now) const;
  Conversation& Create(const FlowKey& key, std::uint64_t hash, const DecodedPacket& packet,
                       const std::optional<Conversation::EarlySyn>& early_syn);
  void MakeRoom();
  // It was answered, or carries much: it is part of no flood.
  void Settle(Conversation& conversation);
  // Puts it where its last packet belongs, and ends those of floods that are too many.
  void Enqueue(Conversation& conversation);
  // Keeps the list of those that hold bytes.
  void ListWaiting(Conversation& conversation);
  // Of more than half of flow.memory_bytes, what has waited for flow.hole_time_ms is given up, longest first.
  void RelieveMemory() noexcept;
  // Ends it, and forgets it.
  void Remove(Conversation& conversation, CloseReason reason);

  const config::Limits& limits_;
  Counters& counters_;
  AnomalySink& anomalies_;
  BlockPool blocks_;
  BlockPool history_blocks_;
  BlockPool reading_lines_;
  ConversationContext context_;
  FlowIndex index_;
  // Each by the time of the last packet, oldest first.
  std::array<ConversationList<&Conversation::queue_links>, kQueues> queues_;
  ConversationList<&Conversation::waiting_links> waiting_;  // by the time since which they hold bytes
  PacketTime now_ = PacketTime::min();
  std::uint64_t created_ = 0;
  const std::uint64_t seed_;
  FloodWatch floods_;
};

}  // namespace spanwatch::flow
