// RecordTokens: the distinct tokens of one object or window that no register knows, counted in classes, each a shape
// (of the K1, which all spellings of a plate share) in one place (plain, joined, plate field). All registers of a
// scanner share it, so that a token is counted once however many hash sets are loaded. Its memory is bounded
// (record_token_sample.h). One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "fingerprint/record_token_sample.h"
#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {

class RecordTokens {
 public:
  explicit RecordTokens(std::size_t exact_tokens) : misses_(exact_tokens) {}

  // The number of a class, from 0 on in the order in which they are seen.
  std::uint32_t ClassOf(std::uint16_t shape, TokenPlace place);
  std::size_t classes() const { return keys_.size(); }
  // Adds to `sample` a token of this class by its tag, under any one key; the same one counts once.
  void Add(RecordTokenSample& sample, std::uint16_t shape, TokenPlace place, std::uint64_t tag);
  void AddMiss(std::uint16_t shape, TokenPlace place, std::uint64_t tag) { Add(misses_, shape, place, tag); }
  std::uint64_t Misses(std::size_t number) const { return misses_.Count(static_cast<std::uint16_t>(number)); }
  void Clear();

 private:
  std::vector<std::uint16_t> keys_;     // (place, shape) of each class
  std::vector<std::uint16_t> numbers_;  // class number + 1 of each (place, shape)
  RecordTokenSample misses_;
};

}  // namespace spanwatch::fingerprint
