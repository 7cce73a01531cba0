#include "content/filter_layer.h"

namespace spanwatch::content {

using Event = ArchiveReader::Event;

Taken FilterLayer::Write(ByteView bytes) noexcept {
  reader_->Feed(bytes);
  if (Pump()) return {bytes.size(), LayerState::kMore};
  if (object_.exhausted()) return {0, LayerState::kBroken};
  return {bytes.size(), whole_ ? LayerState::kDone : LayerState::kBroken};
}

bool FilterLayer::Pump() {
  for (;;) {
    switch (reader_->Next()) {
      case Event::kNeedInput:
        return true;
      case Event::kMember:
        child_ = object_.OpenChild(object_.Decoded(step_));
        break;
      case Event::kData:
        if (child_ != nullptr) child_->Write(reader_->data());
        break;
      case Event::kMemberEnd:
        whole_ = true;
        break;
      case Event::kMemberBroken:
      case Event::kBroken:
        whole_ = false;
        return false;
      case Event::kEnd:
        return false;
    }
    if (object_.exhausted()) return false;
  }
}

bool FilterLayer::Gap(std::uint64_t) noexcept { return false; }

void FilterLayer::End(ObjectEnd end) noexcept {
  if (!whole_ && end == ObjectEnd::kComplete) {
    reader_->FeedEnd();
    Pump();
  }
  if (child_ != nullptr) child_->End(end == ObjectEnd::kComplete && !whole_ ? ObjectEnd::kTruncated : end);
  child_.reset();
  reader_.reset();
}

}  // namespace spanwatch::content
