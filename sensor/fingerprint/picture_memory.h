// PictureMemory: what the perceptual family of one inspector keeps between objects: the hashes of the pictures decoded
// last, by the digest of their image data, and how many bytes all objects hold for decoding. One inspector thread.
#pragma once

#include <list>
#include <map>

#include "fingerprint/picture_hashes.h"

namespace spanwatch::fingerprint {

class PictureMemory {
 public:
  PictureMemory(std::size_t entries, std::uint64_t held_bytes) : entries_(entries), held_max_(held_bytes) {}

  const PictureHashes* Find(const Sha256Digest& image_data) {
    const auto found = by_digest_.find(image_data);
    if (found == by_digest_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }
  void Keep(const Sha256Digest& image_data, const PictureHashes& result) {
    if (entries_ == 0 || by_digest_.contains(image_data)) return;
    order_.emplace_front(image_data, result);
    by_digest_.emplace(image_data, order_.begin());
    if (order_.size() <= entries_) return;
    by_digest_.erase(order_.back().first);
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
  using Order = std::list<std::pair<Sha256Digest, PictureHashes>>;  // the one used last first
  std::size_t entries_;
  std::uint64_t held_max_;
  std::uint64_t held_ = 0;
  Order order_;
  std::map<Sha256Digest, Order::iterator> by_digest_;
};

}  // namespace spanwatch::fingerprint
