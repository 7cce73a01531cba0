// InflateCodec: DEFLATE in its three wrappings (RFC 1950, 1951, 1952) with isa-l's igzip. gzip members may follow one
// another.
#pragma once

#include <isa-l/igzip_lib.h>

#include "content/codec_layer.h"

namespace spanwatch::content {

class InflateCodec final : public Codec {
 public:
  enum class Wrapping : std::uint8_t { kGzip, kZlibOrRaw, kRaw };

  explicit InflateCodec(Wrapping wrapping);
  CodecStep Decode(ByteView in, MutableByteView out) override;
  bool MayEnd() const override { return between_members_; }
  std::uint64_t held() const override { return sizeof(inflate_state); }

 private:
  CodecStep BetweenMembers(ByteView in);
  void Start(std::uint32_t format);
  std::size_t GiveBack(std::size_t taken);

  Wrapping wrapping_;
  std::unique_ptr<inflate_state> state_;
  std::uint8_t first_ = 0;  // of two bytes that tell the wrapping or the next member
  bool has_first_ = false;
  bool started_ = false;
  bool between_members_ = false;
};

}  // namespace spanwatch::content
