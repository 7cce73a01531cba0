#include "flow/second_reading.h"

#include <algorithm>
#include <cstring>

namespace spanwatch::flow {

SecondReading::SecondReading(BlockPool& lines, ReadingSink& sink, std::uint64_t position)
    : lines_(lines), sink_(sink), line_(lines.Take()), capacity_(lines.block_bytes()), begin_(position) {}

SecondReading::~SecondReading() {
  if (line_ != nullptr) lines_.Return(line_);
}

void SecondReading::Take(std::uint64_t position, ByteView bytes, bool replaces) noexcept {
  if (position < begin_) {
    const std::uint64_t late = std::min<std::uint64_t>(begin_ - position, bytes.size());
    if (replaces) {
      JumpTo(position);
    } else {
      bytes = bytes.subspan(static_cast<std::size_t>(late));
      position += late;
    }
  }
  if (bytes.empty()) return;
  if (line_ == nullptr) {
    if (position != begin_) JumpTo(position);
    sink_.OnReadingData(bytes);
    begin_ += bytes.size();
    return;
  }
  if (position > begin_ + filled_ + capacity_) JumpTo(position);
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), capacity_ / 2);
    // Half the line at a time, so that each byte is moved once.
    if (position + piece > begin_ + capacity_) PassOn(std::max(position + piece - capacity_, begin_ + capacity_ / 2));
    Put(static_cast<std::size_t>(position - begin_), bytes.first(piece), replaces);
    position += piece;
    bytes = bytes.subspan(piece);
  }
}

void SecondReading::Put(std::size_t at, ByteView bytes, bool replaces) noexcept {
  const std::size_t end = at + bytes.size();
  auto first = std::ranges::partition_point(present_, [&](const Range& range) { return range.end < at; });
  auto last = first;
  Range whole{at, end};
  std::size_t from = at;  // what is missing begins here
  for (; last != present_.end() && last->begin <= end; ++last) {
    if (!replaces && last->begin > from) std::memcpy(line_ + from, bytes.data() + (from - at), last->begin - from);
    from = std::max(from, last->end);
    whole = {std::min(whole.begin, last->begin), std::max(whole.end, last->end)};
  }
  if (replaces) {
    std::memcpy(line_ + at, bytes.data(), bytes.size());
  } else if (from < end) {
    std::memcpy(line_ + from, bytes.data() + (from - at), end - from);
  }
  first = present_.erase(first, last);
  present_.insert(first, whole);
  filled_ = present_.back().end;
}

void SecondReading::PassOn(std::uint64_t position) noexcept {
  const auto count = static_cast<std::size_t>(position - begin_);
  std::size_t at = 0;
  std::size_t passed = 0;
  for (Range& range : present_) {
    if (range.begin >= count) break;
    if (range.begin > at) sink_.OnReadingGap(range.begin - at);
    const std::size_t end = std::min(range.end, count);
    sink_.OnReadingData({line_ + range.begin, end - range.begin});
    at = end;
    if (range.end <= count) ++passed;
    range.begin = end;
  }
  if (at < count) sink_.OnReadingGap(count - at);
  present_.erase(present_.begin(), present_.begin() + static_cast<std::ptrdiff_t>(passed));
  if (filled_ > count) std::memmove(line_, line_ + count, filled_ - count);
  filled_ -= std::min(filled_, count);
  for (Range& range : present_) range = {range.begin - count, range.end - count};
  begin_ = position;
}

void SecondReading::JumpTo(std::uint64_t position) noexcept {
  if (line_ != nullptr) Finish();
  // Behind a gap nothing is taken for a continuation; going back, its length means nothing.
  sink_.OnReadingGap(position > begin_ ? position - begin_ : 1);
  begin_ = position;
}

}  // namespace spanwatch::flow
