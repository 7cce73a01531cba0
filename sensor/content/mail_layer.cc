// message/rfc822 (RFC 5322, RFC 2046 section 5.2.1): the header says what the body is; the body is the one child.
#include "content/mail_head.h"
#include "content/mime_header.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

class MailLayer final : public Layer {
 public:
  explicit MailLayer(ObjectNode& object) : object_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    if (body_ != nullptr) {
      body_->Write(bytes);
      return {bytes.size(), LayerState::kMore};
    }
    header_.insert(header_.end(), bytes.begin(), bytes.end());
    const std::optional<std::size_t> end = HeaderEnd();
    if (!end && header_.size() < object_.limits().content_part_header_bytes) return {bytes.size(), LayerState::kMore};
    OpenBody(end.value_or(0));
    return {bytes.size(), body_ != nullptr ? LayerState::kMore : LayerState::kDone};
  }

  bool Gap(std::uint64_t length) noexcept override {
    if (body_ == nullptr) OpenBody(HeaderEnd().value_or(0));
    if (body_ != nullptr) body_->Gap(length);
    return body_ != nullptr;
  }

  void End(ObjectEnd end) noexcept override {
    if (body_ == nullptr && !header_.empty() && end != ObjectEnd::kAborted) OpenBody(header_.size());
    if (body_ != nullptr) body_->End(end);
    body_.reset();
  }

 private:
  // Where the header ends, behind what stands before its first field.
  std::optional<std::size_t> HeaderEnd() const {
    const std::size_t preamble = MailPreambleBytes(header_);
    if (preamble == header_.size()) return std::nullopt;
    const std::optional<std::size_t> end = EndOfHeader(ByteView(header_).subspan(preamble));
    return end ? std::optional(preamble + *end) : std::nullopt;
  }

  void OpenBody(std::size_t header_length) {
    const Bytes bytes = std::move(header_);
    header_ = {};
    const ByteView all(bytes);
    // Encoded words (RFC 2047), and what fields of anybody's own hold.
    object_.Search(all.first(header_length));
    object_.EndSearch(ObjectEnd::kComplete);
    body_ = object_.OpenChild(ParseMimeHeader(all.first(header_length)).Describe("mail"), {.verbatim = true});
    if (body_ != nullptr && all.size() > header_length) body_->Write(all.subspan(header_length));
  }

  ObjectNode& object_;
  Bytes header_;
  std::unique_ptr<ObjectNode> body_;
};

}  // namespace

constinit const LayerSpec kMailLayer = {
    .name = "mail",
    .help = "Mail messages (message/rfc822), alone and inside mail.",
    .probe =
        [](const ObjectInfo& info, ByteView head, bool) {
          if (info.media_type == "message/rfc822") return Likelihood::kYes;
          return info.kind != ObjectKind::kStream && IsMailHead(head) ? Likelihood::kMaybe : Likelihood::kNo;
        },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<MailLayer>(object);
    },
};

}  // namespace spanwatch::content
