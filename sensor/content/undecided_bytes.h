// UndecidedBytes: the end of what came to a layer that cannot tell yet what it is, such as half a delimiter. It comes
// again in front of the bytes of the next call. Used by layers that look for delimiters; inspector thread only.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace spanwatch::content {

class UndecidedBytes {
 public:
  // `consume(bytes)` returns how many bytes were decided; the others are kept.
  template <typename Consume>
  void Write(ByteView bytes, const Consume& consume) {
    if (kept_.empty()) {
      const std::size_t used = consume(bytes);
      kept_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(used), bytes.end());
    } else {
      kept_.insert(kept_.end(), bytes.begin(), bytes.end());
      const std::size_t used = consume(ByteView(kept_));
      kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(used));
    }
  }
  // No more bytes follow: `consume` has to decide all of them.
  template <typename Consume>
  void Flush(const Consume& consume) {
    consume(ByteView(kept_));
    kept_.clear();
  }

 private:
  Bytes kept_;
};

}  // namespace spanwatch::content
