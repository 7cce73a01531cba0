// PictureIndex: finds every registered PDQ hash within a Hamming distance, exact in recall, read in place from the
// picture sections of a hash set. Immutable; any thread.
//
// Few hashes are compared one by one (32 bytes each); more are found through PictureSlots. A search whose slots would
// make it look at more than there is (a distance too wide, or a set that lies) compares one by one, too, so that none
// takes longer than about twice that.
#pragma once

#include <memory>
#include <span>

#include "hashset/hashset_format.h"
#include "hashset/picture_slots.h"

namespace spanwatch::hashset {

class PictureIndex {
 public:
  // The sections; firsts has one more than hashes, unless all are empty. All outlive the index.
  struct Sections {
    std::span<const PdqHash> hashes;
    std::span<const std::uint32_t> firsts;
    std::span<const PictureRow> rows;
    PictureSlots slots;
  };

  PictureIndex() = default;
  explicit PictureIndex(const Sections& sections) : sections_(sections) {}

  std::size_t size() const { return sections_.rows.size(); }  // views
  std::span<const PdqHash> hashes() const { return sections_.hashes; }
  const PictureSlots& slots() const { return sections_.slots; }
  // The views with this hash, at most kPictureHitsMax: no more are reported of one search.
  std::span<const PictureRow> RowsOf(std::uint32_t hash) const;

  // Calls `found(hash, row)` for every view, in order.
  template <typename Found>
  void ForEach(Found&& found) const {
    std::size_t hash = 0;
    for (std::size_t row = 0; row < sections_.rows.size() && !sections_.hashes.empty(); ++row) {
      while (hash + 1 < sections_.hashes.size() && sections_.firsts[hash + 1] <= row) ++hash;
      found(sections_.hashes[hash], sections_.rows[row]);
    }
  }

  // Calls `found(hash, distance)` with the number of every hash within `max_distance`, in no order, of some more than
  // once.
  template <typename Found>
  void Find(const PdqHash& hash, int max_distance, Found&& found) const {
    Search(hash, max_distance, {std::addressof(found), [](void* to, std::uint32_t number, std::uint16_t distance) {
                                  (*static_cast<std::remove_reference_t<Found>*>(to))(number, distance);
                                }});
  }

 private:
  struct Report {
    void* to;
    void (*call)(void* to, std::uint32_t number, std::uint16_t distance);
    void operator()(std::uint32_t number, std::uint16_t distance) const { call(to, number, distance); }
  };
  class Candidates;
  class SlotSearch;

  void Search(const PdqHash& hash, int max_distance, const Report& report) const;
  void Scan(const PdqHash& hash, int max_distance, const Report& report) const;

  Sections sections_;
};

}  // namespace spanwatch::hashset
