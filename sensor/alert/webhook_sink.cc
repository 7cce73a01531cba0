#include "alert/webhook_sink.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/url.hpp>

#include <charconv>
#include <cstdlib>
#include <ctime>

#include "alert/address_guard.h"
#include "alert/sink_specs.h"
#include "alert/webhook_signature.h"
#include "base/file.h"

namespace spanwatch::alert {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Endpoints = std::vector<tcp::endpoint>;

constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kSecretFileLimit = 4096;
constexpr std::uint32_t kHeaderLimit = 16 * 1024;
constexpr int kInterimResponses = 4;

// Everything an attempt needs. Attempts share it, so that a reload leaves those under way alone.
struct Target {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string host_header;
  std::string path;  // and query
  bool host_is_address = false;
  bool allow_link_local = false;
  Duration step_timeout{};
  std::vector<WebhookSecret> secrets;
  asio::ssl::context tls_context{asio::ssl::context::tls_client};
  asio::thread_pool resolver_threads{1};
};

Delivery Failed(std::string detail) { return {DeliveryOutcome::kRetry, 0, std::nullopt, std::move(detail)}; }

std::string Describe(std::string_view step, const error_code& error) {
  if (error == beast::error::timeout) return fmt::format("{} timed out", step);
  return fmt::format("{} failed: {}", step, error.message());
}

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

Status ParseUrl(const std::string& text, Target& target) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return Fail(ErrorCode::kInvalid, "'{}' is not a URL; write it like https://host/path", text);
  const boost::urls::url_view url = *parsed;
  if (url.scheme() != "http" && url.scheme() != "https") {
    return Fail(ErrorCode::kInvalid, "a webhook's url begins with http:// or https://");
  }
  if (url.has_userinfo()) return Fail(ErrorCode::kInvalid, "a webhook's url holds no user name or password");
  if (url.host().empty()) return Fail(ErrorCode::kInvalid, "'{}' names no host", text);
  target.tls = url.scheme() == "https";
  target.host = url.host_address();
  target.host_is_address =
      url.host_type() == boost::urls::host_type::ipv4 || url.host_type() == boost::urls::host_type::ipv6;
  target.port = url.has_port() && !url.port().empty() ? std::string(url.port()) : target.tls ? "443" : "80";
  target.host_header = std::string(url.encoded_host());
  if (url.has_port() && !url.port().empty()) target.host_header += ":" + target.port;
  target.path = std::string(url.encoded_target());
  if (target.path.empty() || target.path.front() != '/') target.path.insert(0, "/");
  return {};
}

Status PrepareTls(Target& target, const std::string& ca_file) {
  error_code error;
  asio::ssl::context& context = target.tls_context;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(asio::ssl::verify_peer, error);
  if (ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (error) return Fail(ErrorCode::kIo, "the system's certificate authorities cannot be read: {}", error.message());
    return {};
  }
  context.load_verify_file(ca_file, error);
  if (error) return Fail(ErrorCode::kInvalid, "ca_file {} cannot be read: {}", ca_file, error.message());
  return {};
}

Result<bool> ParseFlag(const std::string& name, const std::string& value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return Fail(ErrorCode::kInvalid, "{} is true or false", name);
}

