#include "alert/webhook_sink.h"

#include <boost/asio/co_spawn.hpp>

#include <charconv>
#include <cstdlib>
#include <ctime>

#include "alert/http_exchange.h"
#include "alert/sink_specs.h"
#include "alert/webhook_signature.h"
#include "base/file.h"

namespace spanwatch::alert {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kSecretFileLimit = 4096;
// Of an answer's body, of which nothing counts but that it is not cut off.
constexpr std::size_t kAnswerPieceBytes = 16 * 1024;
constexpr int kAnswerPieces = 4;
// So long at most a receiver may ask to be left alone; the outbox takes less (alert.webhook_retry_after_seconds).
constexpr std::chrono::seconds kRetryAfterMost{24 * 3600};

// Everything an attempt needs. Attempts share it, so that a reload leaves those under way alone.
struct Target {
  std::shared_ptr<HttpTarget> http;
  std::vector<WebhookSecret> secrets;
};

Delivery Failed(std::string detail) { return {DeliveryOutcome::kRetry, 0, std::nullopt, std::move(detail)}; }

Result<std::string> ReadSecretText(const std::string& setting, const std::string& value) {
  if (setting == "secret_environment") {
    const char* text = std::getenv(value.c_str());
    if (text == nullptr) return Fail(ErrorCode::kNotFound, "the environment has no variable {}", value);
    return std::string(text);
  }
  const auto content = ReadFile(value, kSecretFileLimit);
  if (!content) return Fail(content.error());
  return std::string(AsText(*content));
}

Result<bool> ParseFlag(const std::string& name, const std::string& value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return Fail(ErrorCode::kInvalid, "{} is true or false", name);
}

Result<std::shared_ptr<Target>> MakeTarget(const config::Limits& limits, const SinkOptions& options) {
  auto target = std::make_shared<Target>();
  HttpTargetOptions http_options;
  http_options.step_timeout = std::chrono::seconds(limits.alert_webhook_step_timeout_seconds);
  bool unsigned_allowed = false;
  for (const auto& [name, value] : options.settings) {
    if (name == "url") http_options.url = value;
    if (name == "ca_file") http_options.ca_file = value;
    if (name == "unsigned" || name == "allow_link_local") {
      const auto flag = ParseFlag(name, value);
      if (!flag) return Fail(flag.error());
      (name == "unsigned" ? unsigned_allowed : http_options.allow_link_local) = *flag;
    }
    if (name == "secret_file" || name == "secret_environment") {
      const auto text = ReadSecretText(name, value);
      if (!text) return Fail(text.error());
      auto secret = WebhookSecret::Parse(*text);
      if (!secret) return Fail(secret.error().In(value));
      target->secrets.push_back(std::move(*secret));
    }
  }
  if (http_options.url.empty()) return Fail(ErrorCode::kInvalid, "a webhook needs a url");
  auto http_target = MakeHttpTarget(http_options);
  if (!http_target) return Fail(http_target.error());
  target->http = std::move(*http_target);
  if (target->secrets.empty() && !unsigned_allowed) {
    return Fail(ErrorCode::kInvalid, "a webhook needs secret_file or secret_environment (or unsigned: true)");
  }
  return target;
}

HttpRequest MakeRequest(const Target& target, const OutboxMessage& message) {
  const std::int64_t timestamp = std::chrono::floor<std::chrono::seconds>(WallClockNow()).time_since_epoch().count();
  HttpRequest request{.method = HttpRequest::Method::kPost,
                      .fields = {{"Content-Type", "application/json"},
                                 {"webhook-id", message.message_id},
                                 {"webhook-timestamp", std::to_string(timestamp)}},
                      .body = message.body};
  if (!target.secrets.empty()) {
    request.fields.emplace_back("webhook-signature",
                                SignatureHeader(target.secrets, message.message_id, timestamp, message.body));
  }
  return request;
}

// What an answer's body says does not count, but half an answer is none: whoever sent it may have died over the alert.
asio::awaitable<Delivery> Attempt(std::shared_ptr<Target> target, OutboxMessage message) {
  const HttpRequest request = MakeRequest(*target, message);
  HttpExchange exchange(target->http);
  const auto answer = co_await exchange.Ask(request);
  if (!answer) co_return Failed(answer.error().message);
  const Delivery delivery = JudgeResponse(answer->status, answer->retry_after, WallClockNow());
  if (delivery.outcome != DeliveryOutcome::kDelivered || !answer->body_has_end) co_return delivery;
  std::vector<std::uint8_t> piece(kAnswerPieceBytes);
  for (int i = 0; i < kAnswerPieces; ++i) {
    const auto got = co_await exchange.Read(piece);
    if (!got) co_return Failed(fmt::format("HTTP {}, and half an answer: {}", answer->status, got.error().message));
    if (*got < piece.size()) break;
  }
  co_return delivery;
}

class WebhookSink : public AlertSink {
 public:
  WebhookSink(asio::io_context& io, const config::Limits& limits, SinkOptions options, std::shared_ptr<Target> target)
      : io_(io), limits_(limits), options_(std::move(options)), target_(std::move(target)) {}

