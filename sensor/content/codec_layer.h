// CodecLayer: takes one encoding off an object, as a stream: what Codec makes is the one child. Shared by the layers of
// encodings (gzip, deflate, Brotli, zstd, base64, quoted-printable), which only bring their Codec.
#pragma once

#include "content/layer.h"
#include "content/object_node.h"

namespace spanwatch::content {

struct CodecStep {
  std::size_t taken = 0;
  std::size_t made = 0;
  LayerState state = LayerState::kMore;
};

class Codec {
 public:
  virtual ~Codec() = default;
  // Takes some of `in` and makes some of `out`. Progress is made unless `in` is used up and nothing is left inside.
  virtual CodecStep Decode(ByteView in, MutableByteView out) = 0;
  // Whether the encoding could end after the bytes it has taken.
  virtual bool MayEnd() const = 0;
  // Memory that it holds now, its window above all.
  virtual std::uint64_t held() const { return 0; }
};

class CodecLayer final : public Layer {
 public:
  CodecLayer(ObjectNode& object, std::unique_ptr<Codec> codec, std::string_view step);
  ~CodecLayer() override;
  Taken Write(ByteView bytes) noexcept override;
  bool Gap(std::uint64_t length) noexcept override;
  void End(ObjectEnd end) noexcept override;
  std::uint64_t held() const noexcept override { return codec_->held(); }

 private:
  ObjectNode& object_;
  std::unique_ptr<Codec> codec_;
  std::unique_ptr<ObjectNode> child_;
  std::string_view step_;  // of a LayerSpec: lives as long as the program
  bool opened_ = false;
};

}  // namespace spanwatch::content
