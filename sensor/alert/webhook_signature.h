// Standard Webhooks 1.0 signatures (v1: HMAC-SHA256). Pure but for reading secrets; keys are wiped when they go.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::alert {

class WebhookSecret {
 public:
  // `whsec_` and base64 of 24 to 64 bytes. The error never repeats the text.
  static Result<WebhookSecret> Parse(std::string_view text);
  WebhookSecret(WebhookSecret&&) noexcept = default;
  WebhookSecret& operator=(WebhookSecret&&) noexcept = default;
  ~WebhookSecret();

  ByteView key() const { return key_; }

 private:
  explicit WebhookSecret(Bytes key) : key_(std::move(key)) {}
  Bytes key_;
};

// `v1,<base64 of HMAC-SHA256(key, "id.timestamp.body")>`, one for each secret, separated by spaces.
std::string SignatureHeader(const std::vector<WebhookSecret>& secrets, std::string_view id, std::int64_t timestamp,
                            std::string_view body);

}  // namespace spanwatch::alert
