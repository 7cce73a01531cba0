#include "capture/read_ahead.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace spanwatch::capture {

ByteView ReadAhead::Peek(std::size_t count) {
  DCHECK(count <= kFurthest);
  if (end_ - begin_ < count && begin_ + count > buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < count && !ended_) {
    auto got = reader_.Read(MutableByteView(buffer_).subspan(end_));
    if (!got) error_ = std::move(got.error());
    ended_ = !got || *got == 0;
    if (!ended_) end_ += *got;
  }
  return ByteView(buffer_).subspan(begin_, std::min(count, end_ - begin_));
}

bool ReadAhead::Skip(std::uint64_t count) {
  while (count > 0) {
    const std::size_t there = Peek(static_cast<std::size_t>(std::min<std::uint64_t>(count, kFurthest))).size();
    if (there == 0) return false;
    begin_ += there;
    taken_ += there;
    count -= there;
  }
  return true;
}

std::size_t ReadAhead::Read(MutableByteView to) {
  if (begin_ == end_ && !ended_) {  // nothing was looked at ahead
    auto got = reader_.Read(to);
    if (!got) error_ = std::move(got.error());
    ended_ = !got || *got == 0;
    if (ended_) return 0;
    taken_ += *got;
    return *got;
  }
  const std::size_t count = std::min(to.size(), end_ - begin_);
  std::memcpy(to.data(), buffer_.data() + begin_, count);
  begin_ += count;
  taken_ += count;
  return count;
}

}  // namespace spanwatch::capture
