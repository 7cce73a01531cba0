// A mailbox (RFC 4155; mboxo, mboxrd, mboxcl2): mails one behind the other, each behind a line of its own that says
// `From ` whom and when. Each mail is a child. Thunderbird, Apple Mail, mutt, Google Takeout and `git format-patch`
// write it.
#include <algorithm>

#include "content/mail_head.h"
#include "content/object_node.h"
#include "content/undecided_bytes.h"

namespace spanwatch::content {
namespace {

// A longer line than this separates no mails.
constexpr std::size_t kLineBytes = 1000;
constexpr std::string_view kSeparator = "\nFrom ";

class MailboxLayer final : public Layer {
 public:
  explicit MailboxLayer(ObjectNode& object) : object_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    undecided_.Write(bytes, [this](ByteView all) { return Consume(all, false); });
    return {bytes.size(), LayerState::kMore};
  }

  bool Gap(std::uint64_t length) noexcept override {
    Flush();
    if (mail_ != nullptr) mail_->Gap(length);
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (end != ObjectEnd::kAborted) Flush();
    Close(end);
  }

 private:
  void Flush() {
    undecided_.Flush([this](ByteView all) { return Consume(all, true); });
  }

  // Gives on what is decided and returns how much that was; all of it when `last`.
  std::size_t Consume(ByteView bytes, bool last) {
    const std::string_view text = AsText(bytes);
    std::size_t done = 0;
    std::size_t from = 0;
    while (!object_.exhausted()) {
      const std::size_t found = text.find(kSeparator, from);
      if (found == std::string_view::npos) break;
      const std::size_t line = found + 1;
      const std::size_t end = text.substr(line, kLineBytes).find('\n');
      if (end == std::string_view::npos && !last && text.size() - line < kLineBytes) {
        Emit(bytes.subspan(done, found - done));
        return found;
      }
      from = line;
      if (end == std::string_view::npos || !IsMailboxLine(text.substr(line, end))) continue;
      Emit(bytes.subspan(done, line - done));
      Close(ObjectEnd::kComplete);
      done = line;
    }
    // The separator, or the beginning of one, may still come.
    const std::size_t keep = last ? 0 : std::min(kSeparator.size() - 1, text.size() - done);
    Emit(bytes.subspan(done, text.size() - keep - done));
    return text.size() - keep;
  }

  void Emit(ByteView bytes) {
    if (bytes.empty()) return;
    if (!opened_) {
      opened_ = true;
      mail_ = object_.OpenChild({.kind = ObjectKind::kPart,
                                 .step = "mailbox[" + std::to_string(++count_) + "]",
                                 .media_type = "message/rfc822"},
                                {.verbatim = true});
    }
    if (mail_ != nullptr) mail_->Write(bytes);
  }

  void Close(ObjectEnd end) {
    if (mail_ != nullptr) mail_->End(end);
    mail_.reset();
    opened_ = false;
  }

  ObjectNode& object_;
  UndecidedBytes undecided_;
  std::unique_ptr<ObjectNode> mail_;
  bool opened_ = false;  // a mail is open, or was refused at a limit
  std::uint64_t count_ = 0;
};

Likelihood ProbeMailbox(const ObjectInfo& info, ByteView head, bool) {
  if (info.kind == ObjectKind::kStream || info.media_type == "message/rfc822") return Likelihood::kNo;
  const std::string_view text = AsText(head);
  const std::size_t start = std::min(text.find_first_not_of("\xef\xbb\xbf\r\n"), text.size());
  const bool mailbox = IsMailboxLine(text.substr(start, text.substr(start).find('\n'))) && IsMailHead(head);
  return mailbox ? Likelihood::kYes : Likelihood::kNo;
}

}  // namespace

constinit const LayerSpec kMailboxLayer = {
    .name = "mailbox",
    .help = "Mailboxes of one mail behind the other (mbox).",
    .probe = ProbeMailbox,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<MailboxLayer>(object);
    },
};

}  // namespace spanwatch::content
