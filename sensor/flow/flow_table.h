// FlowTable: which conversation a packet belongs to, and how long one lives. Called by `inspector` with every decoded packet;
// one thread, packet time only.
//
// Bounded by flow.flows_count and flow.memory_bytes: at a limit the conversation that was silent for longest is closed and
// counted. What one flow tells never depends on another but for these limits.
#pragma once

#include <list>
#include <unordered_map>

#include "flow/conversation.h"

namespace spanwatch::flow {

class FlowTable : public PacketConsumer {
 public:
  // References outlive the table; the factory's consumers are closed before it goes.
  FlowTable(const config::Limits& limits, Counters& counters, AnomalySink& anomalies, FlowConsumerFactory& factory);
  ~FlowTable() override;

  void OnPacket(const DecodedPacket& packet) noexcept override;
  // Packet time is at least `now`: closes what was silent for too long, gives up holes that are old.
  void Advance(PacketTime now) noexcept;
  // The capture is over: closes every conversation, in the order in which they began.
  void Finish() noexcept;

  std::size_t size() const { return flows_.size(); }

 private:
  using FlowList = std::list<Conversation>;
  // Conversations of one lifetime, the longest silent first.
  enum Class : std::size_t { kTcp, kTcpClosing, kDatagram, kClasses };
  struct KeyHash {
    std::size_t operator()(const FlowKey& key) const;
  };
  struct Entry {
    FlowList::iterator flow;
    Class list;
  };
  using Table = std::unordered_map<FlowKey, Entry, KeyHash>;

  Duration TimeoutOf(Class list) const;
  Table::iterator Begin(const FlowKey& key, const DecodedPacket& packet);
  void Close(Table::iterator entry, CloseReason reason);
  void Touch(Entry& entry, Class list);
  void EvictOne();

  const config::Limits& limits_;
  Counters& counters_;
  FlowConsumerFactory& factory_;
  std::uint64_t held_bytes_ = 0;
  TcpStream::Environment environment_;
  std::array<FlowList, kClasses> lists_;
  Table flows_;
  PacketTime now_ = PacketTime::min();
};

}  // namespace spanwatch::flow
