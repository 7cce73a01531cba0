// FlowIndex: from FlowKey to Conversation; owns the conversations. Open addressing with linear probing; a removal moves
// what follows it back, so that there are no tombstones. Doubles when half full. One thread.
#pragma once

#include <memory>
#include <vector>

#include "flow/conversation.h"

namespace spanwatch::flow {

class FlowIndex {
 public:
  FlowIndex();

  // Null when there is none. `hash` is of `key`, here and below, under one seed for the life of the index.
  Conversation* Find(const FlowKey& key, std::uint64_t hash) const noexcept;
  // REQUIRES: its key is not in the index.
  void Insert(std::unique_ptr<Conversation> conversation, std::uint64_t hash);
  // REQUIRES: it is in the index.
  void Erase(const Conversation& conversation) noexcept;
  std::size_t size() const { return size_; }
  // In no particular order.
  std::vector<Conversation*> All() const;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::unique_ptr<Conversation> conversation;
  };
  std::size_t Next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  void Grow();

  std::vector<Slot> slots_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace spanwatch::flow
