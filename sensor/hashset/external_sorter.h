// ExternalSorter: puts in order more rows than memory should hold: sorted runs go to one temporary file, and are merged
// when they are read. Used by HashSetWriter and `register build`. One thread.
#pragma once

#include <algorithm>
#include <optional>
#include <queue>
#include <type_traits>
#include <vector>

#include "hashset/temporary_file.h"

namespace spanwatch::hashset {

inline constexpr std::size_t kSorterBytesInMemory = 128u << 20;

// REQUIRES: Row has an order and no pointers.
template <typename Row>
  requires std::is_trivially_copyable_v<Row>
class ExternalSorter {
 public:
  // `folder` takes the runs. What fails is told by ForEach.
  explicit ExternalSorter(std::filesystem::path folder, std::size_t bytes_in_memory = kSorterBytesInMemory)
      : file_(std::move(folder)), rows_in_memory_(std::max<std::size_t>(bytes_in_memory / sizeof(Row), 1)) {}

  void Add(const Row& row) {
    rows_.push_back(row);
    ++size_;
    if (rows_.size() >= rows_in_memory_) Spill();
  }
  // Of all rows added, repeats included.
  std::uint64_t size() const { return size_; }

  // Calls `visit(row)` in ascending order, of equal rows for one. The rows are gone afterwards.
  template <typename Visit>
  Status ForEach(Visit&& visit) {
    if (runs_.empty()) {
      Order();
      for (const Row& row : rows_) visit(row);
      rows_ = {};
      return {};
    }
    Spill();
    rows_ = {};
    return status_ ? Merge(visit) : status_;
  }

 private:
  struct Run {
    std::uint64_t next = 0;  // row in the file
    std::uint64_t end = 0;
    std::vector<Row> buffer;
    std::size_t at = 0;
  };

  void Order() {
    std::ranges::sort(rows_);
    const auto repeats = std::ranges::unique(rows_);
    rows_.erase(repeats.begin(), repeats.end());
  }

  void Spill() {
    Order();
    if (status_)
      status_ = file_.Append({reinterpret_cast<const std::uint8_t*>(rows_.data()), rows_.size() * sizeof(Row)});
    runs_.push_back({.next = spilled_, .end = spilled_ + rows_.size(), .buffer = {}});
    spilled_ += rows_.size();
    rows_.clear();
  }

  // False: the run is at its end, or cannot be read.
  bool Fill(Run& run) {
    constexpr std::size_t kBufferBytes = 1u << 20;
    const std::uint64_t count = std::min<std::uint64_t>(run.end - run.next, kBufferBytes / sizeof(Row) + 1);
    run.buffer.resize(static_cast<std::size_t>(count));
    run.at = 0;
    status_ = file_.Read(run.next * sizeof(Row),
                         {reinterpret_cast<std::uint8_t*>(run.buffer.data()), run.buffer.size() * sizeof(Row)});
    run.next += count;
    return status_ && count > 0;
  }

  template <typename Visit>
  Status Merge(Visit&& visit) {
    using Head = std::pair<Row, std::size_t>;
    std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (Fill(runs_[i])) heads.emplace(runs_[i].buffer[0], i);
    }
    std::optional<Row> last;
    while (status_ && !heads.empty()) {
      const auto [row, number] = heads.top();
      heads.pop();
      Run& run = runs_[number];
      if (++run.at < run.buffer.size() || Fill(run)) heads.emplace(run.buffer[run.at], number);
      if (last == row) continue;
      last = row;
      visit(row);
    }
    return status_;
  }

  TemporaryFile file_;
  std::size_t rows_in_memory_;
  std::vector<Row> rows_;
  std::vector<Run> runs_;
  std::uint64_t size_ = 0;
  std::uint64_t spilled_ = 0;
  Status status_;
};

}  // namespace spanwatch::hashset
