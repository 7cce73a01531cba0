#include "flow/flow_index.h"

namespace spanwatch::flow {

FlowIndex::FlowIndex() : slots_(1024) {}

Conversation* FlowIndex::Find(const FlowKey& key, std::uint64_t hash) const noexcept {
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at].conversation != nullptr; at = Next(at)) {
    if (slots_[at].hash == hash && slots_[at].conversation->key() == key) return slots_[at].conversation.get();
  }
  return nullptr;
}

void FlowIndex::Insert(std::unique_ptr<Conversation> conversation, std::uint64_t hash) {
  if (size_ * 2 >= slots_.size()) Grow();
  conversation->set_index_hash(hash);
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].conversation != nullptr) at = Next(at);
  slots_[at] = {hash, std::move(conversation)};
  ++size_;
}

void FlowIndex::Erase(const Conversation& conversation) noexcept {
  std::size_t hole = conversation.index_hash() & (slots_.size() - 1);
  while (slots_[hole].conversation.get() != &conversation) hole = Next(hole);
  slots_[hole].conversation.reset();
  --size_;
  for (std::size_t at = Next(hole); slots_[at].conversation != nullptr; at = Next(at)) {
    const std::size_t home = slots_[at].hash & (slots_.size() - 1);
    // May move into the hole unless its home lies behind the hole, going round.
    if (((at - home) & (slots_.size() - 1)) >= ((at - hole) & (slots_.size() - 1))) {
      slots_[hole] = std::move(slots_[at]);
      hole = at;
    }
  }
}

std::vector<Conversation*> FlowIndex::All() const {
  std::vector<Conversation*> all;
  all.reserve(size_);
  for (const Slot& slot : slots_) {
    if (slot.conversation != nullptr) all.push_back(slot.conversation.get());
  }
  return all;
}

void FlowIndex::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (Slot& slot : old) {
    if (slot.conversation == nullptr) continue;
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].conversation != nullptr) at = Next(at);
    slots_[at] = std::move(slot);
  }
}

}  // namespace spanwatch::flow
