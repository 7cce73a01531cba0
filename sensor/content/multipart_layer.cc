// multipart/* (RFC 2046 section 5.1, RFC 7578): form-data, mixed, related, x-mixed-replace, nested.
//
// The boundary comes from the media type or from the first line. Senders are not strict: a delimiter counts wherever it
// stands as `--boundary` before the end of a line, and a boundary that itself begins with dashes may have lost two.
#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "content/mime_header.h"
#include "content/object_node.h"
#include "content/undecided_bytes.h"

namespace spanwatch::content {
namespace {

// White space that may stand between a boundary and the end of its line.
constexpr std::size_t kPaddingBytes = 64;

// RFC 2046 section 5.1.1, bchars without the space.
bool IsBoundaryCharacter(std::uint8_t c) {
  constexpr std::string_view kOthers = "'()+_,-./:=?";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         kOthers.find(static_cast<char>(c)) != std::string_view::npos;
}

class MultipartLayer final : public Layer {
 public:
  MultipartLayer(ObjectNode& object, const std::string& boundary) : object_(object) {
    needle_ = boundary.starts_with("--") ? boundary : "--" + boundary;
    optional_dashes_ = boundary.starts_with("--");
  }

  Taken Write(ByteView bytes) noexcept override {
    undecided_.Write(bytes, [this](ByteView all) { return Consume(all, false); });
    return {bytes.size(), LayerState::kMore};
  }

  bool Gap(std::uint64_t length) noexcept override {
    Flush();
    if (part_ != nullptr) {
      part_->Gap(length);
    } else if (state_ == State::kHeader) {
      state_ = State::kOutside;
    }
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (end != ObjectEnd::kAborted) Flush();
    // Only the closing delimiter, or the next one, ends a part as a whole.
    ClosePart(end == ObjectEnd::kComplete ? ObjectEnd::kTruncated : end);
    object_.EndSearch(end);
  }

 private:
  enum class State : std::uint8_t { kOutside, kHeader, kBody };
  enum class Line : std::uint8_t { kUndecided, kNot, kDelimiter, kClose };

  void Flush() {
    undecided_.Flush([this](ByteView all) { return Consume(all, true); });
  }

  // Uses what can be decided and returns how much that was; everything when `last`.
  std::size_t Consume(ByteView bytes, bool last) {
    std::size_t at = 0;
    while (at < bytes.size() && !object_.exhausted()) {
      const ByteView rest = bytes.subspan(at);
      const std::size_t used = state_ == State::kHeader ? ConsumeHeader(rest, last) : ConsumeBody(rest, last);
      if (used == 0) break;
      at += used;
    }
    return at;
  }

  std::size_t ConsumeHeader(ByteView bytes, bool last) {
    const std::optional<std::size_t> end = EndOfHeader(bytes.first(std::min(bytes.size(), HeaderLimit())));
    if (!end && !last && bytes.size() < HeaderLimit()) return 0;
    // Without an end in sight there is no header: what looks like one belongs to the body.
    const std::size_t used = end.value_or(0);
    OpenPart(ParseMimeHeader(bytes.first(used)));
    state_ = State::kBody;
    return used == 0 ? ConsumeBody(bytes, last) : used;
  }
  std::size_t HeaderLimit() const { return object_.limits().content_part_header_bytes; }

  std::size_t ConsumeBody(ByteView bytes, bool last) {
    // A delimiter may begin in the last bytes, with the line break and the dashes that belong to it before it.
    const std::size_t margin = needle_.size() + 5;
    std::size_t from = 0;
    for (;;) {
      const void* found = from < bytes.size()
                              ? memmem(bytes.data() + from, bytes.size() - from, needle_.data(), needle_.size())
                              : nullptr;
      if (found == nullptr) {
        const std::size_t safe = last ? bytes.size() : bytes.size() - std::min(bytes.size(), margin);
        Emit(bytes.first(safe));
        return safe;
      }
      const std::size_t at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
      std::size_t line_end = 0;
      const Line line = Classify(bytes, at + needle_.size(), last, line_end);
      if (line == Line::kNot) {
        from = at + 1;
        continue;
      }
      const std::size_t content = ContentBefore(bytes, at);
      if (line == Line::kUndecided) {
        Emit(bytes.first(content));
        return content;
      }
      Emit(bytes.first(content));
      ClosePart(ObjectEnd::kComplete);
      object_.EndSearch(ObjectEnd::kComplete);
      state_ = line == Line::kClose ? State::kOutside : State::kHeader;
      return line_end;
    }
  }

