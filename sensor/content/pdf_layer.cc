// PDF (ISO 32000-1): each stream is a child, with the filters that its dictionary names still on it. A stream ends
// where its keyword says so and not where its length does, since lengths often stand elsewhere and are often wrong.
#include <algorithm>
#include <string>

#include "content/object_node.h"
#include "content/pdf_stream.h"
#include "content/undecided_bytes.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kPdfStream = "stream", kPdfEndStream = "endstream", kPdfEndObject = "endobj";
// So much in front of a stream is looked at for its dictionary.
constexpr std::size_t kDictionaryBytes = 4096;

class PdfLayer final : public Layer {
 public:
  explicit PdfLayer(ObjectNode& object) : object_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    undecided_.Write(bytes, [this](ByteView all) { return Consume(all, false); });
    return {bytes.size(), object_.exhausted() ? LayerState::kBroken : LayerState::kMore};
  }

  bool Gap(std::uint64_t length) noexcept override {
    undecided_.Flush([this](ByteView all) { return Consume(all, true); });
    if (child_ != nullptr) child_->Gap(length);
    dictionary_.clear();
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    undecided_.Flush([this](ByteView all) { return Consume(all, true); });
    Close(end == ObjectEnd::kComplete ? ObjectEnd::kTruncated : end);
    NoteEncryption();
    object_.EndSearch(end);
  }

 private:
  std::size_t Consume(ByteView bytes, bool last) {
    std::size_t used = 0;
    for (bool goes_on = true; goes_on && used < bytes.size();) {
      const ByteView rest = bytes.subspan(used);
      const std::size_t step = in_stream_ ? InStream(rest, last, goes_on) : Between(rest, last, goes_on);
      used += step;
    }
    return used;
  }

  // What is not decided at the end may be the beginning of a keyword.
  std::size_t Between(ByteView bytes, bool last, bool& goes_on) {
    const std::string_view text = AsText(bytes);
    for (std::size_t at = text.find(kPdfStream); at != std::string_view::npos; at = text.find(kPdfStream, at + 1)) {
      const std::size_t behind = at + kPdfStream.size();
      if (behind + 3 > text.size() && !last) {
        Keep(bytes.first(at));
        goes_on = false;
        return at;
      }
      // Some writers put a blank in front of the line's end.
      const std::size_t blank = text.substr(behind).starts_with(' ') ? 1 : 0;
      const std::string_view line_end = text.substr(behind + blank, 2);
      if (line_end.empty() || (line_end[0] != '\n' && line_end[0] != '\r')) continue;
      Keep(bytes.first(at));
      if (EndsDictionary()) {
        Open();
        return behind + blank + (line_end == "\r\n" ? 2 : 1);
      }
      // `endstream` whose stream was not seen.
      Keep(bytes.subspan(at, kPdfStream.size()));
      return behind;
    }
    const std::size_t used = bytes.size() - (last ? 0 : std::min(bytes.size(), kPdfStream.size() - 1));
    Keep(bytes.first(used));
    goes_on = false;
    return used;
  }

  std::size_t InStream(ByteView bytes, bool last, bool& goes_on) {
    constexpr std::size_t kLineEnd = 2;  // in front of the keyword, and no part of the stream
    const std::string_view text = AsText(bytes);
    for (std::size_t end = text.find("end"); end != std::string_view::npos; end = text.find("end", end + 1)) {
      const bool missing = text.substr(end).starts_with(kPdfEndObject);
      if (!missing && !text.substr(end).starts_with(kPdfEndStream)) continue;
      std::size_t length = end;
      if (length > 0 && text[length - 1] == '\n') --length;
      if (length > 0 && text[length - 1] == '\r') --length;
      if (child_ != nullptr) child_->Write(bytes.first(length));
      Close(ObjectEnd::kComplete);
      return missing ? end : end + kPdfEndStream.size();
    }
    const std::size_t used = bytes.size() - (last ? 0 : std::min(bytes.size(), kLineEnd + kPdfEndStream.size() - 1));
    if (child_ != nullptr) child_->Write(bytes.first(used));
    goes_on = false;
    return used;
  }

  // Bytes outside of streams.
  void Keep(ByteView bytes) {
    object_.Search(bytes);
    const ByteView tail = bytes.last(std::min(bytes.size(), kDictionaryBytes));
    dictionary_ += AsText(tail);
    if (dictionary_.size() > kDictionaryBytes) dictionary_.erase(0, dictionary_.size() - kDictionaryBytes);
  }

  bool EndsDictionary() const {
    const std::size_t end = dictionary_.find_last_not_of(" \t\r\n");
    return end != std::string::npos && end > 0 && dictionary_.compare(end - 1, 2, ">>") == 0;
  }

  void Open() {
    in_stream_ = true;
    NoteEncryption();
    PdfStream stream = ReadPdfDictionary(dictionary_);
    dictionary_.clear();
    if (stream.unread_encoding) object_.UnreadMember(AnomalyCode::unread_encoding);
    if (stream.unread_picture) object_.UnreadMember(AnomalyCode::unread_picture);
    child_ = object_.OpenChild({.kind = ObjectKind::kMember,
                                .step = "pdf stream",
                                .media_type = std::move(stream.media_type),
                                .encodings = std::move(stream.encodings)},
                               {.verbatim = true});
  }

  // Section 7.6.1: the trailer, or the dictionary of the stream that is one, says that streams and strings are
  // encrypted.
  void NoteEncryption() {
    if (encrypted_ || !dictionary_.contains("/Encrypt")) return;
    encrypted_ = true;
    object_.Unread(AnomalyCode::unread_encrypted);
  }

  void Close(ObjectEnd end) {
    in_stream_ = false;
    if (child_ != nullptr) child_->End(end);
    child_.reset();
  }

  ObjectNode& object_;
  UndecidedBytes undecided_;
  std::string dictionary_;  // the end of what stands between two streams
  std::unique_ptr<ObjectNode> child_;
  bool in_stream_ = false;
  bool encrypted_ = false;
};

// The header may stand behind other bytes (ISO 32000-1 Annex H, note 13).
Likelihood ProbePdf(const ObjectInfo&, ByteView head, bool) {
  const std::size_t at = AsText(head).find("%PDF-");
  if (at == std::string_view::npos) return Likelihood::kNo;
  return at == 0                                        ? Likelihood::kYes
         : head[at - 1] == '\n' || head[at - 1] == '\r' ? Likelihood::kMaybe
                                                        : Likelihood::kNo;
}

}  // namespace

constinit const LayerSpec kPdfLayer = {
    .name = "pdf",
    .help = "PDF: its streams, with their filters taken off (Flate, ASCII85, ASCIIHex).",
    .memory_bytes = 8192,
    .probe = ProbePdf,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> { return std::make_unique<PdfLayer>(object); },
};

}  // namespace spanwatch::content
