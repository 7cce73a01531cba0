// SSH (RFC 4253 section 4.2): the identification line of each side; what follows is encrypted.
#include <algorithm>
#include <array>

#include "protocol/parsers.h"

namespace spanwatch::protocol {
namespace {

constexpr std::string_view kPrefix = "SSH-";
constexpr std::size_t kLongestBanner = 255;

class SshParser final : public Parser {
 public:
  explicit SshParser(const ParserContext& context) : context_(context) {
    context_.facts.protocol = "ssh";
    context_.facts.visibility = Visibility::kEncrypted;
  }

  ParserAnswer OnData(Direction direction, ByteView bytes) noexcept override {
    std::string& banner =
        direction == Direction::kFromClient ? context_.facts.ssh_client_banner : context_.facts.ssh_server_banner;
    bool& settled = settled_[Index(direction)];
    for (std::size_t i = 0; i < bytes.size() && !settled; ++i) {
      const char c = static_cast<char>(bytes[i]);
      if (c == '\n' || c == '\r') {
        // A server may say other lines first.
        settled = banner.starts_with(kPrefix) || ++lines_ > 64;
        if (!settled) banner.clear();
      } else if (banner.size() < kLongestBanner) {
        banner += c >= 0x20 && c < 0x7f ? c : '?';
      } else {
        settled = true;
      }
    }
    if (settled && !banner.starts_with(kPrefix)) banner.clear();
    return Answer();
  }
  ParserAnswer OnGap(Direction direction, [[maybe_unused]] std::uint64_t length) noexcept override {
    settled_[Index(direction)] = true;
    return Answer();
  }
  ParserAnswer OnEnd(Direction direction) noexcept override {
    settled_[Index(direction)] = true;
    return Answer();
  }

 private:
  ParserAnswer Answer() const { return settled_[0] && settled_[1] ? ParserAnswer::kDone : ParserAnswer::kContinue; }

  ParserContext context_;
  std::array<bool, 2> settled_{};
  int lines_ = 0;
};

ProbeAnswer ProbeSsh(ByteView first, [[maybe_unused]] Direction direction) {
  const std::string_view text = AsText(first.first(std::min(first.size(), kPrefix.size())));
  if (!kPrefix.starts_with(text)) return ProbeAnswer::kNo;
  return text.size() == kPrefix.size() ? ProbeAnswer::kYes : ProbeAnswer::kMaybe;
}

}  // namespace

const ParserSpec kSshParser = {
    .name = "ssh",
    .help = "SSH: the identification lines of both sides.",
    .probe = ProbeSsh,
    .begins_within = nullptr,
    .create = [](const ParserContext& context) -> std::unique_ptr<Parser> {
      return std::make_unique<SshParser>(context);
    },
};

}  // namespace spanwatch::protocol
