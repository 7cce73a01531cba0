// PictureIndex: finds every registered PDQ hash within a Hamming distance, exact in recall, read in place. Immutable;
// any thread.
#pragma once

#include <span>

#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

class PictureIndex {
 public:
  struct Hit {
    std::uint32_t row = 0;
    std::uint16_t distance = 0;
  };

  PictureIndex() = default;
  // REQUIRES: as many rows as hashes; both outlive the index.
  PictureIndex(std::span<const PdqHash> hashes, std::span<const PictureRow> rows) : hashes_(hashes), rows_(rows) {}

  std::size_t size() const { return hashes_.size(); }
  const PdqHash& Hash(std::uint32_t row) const { return hashes_[row]; }
  const PictureRow& Row(std::uint32_t row) const { return rows_[row]; }
  // Calls `found(row, distance)` for every hash within `max_distance`, in the order of the rows.
  template <typename Found>
  void Find(const PdqHash& hash, int max_distance, Found&& found) const {
    for (std::size_t begin = 0; begin < hashes_.size(); begin += kChunk) {
      const std::size_t count = std::min(kChunk, hashes_.size() - begin);
      std::array<std::uint16_t, kChunk> distances;
      Distances(hash, hashes_.subspan(begin, count), distances.data());
      for (std::size_t i = 0; i < count; ++i) {
        if (distances[i] <= max_distance) found(static_cast<std::uint32_t>(begin + i), distances[i]);
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 512;
  static void Distances(const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances);

  std::span<const PdqHash> hashes_;
  std::span<const PictureRow> rows_;
};

}  // namespace spanwatch::hashset
