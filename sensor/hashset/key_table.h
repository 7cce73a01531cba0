// KeyTable: an exact table from evenly spread 64-bit keys to items, each with a flag or a word, read in place: a
// directory by the key's first bits, then the rows in order. A row keeps the 32 bits of the key that follow those of
// the directory, so that a table of n rows tells keys apart by 32 + log2(n / 16) bits or more: of other keys one in
// 2^28 lookups answers.
//
//   table     = directory_bits(u32) row_words(u32) zero(56 bytes) directory padding row*
//   directory = u32[2^bits + 1]      first row of each prefix
//   row       = key(u32) item(u32) [word(u32)]     a flag is the highest bit of the item
//
// One lookup touches one directory line and one to three lines of rows. A lying table gives wrong rows, never a read
// outside of it and never more than kHitsPerKeyMax rows a key. Immutable; any thread.
#pragma once

#include <bit>
#include <optional>
#include <span>

#include "hashset/bloom_filter.h"
#include "hashset/external_sorter.h"
#include "hashset/hashset_format.h"
#include "hashset/section_output.h"

namespace spanwatch::hashset {

// What a row holds beside its item: bit 0 of the value, or all of it.
enum class KeyValue : std::uint32_t { kFlag = 2, kWord = 3 };  // words of a row

inline constexpr std::uint32_t kFlaggedItemsMax = 1u << 31;

class KeyTable {
 public:
  KeyTable() = default;  // empty
  // Nothing when the sizes disagree. The bytes outlive the table and are aligned to 64.
  static std::optional<KeyTable> View(ByteView bytes, std::uint64_t rows);
  // Writes the table of these rows; returns how many there are, repeats left out. Adds their keys to `filter`, if any.
  static Result<std::uint64_t> Write(ExternalSorter<KeyRow>& rows, KeyValue value, SectionOutput& output,
                                     BloomFilterBuilder* filter = nullptr);

  std::size_t size() const { return rows_; }
  // Calls `found(item, value)` for the rows of this key, at most kHitsPerKeyMax.
  template <typename Found>
  void Find(std::uint64_t key, Found&& found) const {
    const std::span<const std::uint32_t> words = Equal(key);
    for (std::size_t at = 0; at + row_words_ <= words.size(); at += row_words_) {
      if (row_words_ == static_cast<std::uint32_t>(KeyValue::kWord))
        found(words[at + 1], words[at + 2]);
      else
        found(words[at + 1] & (kFlaggedItemsMax - 1), words[at + 1] >> 31);
    }
  }
  // Calls `found(first 32 bits of the key, item, value)` for every row, in order.
  template <typename Found>
  void ForEach(Found&& found) const {
    std::size_t prefix = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
      while (prefix + 2 < directory_.size() && directory_[prefix + 1] <= row) ++prefix;
      const std::uint32_t* words = &words_[row * row_words_];
      const std::uint64_t key = (std::uint64_t{prefix} << 32 | words[0]) >> bits_;
      const bool flagged = row_words_ == static_cast<std::uint32_t>(KeyValue::kFlag);
      found(static_cast<std::uint32_t>(key), flagged ? words[1] & (kFlaggedItemsMax - 1) : words[1],
            flagged ? words[1] >> 31 : words[2]);
    }
  }
  void Prefetch(std::uint64_t key) const {
    if (!directory_.empty()) __builtin_prefetch(&directory_[Prefix(key)]);
  }
  void PrefetchRows(std::uint64_t key) const {
    if (directory_.empty()) return;
    const std::size_t begin = std::size_t{directory_[Prefix(key)]} * row_words_;
    if (begin < words_.size()) __builtin_prefetch(&words_[begin]);
  }

 private:
  std::size_t Prefix(std::uint64_t key) const { return bits_ == 0 ? 0 : static_cast<std::size_t>(key >> (64 - bits_)); }
  std::span<const std::uint32_t> Equal(std::uint64_t key) const;

  std::uint32_t bits_ = 0;
  std::uint32_t row_words_ = 2;
  std::size_t rows_ = 0;
  std::span<const std::uint32_t> directory_;
  std::span<const std::uint32_t> words_;  // of all rows
};

}  // namespace spanwatch::hashset
