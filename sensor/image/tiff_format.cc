// TIFF (revision 6.0) and BigTIFF: a header that says where the first directory lies, directories of fields, and strips
// or tiles wherever the fields say. Its end is where the last of what the last directory points to ends. Image data are
// all bytes but header and directories. image/tiff_picture.cc decodes it.
#include <algorithm>
#include <array>

#include "base/byte_reader.h"
#include "image/field_walker.h"
#include "image/tiff_picture.h"

namespace spanwatch::image {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kFieldsOfDirectoryMax = 1024, kElementsMax = 1 << 20;
constexpr int kDirectoriesMax = 1024;
constexpr std::uint16_t kStripOffsets = 273, kStripBytes = 279, kTileOffsets = 324, kTileBytes = 325;

bool IsBig(ByteView head) {
  return AsText(head).starts_with("II+\0\x08\0\0\0"sv) || AsText(head).starts_with("MM\0+\0\x08\0\0"sv);
}

class TiffWalker final : public FieldWalker {
 public:
  TiffWalker() : FieldWalker(kHeadBytes) {}

 protected:
  Outcome Advance(ByteView fields) noexcept override {
    at_ += fields.size();
    ByteReader reader(fields);
    switch (state_) {
      case State::kHead:
        return Head(reader);
      case State::kBigHead:
        return GoTo(Offset(reader));
      case State::kCount:
        if (fields.empty())
          GatherFields(big_ ? 8 : 2);
        else
          return Count(big_ ? U64(reader) : U16(reader));
        return Outcome::kMore;
      case State::kEntry:
        Entry(reader);
        if (--left_ == 0) state_ = State::kNext;
        GatherFields(left_ > 0 ? EntryBytes() : OffsetBytes());
        return Outcome::kMore;
      case State::kNext:
        return ToNextDirectory(Offset(reader));
      case State::kArray:
        return Array(reader, fields.empty());
      case State::kRest:
        return Outcome::kEnded;
    }
    return Outcome::kBroken;
  }

 private:
  static constexpr std::size_t kHeadBytes = 8;
  enum class State : std::uint8_t { kHead, kBigHead, kCount, kEntry, kNext, kArray, kRest };
  // Where strips or tiles begin, or how long they are: an array, or one number in the field itself.
  struct Places {
    std::uint64_t at = 0, count = 0, last = 0;
    std::size_t element = 0;
    bool read = false;
  };

  std::uint16_t U16(ByteReader& reader) const { return little_ ? reader.U16Le() : reader.U16Be(); }
  std::uint64_t U32(ByteReader& reader) const { return little_ ? reader.U32Le() : reader.U32Be(); }
  std::uint64_t U64(ByteReader& reader) const { return little_ ? reader.U64Le() : reader.U64Be(); }
  std::uint64_t Offset(ByteReader& reader) const { return big_ ? U64(reader) : U32(reader); }
  std::uint64_t Number(ByteReader& reader, std::size_t bytes) const {
    return bytes == 2 ? U16(reader) : bytes == 4 ? U32(reader) : U64(reader);
  }
  std::size_t OffsetBytes() const { return big_ ? 8 : 4; }
  std::size_t EntryBytes() const { return big_ ? 20 : 12; }
  void GatherFields(std::size_t length) { Gather(length, Kind::kTable); }

