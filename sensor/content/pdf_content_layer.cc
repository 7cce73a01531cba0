// A content stream of a PDF: the text that it shows is a child, with words whole that the stream holds in pieces. The
// operators are searched as they are: an image inside them, and the text of simple writers.
#include <algorithm>

#include "content/object_node.h"
#include "content/pdf_stream.h"
#include "content/pdf_text_reader.h"

namespace spanwatch::content {
namespace {

class PdfContentLayer final : public Layer {
 public:
  explicit PdfContentLayer(ObjectNode& object) : object_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    object_.Search(bytes);
    for (const std::uint8_t byte : bytes) {
      reader_.Add(byte, text_);
      if (text_.size() >= kTextBytes) Flush();
    }
    return {bytes.size(), object_.exhausted() ? LayerState::kBroken : LayerState::kMore};
  }

  bool Gap(std::uint64_t) noexcept override {
    Flush();
    reader_ = PdfTextReader();
    text_ = "\n";
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    object_.EndSearch(end);
    Flush();
    if (child_ != nullptr) child_->End(end);
    child_.reset();
  }

 private:
  static constexpr std::size_t kTextBytes = 4096;

  void Flush() {
    if (text_.empty()) return;
    if (!opened_) {
      opened_ = true;
      child_ = object_.OpenChild({.kind = ObjectKind::kDecoded, .step = "pdf text"});
    }
    if (child_ != nullptr) child_->Write(AsBytes(text_));
    text_.clear();
  }

  ObjectNode& object_;
  PdfTextReader reader_;
  std::string text_;  // that is not given to the child yet
  std::unique_ptr<ObjectNode> child_;
  bool opened_ = false;
};

// What the dictionary calls a page's operators and is none was not decoded: encrypted, or by an unknown filter.
Likelihood ProbePdfContent(const ObjectInfo& info, ByteView head, bool) {
  constexpr std::size_t kLooked = 32;
  if (info.media_type != kPdfContentType || !info.encodings.empty()) return Likelihood::kNo;
  const bool text = std::ranges::all_of(head.first(std::min(head.size(), kLooked)), [](std::uint8_t c) {
    return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
  });
  return text ? Likelihood::kMaybe : Likelihood::kNo;
}

}  // namespace

constinit const LayerSpec kPdfContentLayer = {
    .name = "pdf text",
    .help = "Text of a PDF's page, its words put together.",
    .memory_bytes = 16384,
    .probe = ProbePdfContent,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<PdfContentLayer>(object);
    },
};

}  // namespace spanwatch::content
