// Carving: files found inside other bytes by their own structure. Pictures of every format that is read (a thumbnail in
// a JPEG is an object of its own), what another layer opens: zip, gzip, 7z, and zlib streams (of PDF, git packs, PNG's
// texts, SWF), and encodings with a mark in front: uuencode, yEnc, ASCII85, patches of git. A file that begins behind a
// quote and has escapes for its zeros is a string literal, as mysqldump writes a BLOB: its escapes are taken off.
#include <algorithm>
#include <array>
#include <cstring>
#include <variant>

#include "content/literal_reader.h"
#include "content/magic_scan.h"
#include "content/object_node.h"
#include "content/zlib_probe.h"
#include "image/picture_format.h"

namespace spanwatch::content {
namespace {

// So many bytes tell whether a file begins, as it is or as a literal with escapes.
constexpr std::size_t kLookBytes = 2 * kPlausibleBytes;
static_assert(kLookBytes >= kZlibGlanceBytes);
// No beginning needs more.
constexpr std::size_t kMostLookBytes = kZlibHeadBytes;
// The chunk that PNG's pixels stand in: a picture is read by who looks at pictures.
constexpr std::string_view kPngPixels = "IDAT";
// So many trials of zlib may fail before their number counts (limit trial_stride_bytes).
constexpr std::uint64_t kFreeTrials = 64;

class CarveLayer final : public Layer {
 public:
  // A file at the very beginning is the object itself, or what its container could not open; but a stream is no object:
  // what it begins with is the first file in it.
  explicit CarveLayer(ObjectNode& object)
      : object_(object), at_start_(object.begins_searched() && object.info().kind != ObjectKind::kStream) {}

  Taken Write(ByteView bytes) noexcept override {
    const std::size_t given = bytes.size();
    if (held_size_ > 0) {
      // What was held back, with enough behind it to decide on every offset in it.
      std::uint8_t joined[2 * kMostLookBytes];
      const std::size_t more = std::min(bytes.size(), sizeof(joined) - held_size_);
      std::memcpy(joined, held_, held_size_);
      std::memcpy(joined + held_size_, bytes.data(), more);
      const ByteView both(joined, held_size_ + more);
      const std::size_t used = Scan(both, false, held_size_);
      if (used < held_size_) {
        Hold(both, used);
        return {given, LayerState::kMore};
      }
      Pass(both.first(used));
      bytes = bytes.subspan(used - held_size_);
      held_size_ = 0;
    }
    Hold(bytes, Scan(bytes, false, bytes.size()));
    return {given, LayerState::kMore};
  }

  bool Gap(std::uint64_t length) noexcept override {
    Flush();
    at_start_ = false;
    std::ranges::fill(before_, std::uint8_t{0});
    if (child_ == nullptr) return true;
    child_->Gap(length);
    walked_ += length;
    auto* picture = std::get_if<Picture>(&walker_);
    const bool goes_on = picture != nullptr ? picture->walker->Gap(length) : !child_->finished();
    if (!goes_on || walked_ > object_.limits().content_carved_file_bytes) Close(ObjectEnd::kTruncated);
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (end != ObjectEnd::kAborted) Flush();
    Close(end == ObjectEnd::kAborted ? end : ObjectEnd::kTruncated);
  }

 private:
  void Flush() {
    Scan({held_, held_size_}, true, held_size_);
    Pass({held_, held_size_});
    held_size_ = 0;
  }
  // Of these bytes every offset is decided.
  void Pass(ByteView bytes) {
    before_ = Before(bytes, bytes.size());
    passed_ += bytes.size();
  }
  // The bytes in front of `at`.
  std::array<std::uint8_t, kPngPixels.size()> Before(ByteView bytes, std::size_t at) const {
    std::array<std::uint8_t, kPngPixels.size()> before = before_;
    const std::size_t here = std::min(at, before.size());
    std::copy(before.begin() + static_cast<std::ptrdiff_t>(here), before.end(), before.begin());
    std::copy_n(bytes.data() + at - here, here, before.end() - static_cast<std::ptrdiff_t>(here));
    return before;
  }
  void Hold(ByteView bytes, std::size_t from) {
    Pass(bytes.first(from));
    held_size_ = bytes.size() - from;
    if (held_size_ > 0) std::memmove(held_, bytes.data() + from, held_size_);
  }

