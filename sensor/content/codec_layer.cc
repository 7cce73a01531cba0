#include "content/codec_layer.h"

#include <algorithm>

namespace spanwatch::content {

CodecLayer::CodecLayer(ObjectNode& object, std::unique_ptr<Codec> codec, std::string_view step)
    : object_(object), codec_(std::move(codec)), step_(step) {}

CodecLayer::~CodecLayer() = default;

Taken CodecLayer::Write(ByteView bytes) noexcept {
  // Opened with the first byte, not with the first output: a truncated header still is an object of its name.
  if (!opened_) {
    opened_ = true;
    child_ = object_.OpenChild(object_.Decoded(step_));
  }
  if (child_ == nullptr) return {0, LayerState::kDone};
  std::uint8_t output[16384];
  std::size_t taken = 0;
  int idle = 0;  // a codec may change its state once without progress
  for (;;) {
    const CodecStep step = codec_->Decode(bytes.subspan(taken), output);
    taken += std::min(step.taken, bytes.size() - taken);
    if (step.made > 0) child_->Write({output, step.made});
    if (object_.exhausted()) return {taken, LayerState::kBroken};
    if (step.state != LayerState::kMore) return {taken, step.state};
    idle = step.taken == 0 && step.made == 0 ? idle + 1 : 0;
    if (idle > 2) return {taken, LayerState::kBroken};
    if (taken == bytes.size() && step.made < sizeof(output)) return {taken, LayerState::kMore};
  }
}

bool CodecLayer::Gap(std::uint64_t) noexcept { return false; }

void CodecLayer::End(ObjectEnd end) noexcept {
  if (child_ == nullptr) return;
  if (end == ObjectEnd::kComplete && !codec_->MayEnd()) end = ObjectEnd::kTruncated;
  child_->End(end);
  child_.reset();
}

}  // namespace spanwatch::content