  // What stands behind the boundary: `--`, or padding and the end of the line. A character that a boundary may have
  // makes it another one that begins alike (`abc` and `abc--2`).
  Line Classify(ByteView bytes, std::size_t at, bool last, std::size_t& line_end) const {
    if (at + 1 < bytes.size() && bytes[at] == '-' && bytes[at + 1] == '-') {
      line_end = at + 2;
      if (line_end == bytes.size()) return last ? Line::kClose : Line::kUndecided;
      return IsBoundaryCharacter(bytes[line_end]) ? Line::kNot : Line::kClose;
    }
    for (std::size_t i = at; i < bytes.size() && i < at + kPaddingBytes; ++i) {
      if (bytes[i] == '\n') {
        line_end = i + 1;
        return Line::kDelimiter;
      }
      const bool dash_to_come = bytes[i] == '-' && i == at && i + 1 == bytes.size();
      if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r' && !dash_to_come) return Line::kNot;
    }
    return bytes.size() >= at + kPaddingBytes || last ? Line::kNot : Line::kUndecided;
  }

  std::size_t ContentBefore(ByteView bytes, std::size_t at) const {
    if (optional_dashes_ && at >= 2 && bytes[at - 1] == '-' && bytes[at - 2] == '-') at -= 2;
    if (at == 0 || bytes[at - 1] != '\n') return at;
    --at;
    return at >= 1 && bytes[at - 1] == '\r' ? at - 1 : at;
  }

  void OpenPart(const MimeHeader& header) {
    ++count_;
    part_ = object_.OpenChild(header.Describe("multipart[" + std::to_string(count_) + "]"), {.verbatim = true});
  }

  void Emit(ByteView bytes) {
    if (part_ != nullptr) {
      part_->Write(bytes);
    } else {
      object_.Search(bytes);
    }
  }

  void ClosePart(ObjectEnd end) {
    if (part_ != nullptr) part_->End(end);
    part_.reset();
  }

  ObjectNode& object_;
  std::string needle_;
  bool optional_dashes_ = false;
  State state_ = State::kOutside;
  UndecidedBytes undecided_;
  std::unique_ptr<ObjectNode> part_;
  std::uint64_t count_ = 0;
};

// The first line when it looks like a delimiter with a header field behind it; of what is declared to be multipart, the
// first such line behind a preamble.
std::string SniffBoundary(const ObjectInfo& info, ByteView head) {
  std::string_view text = AsText(head);
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  const bool declared = info.media_type.starts_with("multipart/");
  for (;;) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end + 1);
    const bool delimiter = line.starts_with("--") && line.size() > 3 && line.size() <= 200;
    if (delimiter && Lower(text.substr(0, 8)) == "content-") return std::string(line.substr(2));
    if (!declared) return {};
  }
}

}  // namespace

constinit const LayerSpec kMultipartLayer = {
    .name = "multipart",
    .help = "multipart/* of HTTP, mail and cameras, by the declared boundary or the first line.",
    .probe =
        [](const ObjectInfo& info, ByteView head, bool) {
          const bool declared = info.media_type.starts_with("multipart/") && !info.boundary.empty();
          return declared || !SniffBoundary(info, head).empty() ? Likelihood::kYes : Likelihood::kNo;
        },
    .create = [](ObjectNode& object, ByteView head) -> std::unique_ptr<Layer> {
      const std::string& declared = object.info().boundary;
      return std::make_unique<MultipartLayer>(object, declared.empty() ? SniffBoundary(object.info(), head) : declared);
    },
};

}  // namespace spanwatch::content
