// RowSpool: more rows than memory should hold, in the order in which they come; all but the last few wait in a
// temporary file. Used by HashSetWriter for the items. One thread.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "hashset/section_output.h"
#include "hashset/temporary_file.h"

namespace spanwatch::hashset {

template <typename Row>
  requires std::is_trivially_copyable_v<Row>
class RowSpool {
 public:
  // `folder` takes the file. What fails is told by WriteTo.
  explicit RowSpool(std::filesystem::path folder) : file_(std::move(folder)) {}

  void Add(const Row& row) {
    if (rows_.size() == kRowsInMemory) {
      if (status_) status_ = file_.Append(BytesOf(rows_));
      rows_.clear();
    }
    rows_.push_back(row);
    ++size_;
  }
  std::uint64_t size() const { return size_; }
  // May be changed until the next comes. REQUIRES: there is one
  Row& last() { return rows_.back(); }

  Status WriteTo(SectionOutput& output) const {
    std::vector<Row> piece(static_cast<std::size_t>(std::min<std::uint64_t>(size_ - rows_.size(), kRowsInMemory)));
    const std::span bytes(reinterpret_cast<std::uint8_t*>(piece.data()), piece.size() * sizeof(Row));
    Status status = status_;
    for (std::uint64_t at = 0; status && at < file_.size(); at += bytes.size()) {
      status = file_.Read(at, bytes);
      output.Write(bytes);
    }
    output.Write(BytesOf(rows_));
    return status;
  }

 private:
  static constexpr std::size_t kRowsInMemory = (1u << 20) / sizeof(Row);
  static ByteView BytesOf(const std::vector<Row>& rows) {
    return {reinterpret_cast<const std::uint8_t*>(rows.data()), rows.size() * sizeof(Row)};
  }

  TemporaryFile file_;  // whole pieces of kRowsInMemory
  std::vector<Row> rows_;
  std::uint64_t size_ = 0;
  Status status_;
};

}  // namespace spanwatch::hashset