  const std::string& name() const override { return options_.name; }

  void Deliver(const OutboxMessage& message, Done done) override {
    asio::co_spawn(io_, Attempt(target_, message),
                   [done = std::move(done)](const std::exception_ptr& failure, const Delivery& delivery) {
                     done(failure ? Failed("the attempt ended by an exception") : delivery);
                   });
  }

  Status Reload() override {
    auto target = MakeTarget(limits_, options_);
    if (!target) return Fail(target.error());
    target_ = std::move(*target);
    return {};
  }

 private:
  asio::io_context& io_;
  const config::Limits& limits_;
  SinkOptions options_;
  std::shared_ptr<Target> target_;
};

Result<std::unique_ptr<AlertSink>> MakeWebhookSink(asio::io_context& io, const config::Limits& limits,
                                                   const SinkOptions& options) {
  auto target = MakeTarget(limits, options);
  if (!target) return Fail(target.error());
  return std::make_unique<WebhookSink>(io, limits, options, std::move(*target));
}

constexpr SinkSetting kWebhookSettings[] = {
    {"url", "Where alerts are posted to: http:// or https://."},
    {"secret_file", "File with a secret (whsec_ and base64); several while rotating."},
    {"secret_environment", "Environment variable with a secret; several while rotating."},
    {"unsigned", "true: send without a signature when there is no secret."},
    {"ca_file", "Certificate authorities (PEM) instead of the system's."},
    {"allow_link_local", "true: permit link-local and metadata addresses."},
};

std::optional<Duration> ParseRetryAfter(std::string_view text, PacketTime now) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size() && count >= 0) {
    return std::chrono::seconds(std::min<std::int64_t>(count, kRetryAfterMost.count()));
  }
  std::tm parts{};
  const std::string copy(text);
  if (::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
  const PacketTime then = std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
  return std::clamp<Duration>(then - now, Duration::zero(), kRetryAfterMost);
}

}  // namespace

Delivery JudgeResponse(int status, std::string_view retry_after, PacketTime now) {
  Delivery delivery{DeliveryOutcome::kRetry, status, std::nullopt, fmt::format("HTTP {}", status)};
  if (status / 100 == 2) {
    delivery.outcome = DeliveryOutcome::kDelivered;
  } else if (status == 410) {
    delivery.outcome = DeliveryOutcome::kDisabled;
  } else if (!retry_after.empty()) {
    // Everything else may be put right: a gateway's 403 and 404, a redirect (which is never followed), a 500.
    delivery.retry_after = ParseRetryAfter(retry_after, now);
  }
  return delivery;
}

constinit const SinkSpec k_webhook_sink = {"webhook", "Posts each alert over HTTP(S), signed as Standard Webhooks 1.0.",
                                           kWebhookSettings, MakeWebhookSink};

}  // namespace spanwatch::alert
