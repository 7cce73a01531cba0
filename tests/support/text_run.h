// DecodedText: what the first two stages of the record family make of a stream of bytes. For tests of encodings.
#pragma once

#include <algorithm>
#include <string>

#include "fingerprint/text_decoder.h"
#include "fingerprint/text_filter.h"

namespace spanwatch::fingerprint {

class DecodingSink final : public TextSink {
 public:
  void OnPlainText(ByteView blocks, std::uint64_t) noexcept override { decoder_.AppendPlain(blocks, text_); }
  void OnText(ByteView text, std::uint64_t nul, std::uint64_t) noexcept override { decoder_.Append(text, nul, text_); }
  void OnBreak() noexcept override { decoder_.Break(text_); }
  void OnString(unsigned) noexcept override {}
  std::string Take() {
    decoder_.Flush(text_);
    return std::move(text_);
  }

 private:
  TextDecoder decoder_;
  std::string text_;
};

// The bytes come in pieces of `piece`.
inline std::string DecodedText(std::string_view bytes, std::size_t piece) {
  DecodingSink sink;
  TextFilter filter(sink);
  for (std::size_t i = 0; i < bytes.size(); i += piece) filter.Update(AsBytes(bytes.substr(i, piece)));
  filter.Finish();
  return sink.Take();
}

// A text in UTF-16 or UTF-32.
struct WideForm {
  std::size_t width = 2;
  bool big_endian = false;
  bool marked = false;
};
inline std::string Widened(std::u32string_view text, const WideForm& form) {
  std::string bytes;
  const auto put = [&](char32_t unit) {
    for (std::size_t i = 0; i < form.width; ++i) {
      const std::size_t shift = 8 * (form.big_endian ? form.width - 1 - i : i);
      bytes += static_cast<char>(unit >> shift & 0xFF);
    }
  };
  if (form.marked) put(0xFEFF);
  for (const char32_t c : text) {
    if (c < 0x10000 || form.width == 4) {
      put(c);
    } else {
      put(0xD800 + ((c - 0x10000) >> 10));
      put(0xDC00 + (c & 0x3FF));
    }
  }
  return bytes;
}

}  // namespace spanwatch::fingerprint
