#include "hashset/key_table.h"

#include <algorithm>
#include <cstring>

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kTableHeaderBytes = 64;
constexpr std::uint32_t kDirectoryBitsMax = 30;
constexpr std::uint64_t kRowsPerPrefix = 4;

std::uint64_t RowsOffset(std::uint32_t bits) {
  const std::uint64_t end = kTableHeaderBytes + ((std::uint64_t{1} << bits) + 1) * sizeof(std::uint32_t);
  return (end + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

std::uint32_t DirectoryBits(std::uint64_t rows) {
  const auto bits = static_cast<std::uint32_t>(std::bit_width(rows / kRowsPerPrefix));
  return std::min(bits, kDirectoryBitsMax);
}

}  // namespace

std::optional<KeyTable> KeyTable::View(ByteView bytes, std::uint64_t rows) {
  if (bytes.empty() && rows == 0) return KeyTable();
  if (bytes.size() < kTableHeaderBytes || rows > UINT32_MAX) return std::nullopt;
  KeyTable table;
  std::memcpy(&table.bits_, bytes.data(), sizeof(table.bits_));
  if (table.bits_ > kDirectoryBitsMax) return std::nullopt;
  const std::uint64_t rows_offset = RowsOffset(table.bits_);
  if (bytes.size() != rows_offset + rows * sizeof(KeyRow)) return std::nullopt;
  table.directory_ = {reinterpret_cast<const std::uint32_t*>(bytes.data() + kTableHeaderBytes),
                      (std::size_t{1} << table.bits_) + 1};
  table.rows_ = {reinterpret_cast<const KeyRow*>(bytes.data() + rows_offset), static_cast<std::size_t>(rows)};
  return table;
}

std::span<const KeyRow> KeyTable::Find(std::uint64_t key) const {
  if (directory_.empty()) return {};
  const std::size_t prefix = Prefix(key);
  const std::size_t end = std::min<std::size_t>(directory_[prefix + 1], rows_.size());
  const std::size_t begin = std::min<std::size_t>(directory_[prefix], end);
  const auto bucket = rows_.subspan(begin, end - begin);
  // Binary search: a lying directory may make a bucket of the whole table.
  const auto first = std::ranges::lower_bound(bucket, key, {}, &KeyRow::key);
  auto last = first;
  while (last != bucket.end() && last->key == key && static_cast<std::size_t>(last - first) < kHitsPerKeyMax) ++last;
  return {first, last};
}

Bytes KeyTable::Build(std::vector<KeyRow>& rows) {
  if (rows.empty()) return {};
  std::ranges::sort(rows);
  const auto repeats = std::ranges::unique(rows);
  rows.erase(repeats.begin(), repeats.end());
  const std::uint32_t bits = DirectoryBits(rows.size());
  std::vector<std::uint32_t> directory((std::size_t{1} << bits) + 1);
  for (const KeyRow& row : rows) ++directory[(bits == 0 ? 0 : row.key >> (64 - bits)) + 1];
  for (std::size_t i = 1; i < directory.size(); ++i) directory[i] += directory[i - 1];
  const std::uint64_t rows_offset = RowsOffset(bits);
  Bytes bytes(rows_offset + rows.size() * sizeof(KeyRow));
  std::memcpy(bytes.data(), &bits, sizeof(bits));
  std::memcpy(bytes.data() + kTableHeaderBytes, directory.data(), directory.size() * sizeof(std::uint32_t));
  std::memcpy(bytes.data() + rows_offset, rows.data(), rows.size() * sizeof(KeyRow));
  return bytes;
}

}  // namespace spanwatch::hashset
