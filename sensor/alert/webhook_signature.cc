#include "alert/webhook_signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <optional>

namespace spanwatch::alert {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kShortestKey = 24;
constexpr std::size_t kLongestKey = 64;

std::unexpected<Error> BadSecret() {
  return Fail(ErrorCode::kInvalid, "the webhook secret is not `whsec_` followed by the base64 of 24 to 64 bytes");
}

// Padded base64; EVP_DecodeBlock alone would accept blanks and count padding as bytes.
std::optional<Bytes> FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.substr(0, text.size() - padding).find_first_not_of(kAlphabet) != std::string_view::npos) return std::nullopt;
  Bytes bytes(text.size() / 4 * 3);
  const int length = EVP_DecodeBlock(bytes.data(), AsBytes(text).data(), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

std::string ToBase64(ByteView bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

Result<WebhookSecret> WebhookSecret::Parse(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  if (!text.starts_with(kPrefix)) return BadSecret();
  auto key = FromBase64(text.substr(kPrefix.size()));
  if (!key) return BadSecret();
  WebhookSecret secret(std::move(*key));
  if (secret.key_.size() < kShortestKey || secret.key_.size() > kLongestKey) return BadSecret();
  return secret;
}

WebhookSecret::~WebhookSecret() {
  if (!key_.empty()) OPENSSL_cleanse(key_.data(), key_.size());
}

std::string SignatureHeader(const std::vector<WebhookSecret>& secrets, std::string_view id, std::int64_t timestamp,
                            std::string_view body) {
  const std::string content = fmt::format("{}.{}.{}", id, timestamp, body);
  std::string header;
  for (const WebhookSecret& secret : secrets) {
    std::uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    HMAC(EVP_sha256(), secret.key().data(), static_cast<int>(secret.key().size()), AsBytes(content).data(),
         content.size(), digest, &length);
    if (!header.empty()) header += ' ';
    header += "v1," + ToBase64({digest, length});
  }
  return header;
}

}  // namespace spanwatch::alert
