// ConversationList: conversations in the order in which they were put at its back, linked through themselves by the
// member `links`. Owns none. One thread.
#pragma once

#include "flow/conversation.h"

namespace spanwatch::flow {

template <auto links>
class ConversationList {
 public:
  // Null when empty.
  Conversation* oldest() const { return first_; }
  std::size_t size() const { return size_; }

  void PushBack(Conversation& conversation) {
    conversation.*links = {last_, nullptr};
    (last_ != nullptr ? (last_->*links).next : first_) = &conversation;
    last_ = &conversation;
    ++size_;
  }
  void Remove(Conversation& conversation) {
    --size_;
    const auto [previous, next] = conversation.*links;
    (previous != nullptr ? (previous->*links).next : first_) = next;
    (next != nullptr ? (next->*links).previous : last_) = previous;
  }
  void MoveToBack(Conversation& conversation) {
    if (last_ == &conversation) return;
    Remove(conversation);
    PushBack(conversation);
  }

 private:
  Conversation* first_ = nullptr;
  Conversation* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace spanwatch::flow