Result<std::shared_ptr<Target>> MakeTarget(const config::Limits& limits, const SinkOptions& options) {
  auto target = std::make_shared<Target>();
  target->step_timeout = std::chrono::seconds(limits.alert_webhook_step_timeout_seconds);
  std::string url, ca_file;
  bool unsigned_allowed = false;
  for (const auto& [name, value] : options.settings) {
    if (name == "url") url = value;
    if (name == "ca_file") ca_file = value;
    if (name == "unsigned" || name == "allow_link_local") {
      const auto flag = ParseFlag(name, value);
      if (!flag) return Fail(flag.error());
      (name == "unsigned" ? unsigned_allowed : target->allow_link_local) = *flag;
    }
    if (name == "secret_file" || name == "secret_environment") {
      const auto text = ReadSecretText(name, value);
      if (!text) return Fail(text.error());
      auto secret = WebhookSecret::Parse(*text);
      if (!secret) return Fail(secret.error().In(value));
      target->secrets.push_back(std::move(*secret));
    }
  }
  if (url.empty()) return Fail(ErrorCode::kInvalid, "a webhook needs a url");
  if (Status status = ParseUrl(url, *target); !status) return Fail(status.error());
  if (target->secrets.empty() && !unsigned_allowed) {
    return Fail(ErrorCode::kInvalid, "a webhook needs secret_file or secret_environment (or unsigned: true)");
  }
  if (target->tls) {
    if (Status status = PrepareTls(*target, ca_file); !status) return Fail(status.error());
  }
  return target;
}

// A look-up that may outlive the wait for it.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool done = false;
  error_code error;
  Endpoints endpoints;
};

asio::awaitable<error_code> Resolve(std::shared_ptr<Target> target, Endpoints& endpoints) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto lookup = std::make_shared<Lookup>(executor);
  auto resolver = std::make_shared<tcp::resolver>(target->resolver_threads.get_executor());
  lookup->timer.expires_after(target->step_timeout);
  // getaddrinfo cannot be interrupted; the timer ends the wait, the late answer finds nobody.
  resolver->async_resolve(
      target->host, target->port,
      asio::bind_executor(executor, [lookup, resolver](const error_code& error, const auto& results) {
        lookup->done = true;
        lookup->error = error;
        for (const auto& result : results) lookup->endpoints.push_back(result.endpoint());
        lookup->timer.cancel();
      }));
  co_await lookup->timer.async_wait(kUse);
  if (!lookup->done) co_return beast::error::timeout;
  endpoints = lookup->endpoints;
  co_return lookup->error;
}

IpAddress ToIpAddress(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::From(address.to_v4().to_bytes());
  return IpAddress::From(address.to_v6().to_bytes());
}

http::request<http::string_body> MakeRequest(const Target& target, const OutboxMessage& message) {
  const std::int64_t timestamp = std::chrono::floor<std::chrono::seconds>(WallClockNow()).time_since_epoch().count();
  http::request<http::string_body> request(http::verb::post, target.path, 11);
  request.set(http::field::host, target.host_header);
  request.set(http::field::user_agent, "spanwatch/" SPANWATCH_VERSION);
  request.set(http::field::content_type, "application/json");
  request.set("webhook-id", message.message_id);
  request.set("webhook-timestamp", std::to_string(timestamp));
  if (!target.secrets.empty()) {
    request.set("webhook-signature", SignatureHeader(target.secrets, message.message_id, timestamp, message.body));
  }
  request.keep_alive(false);
  request.body() = message.body;
  request.prepare_payload();
  return request;
}

// Sends the request and reads the head of the response; its body says nothing that counts.
template <typename Stream>
asio::awaitable<Delivery> Exchange(Stream& stream, std::shared_ptr<Target> target, OutboxMessage message) {
  auto request = MakeRequest(*target, message);
  beast::get_lowest_layer(stream).expires_after(target->step_timeout);
  const auto [write_error, written] = co_await http::async_write(stream, request, kUse);
  if (write_error) co_return Failed(Describe("the request", write_error));
  beast::get_lowest_layer(stream).expires_after(target->step_timeout);
  beast::flat_buffer buffer(kHeaderLimit);
  for (int i = 0; i < kInterimResponses; ++i) {
    http::response_parser<http::empty_body> parser;
    parser.header_limit(kHeaderLimit);
    const auto [read_error, length] = co_await http::async_read_header(stream, buffer, parser, kUse);
    if (read_error) co_return Failed(Describe("the response", read_error));
    const int status = parser.get().result_int();
    if (status / 100 == 1) continue;
    co_return JudgeResponse(status, parser.get()[http::field::retry_after], WallClockNow());
  }
  co_return Failed("the receiver sends nothing but interim responses");
}

