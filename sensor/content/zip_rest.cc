#include "content/zip_rest.h"

#include <isa-l/crc.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "content/file_magic.h"
#include "content/inflate64_codec.h"
#include "content/inflate_codec.h"
#include "content/zip_format.h"
#include "content/zstd_codec.h"

namespace spanwatch::content {
namespace {

constexpr std::uint16_t kStored = 0, kDeflated = 8, kDeflate64 = 9, kOldZstd = 20, kZstd = 93;
// What may stand between two members without meaning anything: a data descriptor.
constexpr std::uint64_t kLongestDescriptor = 24;
constexpr std::string_view kLocalMagic = "PK\3\4";

// Gives what comes out to `take`, until that has enough. Returns how much was taken, and how it ended.
Taken Unpack(Codec& codec, ByteView data, const std::function<bool(ByteView)>& take) {
  std::uint8_t output[16384];
  Taken all;
  while (all.state == LayerState::kMore) {
    const CodecStep step = codec.Decode(data.subspan(all.bytes), output);
    all.bytes += std::min(step.taken, data.size() - all.bytes);
    if (step.made > 0 && !take({output, step.made})) break;
    all.state = step.taken == 0 && step.made == 0 ? LayerState::kBroken : step.state;
  }
  return all;
}

// Whether the bytes are what the directory says although it calls them encrypted, as some packers do to confuse.
bool IsPlain(const ZipDirectoryEntry& entry, ByteView data) {
  if (entry.method == kStored) {
    return data.size() == entry.size && crc32_gzip_refl(0, data.data(), data.size()) == entry.crc32;
  }
  if (entry.method != kDeflated) return false;
  InflateCodec codec(InflateCodec::Wrapping::kRaw);
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  Unpack(codec, data, [&](ByteView made) {
    size += made.size();
    crc32 = crc32_gzip_refl(crc32, made.data(), made.size());
    return size <= entry.size;
  });
  return size == entry.size && crc32 == entry.crc32;
}

// Of one member that is read again.
class Outcome final : public MemberObserver {
 public:
  void OnRead(const MemberFacts&) noexcept override { read = true; }
  void OnUnread(AnomalyCode why) noexcept override { reason = why; }
  bool read = false;
  AnomalyCode reason = AnomalyCode::unread_damaged;
};

}  // namespace

void ZipRest::Write(ByteView bytes) {
  if (lost_) return;
  Settle();
  open_.bytes.insert(open_.bytes.end(), bytes.begin(), bytes.end());
  const config::Limits& limits = object_.limits();
  // A long archive of which nothing was settled (encrypted, as a rule) shall not hold so much all the time.
  const std::uint64_t most =
      over_limit_ ? std::min(limits.content_index_bytes, limits.content_held_bytes) : limits.content_held_bytes;
  if (left_ + open_.bytes.size() <= most) return;
  over_limit_ = true;
  runs_ = {};
  left_ = 0;
  open_ = {.offset = open_.end(), .bytes = {}};
}

void ZipRest::Settle() {
  if (settled_ <= open_.offset) return;
  const std::uint64_t done = std::min<std::uint64_t>(settled_ - open_.offset, open_.bytes.size());
  open_.bytes.erase(open_.bytes.begin(), open_.bytes.begin() + static_cast<std::ptrdiff_t>(done));
  open_.offset += done;
}

void ZipRest::Gap() {
  lost_ = true;
  runs_ = {};
  open_ = {};
}

void ZipRest::OnRead(const MemberFacts& member) noexcept {
  // Of an empty one it is not known whether its header told the truth.
  if (lost_ || member.size == 0) return;
  if (read_.size() < object_.limits().content_children_count) read_.emplace(member.size, member.crc32);
  Release(member.begin, member.end);
}

// The member from `begin` (behind its local header) to `end`, with its header, is no longer wanted.
void ZipRest::Release(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t from = std::max(settled_, open_.offset);
  if (begin < from || begin > open_.end()) {
    settled_ = std::max(settled_, std::min(end, open_.end()));
    return;
  }
  const ByteView before =
      ByteView(open_.bytes)
          .subspan(static_cast<std::size_t>(from - open_.offset), static_cast<std::size_t>(begin - from));
  std::size_t kept = before.size();
  for (std::size_t at = AsText(before).find("PK\3\4"); at != std::string_view::npos;
       at = AsText(before).find("PK\3\4", at + 1)) {
    ByteReader lengths(before.subspan(at));
    lengths.Skip(26);
    const std::uint64_t fields = std::uint64_t{lengths.U16Le()} + lengths.U16Le();
    if (lengths.ok() && at + kZipLocalBytes + fields == before.size()) kept = at;
  }
  if (kept > kLongestDescriptor) {
    runs_.push_back({from, Bytes(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(kept))});
    left_ += kept;
  }
  settled_ = std::min(end, open_.end());
}

void ZipRest::OnUnread(AnomalyCode reason) noexcept { ++unread_[reason]; }

void ZipRest::Finish() {
  Settle();
  if (!lost_ && !object_.exhausted()) {
    std::map<AnomalyCode, std::uint64_t> by_headers;
    by_headers.swap(unread_);
    const bool found = ReadZipDirectory(open_.bytes, open_.offset, [this](const ZipDirectoryEntry& entry) {
      TakeEntry(entry);
      return !object_.exhausted();
    });
    if (!found) {
      unread_.swap(by_headers);
      ReadByHeaders();
    }
  }
  TellUnread();
  runs_ = {};
  open_ = {};
}

void ZipRest::TakeEntry(const ZipDirectoryEntry& entry) {
  if (entry.size == 0 || read_.contains({entry.size, entry.crc32})) return;
  const ByteView data = DataOf(entry);
  if (data.empty()) {
    ++unread_[entry.encrypted() ? AnomalyCode::unread_encrypted
              : over_limit_     ? AnomalyCode::unread_not_held
                                : AnomalyCode::unread_damaged];
    return;
  }
  // Entries that lie over one another are no reason to work without end.
  spent_ += data.size();
  if (spent_ > 2 * object_.limits().content_held_bytes) {
    ++unread_[AnomalyCode::unread_damaged];
  } else if (entry.encrypted() && !IsPlain(entry, data)) {
    ++unread_[AnomalyCode::unread_encrypted];
  } else {
    ReadEntry(entry, data);
  }
}

// The bytes of a member behind its local header, of which only the lengths are believed; empty when they are not held.
ByteView ZipRest::DataOf(const ZipDirectoryEntry& entry) const {
  const auto holds = [&](const Run& run) { return entry.offset >= run.offset && entry.offset < run.end(); };
  const auto found = std::ranges::find_if(runs_, holds);
  if (found == runs_.end() && !holds(open_)) return {};
  const Run& run = found == runs_.end() ? open_ : *found;
  const ByteView from = ByteView(run.bytes).subspan(static_cast<std::size_t>(entry.offset - run.offset));
  ByteReader header(from);
  if (header.U32Le() != kZipLocal) return {};
  header.Skip(22);
  const std::uint16_t name_bytes = header.U16Le();
  header.Skip(std::size_t{header.U16Le()} + name_bytes);
  if (!header.ok() || entry.packed > header.remaining()) return {};
  return header.Take(static_cast<std::size_t>(entry.packed));
}

void ZipRest::ReadEntry(const ZipDirectoryEntry& entry, ByteView data) {
  if (entry.method == kDeflate64 || entry.method == kZstd || entry.method == kOldZstd) {
    ReadByCodec(entry, data);
    return;
  }
  Outcome outcome;
  ArchiveLayer member(object_, format_, &outcome);
  member.Write(LocalHeaderOf(entry));
  member.Write(data);
  member.End(ObjectEnd::kComplete);
  if (!outcome.read) ++unread_[outcome.reason];
}

// Methods that libarchive does not know.
void ZipRest::ReadByCodec(const ZipDirectoryEntry& entry, ByteView data) {
  const std::unique_ptr<Codec> codec = CodecOf(entry.method);
  const std::string name(entry.name.substr(0, kMemberNameBytes));
  const auto child =
      object_.OpenChild({.kind = ObjectKind::kMember, .step = "zip " + name, .name = name, .size = entry.size}, {});
  if (child == nullptr) return;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;
  Unpack(*codec, data, [&](ByteView made) {
    size += made.size();
    crc32 = crc32_gzip_refl(crc32, made.data(), made.size());
    child->Write(made);
    return !object_.exhausted();
  });
  const bool whole = size == entry.size && crc32 == entry.crc32;
  child->End(whole ? ObjectEnd::kComplete : ObjectEnd::kTruncated);
  if (!whole) ++unread_[AnomalyCode::unread_damaged];
}

std::unique_ptr<Codec> ZipRest::CodecOf(std::uint16_t method) const {
  if (method == kDeflated) return std::make_unique<InflateCodec>(InflateCodec::Wrapping::kRaw);
  if (method == kDeflate64) return std::make_unique<Inflate64Codec>();
  return std::make_unique<ZstdCodec>(2 * object_.limits().content_held_bytes);
}

void ZipRest::ReadByHeaders() {
  runs_.push_back(std::move(open_));
  open_ = {};
  for (const Run& run : runs_) {
    const ByteView bytes(run.bytes);
    for (std::size_t at = AsText(bytes).find(kLocalMagic); at != std::string_view::npos && !object_.exhausted();
         at = AsText(bytes).find(kLocalMagic, at)) {
      at += static_cast<std::size_t>(ReadMemberAt(bytes.subspan(at)));
    }
  }
}

// Of a local header and what follows: reads the member if it ends by itself. Returns how many bytes are done with.
std::uint64_t ZipRest::ReadMemberAt(ByteView bytes) {
  ByteReader header(bytes);
  header.Skip(6);
  const std::uint16_t flags = header.U16Le();
  const std::uint16_t method = header.U16Le();
  header.Skip(16);
  const std::uint16_t name_bytes = header.U16Le();
  const std::uint16_t extra_bytes = header.U16Le();
  const std::string name(AsText(header.Take(name_bytes)).substr(0, kMemberNameBytes));
  header.Skip(extra_bytes);
  const bool readable = method == kDeflated || method == kDeflate64 || method == kZstd || method == kOldZstd;
  const bool wanted = header.ok() && readable && (flags & 1) == 0 && IsPlausible(FileKind::kZip, bytes);
  if (!wanted || spent_ > 2 * object_.limits().content_held_bytes) return kLocalMagic.size();
  const auto child = object_.OpenChild({.kind = ObjectKind::kMember, .step = "zip " + name, .name = name}, {});
  if (child == nullptr) return bytes.size();
  const Taken taken = Unpack(*CodecOf(method), header.rest(), [&](ByteView made) {
    child->Write(made);
    return !object_.exhausted();
  });
  child->End(taken.state == LayerState::kDone ? ObjectEnd::kComplete : ObjectEnd::kTruncated);
  spent_ += taken.bytes;
  return header.position() + taken.bytes;
}

void ZipRest::TellUnread() {
  for (const auto& [reason, members] : unread_) {
    if (read_.empty() && reason != AnomalyCode::unread_damaged) {
      object_.Unread(reason, members);
    } else {
      object_.UnreadMember(reason, members);
    }
  }
  unread_.clear();
}

}  // namespace spanwatch::content