  Outcome Head(ByteReader& reader) {
    const ByteView head = reader.rest();
    little_ = head[0] == 'I';
    big_ = IsBig(head);
    reader.Skip(4);
    if (!big_) return GoTo(U32(reader));
    state_ = State::kBigHead;
    GatherFields(8);
    return Outcome::kMore;
  }
  // To the next directory. One that lies behind is not looked at.
  Outcome GoTo(std::uint64_t directory) {
    if (directory < at_ || directory > INT64_MAX || ++directories_ > kDirectoriesMax) return Outcome::kBroken;
    state_ = State::kCount;
    offsets_ = {};
    lengths_ = {};
    PassTo(directory);
    return Outcome::kMore;
  }
  void PassTo(std::uint64_t offset) {
    Pass(offset - at_, Kind::kData);
    at_ = offset;
  }
  Outcome Count(std::uint64_t count) {
    if (count == 0 || count > kFieldsOfDirectoryMax) return Outcome::kBroken;
    left_ = count;
    state_ = State::kEntry;
    GatherFields(EntryBytes());
    return Outcome::kMore;
  }
  void Entry(ByteReader& reader) {
    constexpr std::array<std::uint8_t, 19> kBytesOfType = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    const std::uint16_t tag = U16(reader), type = U16(reader);
    const std::uint64_t count = Offset(reader);
    const std::size_t element = type < kBytesOfType.size() ? kBytesOfType[type] : 0;
    if (element == 0 || count == 0 || count > kElementsMax * 64) return;
    const std::uint64_t bytes = element * count;
    Places places{.count = count, .element = element};
    if (bytes <= OffsetBytes()) {
      if (count > 1 && bytes <= OffsetBytes()) reader.Skip((count - 1) * element);
      places.last = element >= 2 ? Number(reader, element) : 0;
      places.read = true;
    } else {
      places.at = Offset(reader);
      if (places.at <= INT64_MAX) end_ = std::max(end_, places.at + bytes);
    }
    if (tag == kStripOffsets || tag == kTileOffsets) offsets_ = places;
    if (tag == kStripBytes || tag == kTileBytes) lengths_ = places;
  }
  Outcome ToNextDirectory(std::uint64_t directory) {
    if (directory > at_) return GoTo(directory);
    return Finish();
  }
  // What lies ahead of the arrays is read for the place of the last strip or tile; then the rest is passed.
  Outcome Finish() {
    for (Places* places : {&offsets_, &lengths_}) {
      const Places& other = places == &offsets_ ? lengths_ : offsets_;
      const bool other_first = !other.read && other.at >= at_ && other.at < places->at;
      if (places->read || places->at < at_ || other_first) continue;
      if (places->count > kElementsMax || (places->element != 2 && places->element != 4 && places->element != 8))
        continue;
      reading_ = places;
      left_ = places->count;
      state_ = State::kArray;
      PassTo(places->at);
      return Outcome::kMore;
    }
    if (offsets_.read && lengths_.read && offsets_.last <= INT64_MAX && lengths_.last <= INT64_MAX) {
      end_ = std::max(end_, offsets_.last + lengths_.last);
    }
    state_ = State::kRest;
    if (end_ <= at_) return Outcome::kEnded;
    PassTo(end_);
    return Outcome::kMore;
  }
  Outcome Array(ByteReader& reader, bool begins) {
    if (!begins) {
      reading_->last = Number(reader, reading_->element);
      if (--left_ == 0) {
        reading_->read = true;
        return Finish();
      }
    }
    GatherFields(reading_->element);
    return Outcome::kMore;
  }

  State state_ = State::kHead;
  bool little_ = true, big_ = false;
  int directories_ = 0;
  std::uint64_t at_ = 0;    // in the file: what was passed or is going to be
  std::uint64_t end_ = 0;   // of what the directories point to
  std::uint64_t left_ = 0;  // fields of the directory, or elements of the array
  Places offsets_, lengths_;
  Places* reading_ = nullptr;
};

bool BeginsTiff(ByteView head) noexcept {
  return AsText(head).starts_with("II*\0"sv) || AsText(head).starts_with("MM\0*"sv) || IsBig(head);
}

bool IsPlausibleTiff(ByteView head) noexcept {
  if (head.size() < 16 || !BeginsTiff(head)) return false;
  if (IsBig(head)) return true;
  ByteReader reader(head.subspan(4));
  const std::uint32_t directory = head[0] == 'I' ? reader.U32Le() : reader.U32Be();
  return directory >= 8 && directory <= (1u << 30);
}

}  // namespace

constinit const PictureFormat kTiffFormat = {
    .type = FileType::kTiff,
    .name = "tiff",
    .begins = BeginsTiff,
    .plausible = IsPlausibleTiff,
    .walk = []() -> std::unique_ptr<PictureWalker> { return std::make_unique<TiffWalker>(); },
    .decode = DecodeTiff,
};

}  // namespace spanwatch::image
