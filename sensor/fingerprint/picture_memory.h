// PictureMemory: what the perceptual family of one inspector keeps between objects: the hashes of the pictures decoded
// last, by the key of their image data, and how many bytes all objects hold for decoding. One inspector thread.
#pragma once

#include <list>
#include <map>

#include "fingerprint/picture_hashes.h"
#include "fingerprint/picture_key.h"

namespace spanwatch::fingerprint {

class PictureMemory {
 public:
  PictureMemory(std::size_t entries, std::uint64_t held_bytes) : entries_(entries), held_max_(held_bytes) {}

  const PictureSecret& secret() const { return secret_; }
  const PictureHashes* Find(const PictureKey& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }
  void Keep(const PictureKey& key, const PictureHashes& result) {
    if (entries_ == 0 || by_key_.contains(key)) return;
    order_.emplace_front(key, result);
    by_key_.emplace(key, order_.begin());
    if (order_.size() <= entries_) return;
    by_key_.erase(order_.back().first);
    order_.pop_back();
  }
  // False, and nothing taken, when all objects together would hold more than the limit.
  bool Hold(std::uint64_t bytes) {
    if (bytes > held_max_ - held_) return false;
    held_ += bytes;
    return true;
  }
  void Release(std::uint64_t bytes) { held_ -= bytes; }

 private:
  using Order = std::list<std::pair<PictureKey, PictureHashes>>;  // the one used last first
  PictureSecret secret_;
  std::size_t entries_;
  std::uint64_t held_max_;
  std::uint64_t held_ = 0;
  Order order_;
  std::map<PictureKey, Order::iterator> by_key_;
};

}  // namespace spanwatch::fingerprint
