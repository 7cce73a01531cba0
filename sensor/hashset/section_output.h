// SectionOutput: writes one section of a hash set file from its beginning on, buffered. Used by HashSetWriter and the
// tables it writes. One thread; `file` outlives it. The first failure is kept and told by Finish.
#pragma once

#include <functional>
#include <type_traits>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::hashset {

class SectionOutput {
 public:
  // `offset` in the file is where the section begins. `on_written(end)`, if any, hears how far the file has come.
  SectionOutput(int file, std::uint64_t offset, std::function<void(std::uint64_t end)> on_written = {})
      : file_(file), begin_(offset), on_written_(std::move(on_written)) {}

  void Write(ByteView bytes);
  template <typename Value>
    requires std::is_trivially_copyable_v<Value>
  void Put(const Value& value) {
    Write({reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
  }
  void Skip(std::uint64_t bytes);  // zeros
  // Writes from `offset` of the section on, be it over what was written before or beyond it; what lies between is zero.
  void Place(std::uint64_t offset, ByteView bytes);
  Status Finish();

  std::uint64_t size() const { return flushed_ + buffer_.size(); }

 private:
  void Flush();
  void WriteAt(std::uint64_t offset, ByteView bytes);

  int file_;
  std::uint64_t begin_;
  std::function<void(std::uint64_t end)> on_written_;
  std::uint64_t flushed_ = 0;  // bytes of the section before the buffer
  Bytes buffer_;
  Status status_;
};

}  // namespace spanwatch::hashset