asio::awaitable<Delivery> ExchangeTls(beast::tcp_stream stream, std::shared_ptr<Target> target, OutboxMessage message) {
  beast::ssl_stream<beast::tcp_stream> tls(std::move(stream), target->tls_context);
  if (!target->host_is_address && SSL_set_tlsext_host_name(tls.native_handle(), target->host.c_str()) != 1) {
    co_return Failed("the host name does not fit into TLS");
  }
  tls.set_verify_callback(asio::ssl::host_name_verification(target->host));
  beast::get_lowest_layer(tls).expires_after(target->step_timeout);
  const auto [error] = co_await tls.async_handshake(asio::ssl::stream_base::client, kUse);
  if (error) {
    const long verified = SSL_get_verify_result(tls.native_handle());
    if (verified != X509_V_OK) {
      co_return Failed(fmt::format("the certificate does not verify: {}", X509_verify_cert_error_string(verified)));
    }
    co_return Failed(Describe("TLS", error));
  }
  co_return co_await Exchange(tls, target, std::move(message));
}

asio::awaitable<Delivery> Attempt(std::shared_ptr<Target> target, OutboxMessage message) {
  Endpoints endpoints;
  const error_code resolve_error = co_await Resolve(target, endpoints);
  if (resolve_error) co_return Failed(Describe("the name of the host", resolve_error));
  // After the look-up, on the very addresses that are used: a name cannot be changed in between.
  if (!target->allow_link_local) {
    std::erase_if(endpoints, [](const tcp::endpoint& one) { return IsDeniedDestination(ToIpAddress(one.address())); });
    if (endpoints.empty()) {
      co_return Failed(
          "the host's addresses are link-local or metadata addresses, which allow_link_local would permit");
    }
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream(executor);
  stream.expires_after(target->step_timeout);
  const auto [connect_error, endpoint] = co_await stream.async_connect(endpoints, kUse);
  if (connect_error) co_return Failed(Describe("the connection", connect_error));
  if (target->tls) co_return co_await ExchangeTls(std::move(stream), target, std::move(message));
  co_return co_await Exchange(stream, target, std::move(message));
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

Result<std::unique_ptr<AlertSink>> Make(asio::io_context& io, const config::Limits& limits,
                                        const SinkOptions& options) {
  auto target = MakeTarget(limits, options);
  if (!target) return Fail(target.error());
  return std::make_unique<WebhookSink>(io, limits, options, std::move(*target));
}

constexpr SinkSetting kSettings[] = {
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
    return std::chrono::seconds(std::min<std::int64_t>(count, 24 * 3600));
  }
  std::tm parts{};
  const std::string copy(text);
  if (::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
  const PacketTime then = std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
  return std::clamp<Duration>(then - now, Duration::zero(), std::chrono::hours(24));
}

}  // namespace

Delivery JudgeResponse(int status, std::string_view retry_after, PacketTime now) {
  Delivery delivery{DeliveryOutcome::kRetry, status, std::nullopt, fmt::format("HTTP {}", status)};
  if (status / 100 == 2) {
    delivery.outcome = DeliveryOutcome::kDelivered;
  } else if (status == 410) {
    delivery.outcome = DeliveryOutcome::kDisabled;
  } else if (status / 100 == 4 && status != 408 && status != 425 && status != 429) {
    delivery.outcome = DeliveryOutcome::kRefused;
  } else {
    // 3xx too: a redirect is never followed, and it may be put right.
    if (!retry_after.empty()) delivery.retry_after = ParseRetryAfter(retry_after, now);
  }
  return delivery;
}

constinit const SinkSpec k_webhook_sink = {"webhook", "Posts each alert over HTTP(S), signed as Standard Webhooks 1.0.",
                                           kSettings, Make};

}  // namespace spanwatch::alert
