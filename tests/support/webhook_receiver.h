// WebhookReceiver: a real HTTP or HTTPS server on loopback that receives Standard Webhooks for a test, checks their
// signatures with code of its own, and misbehaves when told. One thread of its own; methods are safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace spanwatch::support {

struct ReceivedWebhook {
  std::string id;
  std::string timestamp;
  std::string signature;
  std::string body;
  std::string target;
  bool signature_valid = false;
  int status = 0;  // as answered; 0 when left hanging
};

// How the next requests are answered: each entry serves one request; afterwards 204.
struct ReceiverAnswer {
  int status = 204;
  std::string retry_after;  // header, when not empty
  std::string location;     // header, when not empty
  bool hang = false;        // never answers
  bool close = false;       // closes without an answer
};

// A certificate authority made with OpenSSL on the spot, and a server certificate for `host` (DNS name or address).
struct TestAuthority {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
};
TestAuthority MakeTestAuthority(const std::string& host);

class WebhookReceiver {
 public:
  // `secrets` in whsec_ form: a signature by any of them is valid. With an authority it serves HTTPS.
  explicit WebhookReceiver(std::vector<std::string> secrets, const TestAuthority* authority = nullptr,
                           std::uint16_t port = 0);
  ~WebhookReceiver();

  std::uint16_t port() const;
  std::string Url(const std::string& host = "127.0.0.1") const;  // scheme, host, port and /hook
  void Answer(std::vector<ReceiverAnswer> answers);
  std::vector<ReceivedWebhook> received() const;
  bool WaitFor(std::size_t count, std::chrono::milliseconds timeout) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Independent of the product: base64 HMAC-SHA256 with OpenSSL.
bool VerifyStandardWebhook(const std::string& secret, const ReceivedWebhook& webhook);

}  // namespace spanwatch::support