  // Carves from offsets below `limit`; returns the first offset that is not decided yet (too few bytes are behind it),
  // or where it stopped at or behind `limit`.
  std::size_t Scan(ByteView bytes, bool last, std::size_t limit) {
    std::size_t at = 0;
    while (at < limit) {
      if (child_ != nullptr) {
        at += Feed(bytes.subspan(at));
        continue;
      }
      const std::size_t found = FindMagic(bytes, at);
      if (found > at) at_start_ = false;
      if (found >= limit) return limit;
      const ByteView rest = bytes.subspan(found);
      if (rest.size() < kLookBytes && !last) return found;
      if (const std::size_t mark = MarkBytes(rest); mark < rest.size()) {
        const LayerSpec* encoding = MarkedEncoding(rest.subspan(mark));
        at_start_ = false;
        if (encoding != nullptr) StartInside(*encoding);
        at = child_ != nullptr ? found + mark : found + 1;
        continue;
      }
      const FileKind kind = KindOfFile(rest.first(std::min(rest.size(), kPlausibleBytes)));
      const bool itself = at_start_;
      at_start_ = false;
      if (kind == FileKind::kUnknown && MayBeZlib(rest)) {
        if (rest.size() < kZlibHeadBytes && !last) {
          at_start_ = itself;
          return found;
        }
        if (!itself && IsZlib(bytes, found)) StartInside(kDeflateLayer, true);
        at = child_ != nullptr ? found : found + 1;
        continue;
      }
      const std::uint8_t before = Before(bytes, found).back();
      if (IsLiteral(before, rest)) {
        StartLiteral(before, rest);
        at = child_ != nullptr ? found : found + 1;
        continue;
      }
      if (itself || !IsPlausible(kind, rest)) {
        at = found + 1;
        continue;
      }
      Start(kind, rest);
      // At a limit there is no child: the file is passed over.
      at = child_ != nullptr ? found : found + 1;
    }
    return at;
  }

  static bool IsLiteral(std::uint8_t before, ByteView bytes) {
    return (before == '\'' || before == '"') &&
           LiteralReader::BeginsFile(before, bytes.first(std::min(bytes.size(), kLookBytes)));
  }

  // Encodings that are begun by a mark of their own in any text. So many of the bytes that drew attention stand in
  // front of the mark; beyond any size where they are of none.
  static std::size_t MarkBytes(ByteView bytes) {
    if (bytes[0] == '\n') return 1;
    const bool mark = bytes[0] == '=' || bytes[0] == '<' || AsText(bytes).starts_with("GIT");
    return mark ? 0 : std::string_view::npos;
  }
  const LayerSpec* MarkedEncoding(ByteView bytes) const {
    for (const LayerSpec* spec : {&kUuencodeLayer, &kYencLayer, &kAscii85Layer, &kGitPatchLayer}) {
      if (spec->probe(object_.info(), bytes, false) != Likelihood::kNo) return spec;
    }
    return nullptr;
  }

  bool IsZlib(ByteView bytes, std::size_t at) {
    const auto before = Before(bytes, at);
    if (AsText(before) == kPngPixels) return false;
    if (failed_trials_ > kFreeTrials + (passed_ + at) / object_.limits().content_trial_stride_bytes) {
      object_.ReportTrials();
      return false;
    }
    if (InflatesAsZlib(bytes.subspan(at))) return true;
    ++failed_trials_;
    return false;
  }

  void StartLiteral(std::uint8_t before, ByteView bytes) {
    walker_ = LiteralReader(before, bytes.first(std::min(bytes.size(), kLookBytes)));
    walked_ = 0;
    child_ = object_.OpenChild({.kind = ObjectKind::kDecoded, .step = "escaped"});
  }

  // Gives the child what the literal stands for; returns how many bytes were the literal's own.
  std::size_t FeedLiteral(LiteralReader& literal, ByteView bytes) {
    std::uint8_t output[1024 + LiteralReader::kMostMade];
    std::size_t used = 0, made = 0;
    bool goes_on = true;
    while (goes_on && used < bytes.size() && made < 1024) goes_on = literal.Add(bytes[used++], output, made);
    child_->Write({output, made});
    walked_ += used;
    if (!goes_on || walked_ > object_.limits().content_carved_file_bytes) {
      Close(goes_on ? ObjectEnd::kAborted : ObjectEnd::kComplete);
    }
    return used;
  }

