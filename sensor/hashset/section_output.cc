#include "hashset/section_output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kBufferBytes = 1u << 20;

}  // namespace

void SectionOutput::Write(ByteView bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
  if (bytes.size() >= kBufferBytes) {
    WriteAt(flushed_, bytes);
    flushed_ += bytes.size();
    return;
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void SectionOutput::Skip(std::uint64_t bytes) {
  static constexpr std::array<std::uint8_t, 65536> kZeros{};
  for (; bytes > 0; bytes -= std::min<std::uint64_t>(bytes, kZeros.size()))
    Write(ByteView(kZeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kZeros.size()))));
}

void SectionOutput::Place(std::uint64_t offset, ByteView bytes) {
  Flush();
  WriteAt(offset, bytes);
  flushed_ = std::max(flushed_, offset + bytes.size());
}

Status SectionOutput::Finish() {
  Flush();
  return status_;
}

void SectionOutput::Flush() {
  WriteAt(flushed_, buffer_);
  flushed_ += buffer_.size();
  buffer_.clear();
}

void SectionOutput::WriteAt(std::uint64_t offset, ByteView bytes) {
  while (status_ && !bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(begin_ + offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      status_ = FailErrno("cannot write the hash set");
      return;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  if (on_written_) on_written_(begin_ + std::max(flushed_, offset));
}

}  // namespace spanwatch::hashset
