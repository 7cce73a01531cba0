// 7z (7zFormat.txt): its index is at its end, so it is held up to a limit and read with seeks. Of a larger one, or one
// with a gap, the bytes are searched as they are and only the end is held, for what the index tells of encrypted files.
#include <archive.h>

#include <algorithm>

#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"
#include "content/seven_zip_index.h"

namespace spanwatch::content {
namespace {

constexpr ArchiveFormat kSevenZipFormat = {
    .name = "7z",
    .enable = archive_read_support_format_7zip,
    .seeks = true,
};

class SevenZipLayer final : public Layer {
 public:
  explicit SevenZipLayer(ObjectNode& object) : object_(object), members_(object, kSevenZipFormat) {}

  Taken Write(ByteView bytes) noexcept override {
    std::size_t taken = 0;
    if (!head_) {
      taken = std::min(bytes.size(), kSevenZipHeadBytes - held_.size());
      held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      if (held_.size() < kSevenZipHeadBytes) return {taken, LayerState::kMore};
      head_ = ReadSevenZipHead(held_);
      if (!head_) return {taken, LayerState::kBroken};
      seen_ = kSevenZipHeadBytes;
      if (head_->end() > object_.limits().content_held_bytes) {
        object_.ReportHeld();
        if (!HoldEndOnly()) return {taken, LayerState::kDone};
      }
    }
    const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size() - taken, head_->end() - seen_));
    Hold(bytes.subspan(taken, more));
    taken += more;
    if (seen_ < head_->end()) return {taken, LayerState::kMore};
    return {taken, end_only_ ? FinishEnd() : FinishWhole()};
  }

  bool Gap(std::uint64_t length) noexcept override {
    if (!head_ || length >= head_->end() - seen_) return false;
    if (!end_only_ && !HoldEndOnly()) return false;
    seen_ += length;
    held_ = {};
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    members_.End(ObjectEnd::kAborted);
    if (end != ObjectEnd::kAborted && !end_only_) SearchHeld();
    held_ = {};
  }
  std::uint64_t held() const noexcept override { return held_.capacity(); }

 private:
  // From here on: what is held is searched, and the end alone is kept. False: carved, others search its bytes.
  bool HoldEndOnly() {
    if (!end_only_) SearchHeld();
    held_ = {};
    end_only_ = true;
    return !object_.carved();
  }

  void Hold(ByteView bytes) {
    seen_ += bytes.size();
    if (!end_only_) {
      held_.insert(held_.end(), bytes.begin(), bytes.end());
      return;
    }
    object_.Search(bytes);
    const std::uint64_t kept = object_.limits().content_index_bytes;
    const std::uint64_t end_begins = head_->end() - std::min(kept, head_->end());
    if (seen_ <= end_begins) return;
    const ByteView end =
        bytes.last(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), seen_ - end_begins)));
    held_.insert(held_.end(), end.begin(), end.end());
  }

  LayerState FinishWhole() {
    const Taken read = members_.Write(held_);
    if (members_.encrypted()) ReadIndex();
    if (read.state == LayerState::kBroken) SearchHeld();
    held_ = {};
    return read.state == LayerState::kBroken ? LayerState::kBroken : LayerState::kDone;
  }

  LayerState FinishEnd() {
    if (ReadIndex() == SevenZipIndexResult::kEncrypted) {
      object_.NoteEncrypted();
      object_.Unread(AnomalyCode::unread_encrypted);
    }
    held_ = {};
    return LayerState::kDone;
  }

  SevenZipIndexResult ReadIndex() {
    const config::Limits& limits = object_.limits();
    return ReadSevenZipIndex(*head_, held_,
                             {.entries = limits.content_children_count,
                              .unpacked_bytes = limits.content_held_bytes,
                              .unpacked_ratio = limits.content_expansion_ratio},
                             [this](const ArchiveEntry& entry) { object_.NoteArchiveEntry(entry); });
  }

  // Behind the signature, which would only be found once more.
  void SearchHeld() {
    if (held_.size() > kSevenZipHeadBytes) object_.Search(ByteView(held_).subspan(kSevenZipHeadBytes));
  }

  ObjectNode& object_;
  ArchiveLayer members_;
  std::optional<SevenZipHead> head_;
  Bytes held_;  // the archive so far, or what there is of its end
  std::uint64_t seen_ = 0;
  bool end_only_ = false;
};

}  // namespace

constinit const LayerSpec kSevenZipLayer = {
    .name = "7z",
    .help = "7z archives up to content.held_bytes; of larger ones what the index tells of encrypted files.",
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return IsPlausible(FileKind::kSevenZip, head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<SevenZipLayer>(object);
    },
};

}  // namespace spanwatch::content
