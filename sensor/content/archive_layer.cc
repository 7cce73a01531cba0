#include "content/archive_layer.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <cstring>

#include "content/object_node.h"

namespace spanwatch::content {

using Event = ArchiveReader::Event;

namespace {

// Damaged places of one archive after which it is read on; what lies behind the last is searched as raw bytes.
constexpr int kRestartsMax = 64;
// So far libarchive looks ahead of what it uses, at most: a zip's local header with its name's beginning.
constexpr std::size_t kUnusedMax = 128;

}  // namespace

ArchiveLayer::ArchiveLayer(ObjectNode& object, const ArchiveFormat& format, MemberObserver* observer)
    : object_(object), format_(format), reader_(std::make_unique<ArchiveReader>(format)), observer_(observer) {}

ArchiveLayer::~ArchiveLayer() = default;

Taken ArchiveLayer::Write(ByteView bytes) noexcept {
  std::size_t used = 0;
  written_ += bytes.size();
  if (directory_) return WalkDirectory(bytes);
  if (reader_ != nullptr) {
    const Taken taken = Read(bytes);
    if (reader_ != nullptr || directory_ || taken.state != LayerState::kMore) return taken;
    used = taken.bytes;
  }
  return Look(bytes, used);
}

// Reads on. kMore without a reader: it broke off at the first byte that was not taken, and the next header is wanted.
Taken ArchiveLayer::Read(ByteView bytes) {
  reader_->Feed(bytes);
  const std::uint64_t before = fed_;
  fed_ += bytes.size();
  const Event event = Pump();
  if (object_.exhausted()) return {0, LayerState::kBroken};
  if (event == Event::kNeedInput) {
    last_.insert(last_.end(), bytes.end() - static_cast<std::ptrdiff_t>(std::min(bytes.size(), kUnusedMax)),
                 bytes.end());
    if (last_.size() > 2 * kUnusedMax)
      last_.erase(last_.begin(), last_.end() - static_cast<std::ptrdiff_t>(kUnusedMax));
    return {bytes.size(), LayerState::kMore};
  }
  // What libarchive looked at and did not use is not the archive's; of earlier deliveries it is too late to give it
  // back.
  const std::uint64_t position = reader_->used();
  std::size_t used =
      position <= before ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(position - before, bytes.size()));
  const bool headers_encrypted = members_ == 0 && reader_->headers_encrypted();
  if (headers_encrypted) {
    NoteEncrypted();
    Unread(AnomalyCode::unread_encrypted);
  }
  const bool nothing_read = members_ == 0 && restarts_ == 0;
  const bool at_header = before == 0;
  StopReading();
  if (event == Event::kEnd && format_.directory) return EndMembers(position, before, bytes);
  if (event == Event::kEnd || headers_encrypted) return {used, LayerState::kDone};
  // Of a zip that is one by what it begins with, the first local header alone may lie.
  const bool goes_on = !nothing_read || (observer_ != nullptr && !object_.carved());
  if (!goes_on || format_.seeks || format_.magic.empty()) return {used, LayerState::kBroken};
  // Where an encrypted member of unknown length ends, nobody knows without the password: no damage.
  if (object_.carved()) return {used, encrypted_told_ ? LayerState::kDone : LayerState::kBroken};
  if (!encrypted_told_) object_.Report(AnomalyCode::content_malformed);
  // Never the same header again.
  if (at_header) used = std::max(used, std::min(bytes.size(), format_.magic_offset + format_.magic.size()));
  return {used, LayerState::kMore};
}

// The members ended `position` bytes after the first that was fed, of which `before` came before `bytes`.
Taken ArchiveLayer::EndMembers(std::uint64_t position, std::uint64_t before, ByteView bytes) {
  directory_.emplace();
  if (position >= before) {
    const std::size_t used = static_cast<std::size_t>(std::min<std::uint64_t>(position - before, bytes.size()));
    const Taken taken = WalkDirectory(bytes.subspan(used));
    return {used + taken.bytes, taken.state};
  }
  const std::size_t unused = static_cast<std::size_t>(std::min<std::uint64_t>(before - position, last_.size()));
  const Taken taken = WalkDirectory(ByteView(last_).last(unused));
  return taken.state == LayerState::kMore ? WalkDirectory(bytes) : Taken{0, taken.state};
}

Taken ArchiveLayer::WalkDirectory(ByteView bytes) {
  const Walk walk = directory_->Step(bytes);
  whole_ = walk.outcome == Walk::Outcome::kEnded;
  return {walk.used, walk.outcome == Walk::Outcome::kMore ? LayerState::kMore : LayerState::kDone};
}

// Looks for the next header behind the first `used` bytes, and reads on there.
Taken ArchiveLayer::Look(ByteView bytes, std::size_t used) {
  const ByteView rest = bytes.subspan(used);
  pending_.insert(pending_.end(), rest.begin(), rest.end());
  for (;;) {
    bool found = false;
    const std::size_t header = FindHeader(pending_, found);
    object_.Search(ByteView(pending_).first(header));
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(header));
    if (!found) return {bytes.size(), LayerState::kMore};
    const Bytes text = std::move(pending_);
    pending_ = {};
    if (++restarts_ > kRestartsMax) return {bytes.size() - std::min(text.size(), bytes.size()), LayerState::kDone};
    object_.EndSearch(ObjectEnd::kTruncated);
    reader_ = std::make_unique<ArchiveReader>(format_);
    reader_begins_ = written_ - text.size();
    last_.clear();
    const Taken taken = Read(text);
    if (reader_ != nullptr || directory_ || taken.state != LayerState::kMore) {
      return {bytes.size() - std::min(text.size() - taken.bytes, bytes.size()), taken.state};
    }
    pending_.assign(text.begin() + static_cast<std::ptrdiff_t>(taken.bytes), text.end());
  }
}

