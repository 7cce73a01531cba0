#include "hashset/key_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ranges>

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kTableHeaderBytes = 64;
constexpr std::uint32_t kDirectoryBitsMax = 30;
constexpr std::uint64_t kRowsPerPrefix = 16;

std::uint64_t RowsOffset(std::uint32_t bits) {
  return SectionAligned(kTableHeaderBytes + ((std::uint64_t{1} << bits) + 1) * sizeof(std::uint32_t));
}

std::uint32_t DirectoryBits(std::uint64_t rows) {
  const auto bits = static_cast<std::uint32_t>(std::bit_width(rows / kRowsPerPrefix));
  return std::min(bits, kDirectoryBitsMax);
}

std::uint32_t KeptBits(std::uint64_t key, std::uint32_t bits) { return static_cast<std::uint32_t>(key << bits >> 32); }

}  // namespace

std::optional<KeyTable> KeyTable::View(ByteView bytes, std::uint64_t rows) {
  if (bytes.empty() && rows == 0) return KeyTable();
  if (bytes.size() < kTableHeaderBytes || rows > UINT32_MAX) return std::nullopt;
  KeyTable table;
  std::memcpy(&table.bits_, bytes.data(), sizeof(table.bits_));
  std::memcpy(&table.row_words_, bytes.data() + sizeof(table.bits_), sizeof(table.row_words_));
  const bool known = table.row_words_ == static_cast<std::uint32_t>(KeyValue::kFlag) ||
                     table.row_words_ == static_cast<std::uint32_t>(KeyValue::kWord);
  if (!known || table.bits_ > kDirectoryBitsMax) return std::nullopt;
  const std::uint64_t rows_offset = RowsOffset(table.bits_);
  const std::uint64_t words = rows * table.row_words_;
  if (bytes.size() != rows_offset + words * sizeof(std::uint32_t)) return std::nullopt;
  table.rows_ = static_cast<std::size_t>(rows);
  table.directory_ = {reinterpret_cast<const std::uint32_t*>(bytes.data() + kTableHeaderBytes),
                      (std::size_t{1} << table.bits_) + 1};
  table.words_ = {reinterpret_cast<const std::uint32_t*>(bytes.data() + rows_offset), static_cast<std::size_t>(words)};
  return table;
}

std::span<const std::uint32_t> KeyTable::Equal(std::uint64_t key) const {
  if (directory_.empty()) return {};
  const std::size_t prefix = Prefix(key);
  const std::size_t end = std::min<std::size_t>(directory_[prefix + 1], rows_);
  const std::size_t begin = std::min<std::size_t>(directory_[prefix], end);
  const std::uint32_t kept = KeptBits(key, bits_);
  const auto key_of = [&](std::size_t row) { return words_[row * row_words_]; };
  // Binary search: a lying directory may make a bucket of the whole table.
  const auto bucket = std::views::iota(begin, end);
  const auto found = std::ranges::lower_bound(bucket, kept, {}, key_of);
  const std::size_t first = begin + static_cast<std::size_t>(found - bucket.begin());
  std::size_t last = first;
  while (last < end && last - first < kHitsPerKeyMax && key_of(last) == kept) ++last;
  return words_.subspan(first * row_words_, (last - first) * row_words_);
}

Result<std::uint64_t> KeyTable::Write(ExternalSorter<KeyRow>& rows, KeyValue value, SectionOutput& output,
                                      BloomFilterBuilder* filter) {
  if (rows.size() == 0) return 0;
  if (rows.size() > UINT32_MAX) return Fail(ErrorCode::kLimit, "more than 2^32 rows in one table of a hash set");
  const std::uint32_t bits = DirectoryBits(rows.size());
  std::vector<std::uint32_t> directory((std::size_t{1} << bits) + 1);
  output.Put(bits);
  output.Put(static_cast<std::uint32_t>(value));
  output.Skip(RowsOffset(bits) - 2 * sizeof(std::uint32_t));
  std::uint64_t count = 0;
  Status status = rows.ForEach([&](const KeyRow& row) {
    ++directory[(bits == 0 ? 0 : static_cast<std::size_t>(row.key >> (64 - bits))) + 1];
    ++count;
    const std::uint32_t kept = KeptBits(row.key, bits);
    if (value == KeyValue::kWord)
      output.Put(std::array{kept, row.item, row.value});
    else
      output.Put(std::array{kept, row.item | row.value << 31});
    if (filter != nullptr) filter->Add(row.key);
  });
  if (!status) return Fail(status.error());
  for (std::size_t i = 1; i < directory.size(); ++i) directory[i] += directory[i - 1];
  output.Place(kTableHeaderBytes,
               {reinterpret_cast<const std::uint8_t*>(directory.data()), directory.size() * sizeof(std::uint32_t)});
  return count;
}

}  // namespace spanwatch::hashset
