// RecordTokenSample: how many distinct tokens of each class an object has, in bounded memory. Exact up to a limit;
// beyond it Wegman's adaptive sampling (Flajolet 1990): only tokens whose tag lies under a threshold are kept, and the
// threshold is halved whenever they are too many. Tags are evenly spread, so the counts stay true in the mean (standard
// error under 1 % over 16,384), and most tokens cost one comparison. What is kept depends on the set of tokens alone,
// not on their order or number. Takes no memory until the first token. One thread.
#pragma once

#include <cstdint>
#include <vector>

namespace spanwatch::fingerprint {

class RecordTokenSample {
 public:
  explicit RecordTokenSample(std::size_t limit) : limit_(limit) {}

  // `kind` counts `key` unless it did before. Counts are those of the sample: each stands for scale() tokens.
  void Insert(std::uint64_t key, std::uint16_t kind) {
    if (key > threshold_) return;
    InsertKept(key, kind);
  }
  std::uint64_t Count(std::uint16_t kind) const { return kind < counts_.size() ? counts_[kind] * scale() : 0; }
  std::uint64_t scale() const { return std::uint64_t{1} << halvings_; }
  void Clear();

 private:
  static constexpr std::uint64_t kWhole = ~std::uint64_t{0};
  void InsertKept(std::uint64_t key, std::uint16_t kind);
  bool Place(std::uint64_t key, std::uint16_t kind);
  void Rebuild(std::size_t slots);

  std::size_t limit_;
  std::uint64_t threshold_ = kWhole;
  unsigned halvings_ = 0;
  std::size_t size_ = 0;
  std::vector<std::uint64_t> keys_;   // open addressing, a power of two, at most half full; 0 is empty
  std::vector<std::uint16_t> kinds_;  // of the same slots
  std::vector<std::uint64_t> counts_;
};

}  // namespace spanwatch::fingerprint