// Gives the members' bytes on until the reader has used its input up or ends.
Event ArchiveLayer::Pump() {
  for (;;) {
    const Event event = reader_->Next();
    switch (event) {
      case Event::kNeedInput:
      case Event::kEnd:
      case Event::kBroken:
        return event;
      case Event::kMember:
        OpenMember();
        break;
      case Event::kData:
        if (member_ == nullptr) break;
        if (reader_->data_offset() > member_bytes_) {
          const std::uint64_t hole = reader_->data_offset() - member_bytes_;
          member_->Gap(hole);
          member_bytes_ += hole;
        }
        member_->Write(reader_->data());
        if (observer_ != nullptr) {
          member_crc32_ = crc32_gzip_refl(member_crc32_, reader_->data().data(), reader_->data().size());
        }
        if (in_workbook_) workbook_.Write(reader_->data(), object_);
        member_bytes_ += reader_->data().size();
        break;
      case Event::kMemberEnd:
        EndMember();
        break;
      case Event::kMemberBroken:
        CloseMember(ObjectEnd::kTruncated);
        Unread(reader_->unread());
        break;
    }
    if (object_.exhausted()) return Event::kBroken;
  }
}

void ArchiveLayer::OpenMember() {
  CloseMember(ObjectEnd::kTruncated);
  const ArchiveMember& member = reader_->member();
  ++members_;
  if (member.passed_over) return;
  ObjectInfo info{.kind = ObjectKind::kMember,
                  .step = std::string(format_.name) + " " + member.name,
                  .name = member.name,
                  .size = member.size};
  member_ = object_.OpenChild(std::move(info), {.verbatim = member.stored});
  member_bytes_ = 0;
  member_begins_ = reader_begins_ + reader_->position();
  member_crc32_ = 0;
  in_workbook_ = !member.encrypted && workbook_.Open(member.name);
  if (!member.encrypted) return;
  NoteEncrypted();
  Unread(AnomalyCode::unread_encrypted);
  // Its name and size are evidence; its content stays unseen.
  if (member_ != nullptr && member.size) member_->Gap(*member.size);
  CloseMember(ObjectEnd::kTruncated);
}

void ArchiveLayer::EndMember() {
  const bool opened = member_ != nullptr;
  CloseMember(ObjectEnd::kComplete);
  if (opened) ++read_;
  if (opened && observer_ != nullptr && reader_->clean()) {
    observer_->OnRead({member_bytes_, member_crc32_, member_begins_, reader_begins_ + reader_->position()});
  }
}

void ArchiveLayer::Unread(AnomalyCode reason) {
  if (observer_ != nullptr) {
    observer_->OnUnread(reason);
  } else if (read_ == 0 && reason != AnomalyCode::unread_damaged) {
    object_.Unread(reason);
  } else {
    object_.UnreadMember(reason);
  }
}

void ArchiveLayer::NoteEncrypted() {
  if (!encrypted_told_) object_.NoteEncrypted();
  encrypted_told_ = true;
}

void ArchiveLayer::CloseMember(ObjectEnd end) {
  if (member_ != nullptr) member_->End(end);
  member_.reset();
  if (in_workbook_) workbook_.Close(object_);
  in_workbook_ = false;
}

void ArchiveLayer::StopReading() {
  CloseMember(ObjectEnd::kTruncated);
  reader_.reset();
  fed_ = 0;
  members_ = 0;
}

// The offset of a header, or of the first byte that may still turn out to begin one.
std::size_t ArchiveLayer::FindHeader(ByteView bytes, bool& found) const {
  std::size_t from = format_.magic_offset;
  while (from < bytes.size()) {
    const void* at = memmem(bytes.data() + from, bytes.size() - from, format_.magic.data(), format_.magic.size());
    if (at == nullptr) break;
    const std::size_t magic = static_cast<std::size_t>(static_cast<const std::uint8_t*>(at) - bytes.data());
    const std::size_t header = magic - format_.magic_offset;
    if (bytes.size() - header < format_.header_bytes) return header;
    found = format_.is_header(bytes.subspan(header, format_.header_bytes));
    if (found) return header;
    from = magic + 1;
  }
  const std::size_t keep = format_.magic_offset + format_.magic.size() - 1;
  return bytes.size() - std::min(bytes.size(), keep);
}

bool ArchiveLayer::Gap(std::uint64_t) noexcept {
  if (directory_) return false;
  if (reader_ != nullptr) {
    StopReading();
  } else {
    object_.Search(pending_);
    pending_.clear();
  }
  return !format_.seeks && !format_.magic.empty();
}

void ArchiveLayer::End(ObjectEnd end) noexcept {
  if (reader_ != nullptr && end != ObjectEnd::kAborted) {
    // libarchive may find that the archive was whole only when it sees the end.
    reader_->FeedEnd();
    Pump();
    if (reader_->headers_encrypted()) NoteEncrypted();
  }
  CloseMember(ObjectEnd::kTruncated);
  if (end != ObjectEnd::kAborted) workbook_.Finish(object_);
  reader_.reset();
  if (end != ObjectEnd::kAborted) object_.Search(pending_);
  pending_.clear();
}

}  // namespace spanwatch::content
