// KeyTable: an exact table from evenly spread 64-bit keys to (item, value), read in place: a directory by the key's
// first bits, then the rows in order. One lookup touches one directory line and one or two lines of rows.
//
//   table     = directory_bits(u32) zero(60 bytes) directory padding row*
//   directory = u32[2^bits + 1]      first row of each prefix
//
// A lying table gives wrong rows, never a read outside of it and never more than kHitsPerKeyMax rows a key. Immutable;
// any thread.
#pragma once

#include <bit>
#include <optional>
#include <span>

#include "hashset/hashset_format.h"

namespace spanwatch::hashset {

class KeyTable {
 public:
  KeyTable() = default;  // empty
  // Nothing when the sizes disagree. The bytes outlive the table and are aligned to 64.
  static std::optional<KeyTable> View(ByteView bytes, std::uint64_t rows);
  // Sorts `rows`, drops repeats and returns the table's bytes. REQUIRES: fewer than 2^32 rows.
  static Bytes Build(std::vector<KeyRow>& rows);

  std::size_t size() const { return rows_.size(); }
  std::span<const KeyRow> rows() const { return rows_; }
  // The rows of this key, at most kHitsPerKeyMax.
  std::span<const KeyRow> Find(std::uint64_t key) const;
  void Prefetch(std::uint64_t key) const {
    if (!directory_.empty()) __builtin_prefetch(&directory_[Prefix(key)]);
  }
  void PrefetchRows(std::uint64_t key) const {
    if (directory_.empty()) return;
    const std::uint32_t begin = directory_[Prefix(key)];
    if (begin < rows_.size()) __builtin_prefetch(&rows_[begin]);
  }

 private:
  std::size_t Prefix(std::uint64_t key) const { return bits_ == 0 ? 0 : static_cast<std::size_t>(key >> (64 - bits_)); }

  std::uint32_t bits_ = 0;
  std::span<const std::uint32_t> directory_;
  std::span<const KeyRow> rows_;
};

}  // namespace spanwatch::hashset