  // What another layer opens, and ends where its content does.
  void StartInside(const LayerSpec& container, bool guessed = false) {
    walker_ = std::monostate();
    walked_ = 0;
    child_ = object_.OpenChild({.kind = ObjectKind::kCarved, .step = "carved " + std::string(container.name)},
                               {.verbatim = true, .container = &container, .guessed = guessed});
  }

  void Start(FileKind kind, ByteView bytes) {
    switch (kind) {
      case FileKind::kPicture:
        return StartPicture(*image::SniffFormat(bytes.first(std::min(bytes.size(), kPlausibleBytes))));
      case FileKind::kGzip:
        return StartInside(kGzipLayer);
      case FileKind::kZip:
        return StartInside(kZipLayer);
      default:
        return StartInside(kSevenZipLayer);
    }
  }
  void StartPicture(const image::PictureFormat& format) {
    walker_ = Picture{&format, format.walk()};
    walked_ = 0;
    child_ = object_.OpenChild({.kind = ObjectKind::kCarved,
                                .step = "carved " + std::string(format.name),
                                .media_type = std::string(image::MediaType(format.type))},
                               {.verbatim = true});
  }

  // Gives the file its bytes; returns how many were its own.
  std::size_t Feed(ByteView bytes) {
    if (auto* literal = std::get_if<LiteralReader>(&walker_)) return FeedLiteral(*literal, bytes);
    if (std::holds_alternative<std::monostate>(walker_)) {
      const std::size_t used = child_->Write(bytes);
      walked_ += used;
      if (child_->finished()) Close(ObjectEnd::kComplete);
      // Nothing of it was opened: its magic is passed over.
      return child_ == nullptr && walked_ == 0 ? 1 : used;
    }
    return FeedPicture(bytes);
  }
  std::size_t FeedPicture(ByteView bytes) {
    using Outcome = image::PictureRun::Outcome;
    const Picture& picture = std::get<Picture>(walker_);
    std::size_t used = 0;
    Outcome outcome = Outcome::kMore;
    while (outcome == Outcome::kMore && used < bytes.size()) {
      const image::PictureRun run = picture.walker->Next(bytes.subspan(used));
      used += run.length;
      outcome = run.outcome;
    }
    child_->Write(bytes.first(used));
    walked_ += used;
    if (outcome == Outcome::kEnded) {
      Close(ObjectEnd::kComplete);
    } else if (outcome == Outcome::kBroken) {
      Close(ObjectEnd::kTruncated);
    } else if (outcome == Outcome::kNext) {
      Close(ObjectEnd::kTruncated);
      StartNext(*picture.format);
    } else if (walked_ > object_.limits().content_carved_file_bytes) {
      Close(ObjectEnd::kAborted);
    }
    return used;
  }
  // What follows a JPEG that was cut off: the first byte of its own marker was taken for one of the former's.
  void StartNext(const image::PictureFormat& format) {
    StartPicture(format);
    if (child_ == nullptr) return;
    constexpr std::uint8_t kFirst[] = {0xff};
    child_->Write(kFirst);
    std::get<Picture>(walker_).walker->Next(kFirst);
  }

  void Close(ObjectEnd end) {
    if (child_ != nullptr) child_->End(end);
    child_.reset();
  }

  struct Picture {
    const image::PictureFormat* format;
    std::unique_ptr<image::PictureWalker> walker;
  };

  ObjectNode& object_;
  bool at_start_;
  std::uint8_t held_[2 * kMostLookBytes];
  std::size_t held_size_ = 0;
  std::unique_ptr<ObjectNode> child_;
  std::variant<std::monostate, Picture, LiteralReader> walker_;
  std::array<std::uint8_t, kPngPixels.size()> before_{};  // the bytes in front of those that are held or come next
  std::uint64_t passed_ = 0;
  std::uint64_t walked_ = 0;
  std::uint64_t failed_trials_ = 0;  // of zlib
};

}  // namespace

constinit const LayerSpec kCarveLayer = {
    .name = "carved",
    .help =
        "Pictures, zip, gzip and 7z files, zlib streams, and encodings with a mark in front, found inside other bytes.",
    .role = LayerRole::kSearch,
    .probe = [](const ObjectInfo&, ByteView, bool) { return Likelihood::kYes; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CarveLayer>(object);
    },
};

}  // namespace spanwatch::content
