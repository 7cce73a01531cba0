#include "alert/http_exchange.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/url.hpp>
#include <optional>

#include "alert/address_guard.h"

namespace spanwatch::alert {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Endpoints = std::vector<tcp::endpoint>;

struct HttpTarget {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string host_header;
  std::string path;  // and query
  bool host_is_address = false;
  bool allow_link_local = false;
  Duration step_timeout{};
  asio::ssl::context tls_context{asio::ssl::context::tls_client};
  asio::thread_pool resolver_threads{1};
};

namespace {

constexpr std::uint32_t kHeadBytesMax = 16 * 1024;
constexpr std::size_t kBufferBytesMax = 128 * 1024;  // what has come and is not yet taken; Beast reads 64 KiB at a time
constexpr int kInterimAnswers = 4;

Status ParseUrl(const std::string& text, HttpTarget& target) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return Fail(ErrorCode::kInvalid, "'{}' is not a URL; write it like https://host/path", text);
  const boost::urls::url_view url = *parsed;
  if (url.scheme() != "http" && url.scheme() != "https") {
    return Fail(ErrorCode::kInvalid, "the url begins with http:// or https://");
  }
  if (url.has_userinfo()) return Fail(ErrorCode::kInvalid, "the url holds no user name or password");
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

Status PrepareTls(HttpTarget& target, const std::string& ca_file) {
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

// A look-up that may outlive the wait for it.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  bool done = false;
  error_code error;
  Endpoints endpoints;
};

asio::awaitable<error_code> Resolve(std::shared_ptr<HttpTarget> target, Endpoints& endpoints) {
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
  co_await lookup->timer.async_wait(kAsValue);
  if (!lookup->done) co_return beast::error::timeout;
  endpoints = lookup->endpoints;
  co_return lookup->error;
}

IpAddress ToIpAddress(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::From(address.to_v4().to_bytes());
  return IpAddress::From(address.to_v6().to_bytes());
}

// One line of what went wrong in a step.
std::unexpected<Error> StepFailed(std::string_view step, const error_code& error) {
  if (error == beast::error::timeout) return Fail(ErrorCode::kUnavailable, "{} timed out", step);
  return Fail(ErrorCode::kUnavailable, "{} failed: {}", step, error.message());
}

http::request<http::string_body> Write(const HttpTarget& target, const HttpRequest& request) {
  const bool post = request.method == HttpRequest::Method::kPost;
  http::request<http::string_body> message(post ? http::verb::post : http::verb::get, target.path, 11);
  message.set(http::field::host, target.host_header);
  message.set(http::field::user_agent, "spanwatch/" SPANWATCH_VERSION);
  for (const auto& [name, value] : request.fields) message.set(name, value);
  message.keep_alive(false);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

}  // namespace

Result<std::shared_ptr<HttpTarget>> MakeHttpTarget(const HttpTargetOptions& options) {
  auto target = std::make_shared<HttpTarget>();
  target->step_timeout = options.step_timeout;
  target->allow_link_local = options.allow_link_local;
  if (Status status = ParseUrl(options.url, *target); !status) return Fail(status.error());
  if (options.https_only && !target->tls) return Fail(ErrorCode::kInvalid, "the url begins with https://");
  if (target->tls) {
    if (Status status = PrepareTls(*target, options.ca_file); !status) return Fail(status.error());
  }
  return target;
}

// A stream as Beast asks for, over TLS or plain: its operations on HTTP are then compiled once for both.
class HttpExchange::Connection {
 public:
  using executor_type = beast::tcp_stream::executor_type;

  Connection(const executor_type& executor, std::shared_ptr<HttpTarget> target)
      : target_(std::move(target)), tls_(executor, target_->tls_context) {}

  executor_type get_executor() { return tls_.get_executor(); }
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          OnStream([&](auto& stream) { stream.async_read_some(into, std::move(handler)); });
        },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          OnStream([&](auto& stream) { stream.async_write_some(from, std::move(handler)); });
        },
        token, buffers);
  }

  asio::awaitable<Status> Connect();
  asio::awaitable<Status> Send(const HttpRequest& request);
  asio::awaitable<Result<HttpAnswer>> ReadHead(std::uint64_t body_bytes_max);
  asio::awaitable<Result<std::size_t>> ReadBody(std::span<std::uint8_t> piece);

 private:
  beast::tcp_stream& tcp() { return tls_.next_layer(); }
  template <typename Operation>
  void OnStream(Operation operation) {
    if (target_->tls)
      operation(tls_);
    else
      operation(tcp());
  }
  void BeginStep() { tcp().expires_after(target_->step_timeout); }
  asio::awaitable<Status> Handshake();

  std::shared_ptr<HttpTarget> target_;
  beast::ssl_stream<beast::tcp_stream> tls_;  // of a plain connection only the layer below it is used
  beast::flat_buffer buffer_{kBufferBytesMax};
  std::optional<http::response_parser<http::buffer_body>> parser_;
};

// Looks the name up and connects to an address that is allowed.
asio::awaitable<Status> HttpExchange::Connection::Connect() {
  Endpoints endpoints;
  const error_code resolve_error = co_await Resolve(target_, endpoints);
  if (resolve_error) co_return StepFailed("the name of the host", resolve_error);
  // After the look-up, on the very addresses that are used: a name cannot be changed in between.
  if (!target_->allow_link_local) {
    std::erase_if(endpoints, [](const tcp::endpoint& one) { return IsDeniedDestination(ToIpAddress(one.address())); });
    if (endpoints.empty()) {
      co_return Fail(ErrorCode::kUnavailable,
                     "the host's addresses are link-local or metadata addresses, which allow_link_local would permit");
    }
  }
  BeginStep();
  const auto [error, endpoint] = co_await tcp().async_connect(endpoints, kAsValue);
  if (error) co_return StepFailed("the connection", error);
  if (target_->tls) co_return co_await Handshake();
  co_return Status();
}

asio::awaitable<Status> HttpExchange::Connection::Handshake() {
  if (!target_->host_is_address && SSL_set_tlsext_host_name(tls_.native_handle(), target_->host.c_str()) != 1) {
    co_return Fail(ErrorCode::kInvalid, "the host name does not fit into TLS");
  }
  tls_.set_verify_callback(asio::ssl::host_name_verification(target_->host));
  BeginStep();
  const auto [error] = co_await tls_.async_handshake(asio::ssl::stream_base::client, kAsValue);
  if (!error) co_return Status();
  const long verified = SSL_get_verify_result(tls_.native_handle());
  if (verified != X509_V_OK) {
    co_return Fail(ErrorCode::kUntrusted, "the certificate does not verify: {}",
                   X509_verify_cert_error_string(verified));
  }
  co_return StepFailed("TLS", error);
}

asio::awaitable<Status> HttpExchange::Connection::Send(const HttpRequest& request) {
  const auto message = Write(*target_, request);
  BeginStep();
  const auto [error, sent] = co_await http::async_write(*this, message, kAsValue);
  if (error) co_return StepFailed("the request", error);
  co_return Status();
}

asio::awaitable<Result<HttpAnswer>> HttpExchange::Connection::ReadHead(std::uint64_t body_bytes_max) {
  BeginStep();
  for (int i = 0; i <= kInterimAnswers; ++i) {
    auto& parser = parser_.emplace();
    parser.header_limit(kHeadBytesMax);
    parser.body_limit(body_bytes_max);
    const auto [error, length] = co_await http::async_read_header(*this, buffer_, parser, kAsValue);
    if (error) co_return StepFailed("the answer", error);
    const auto& head = parser.get();
    if (head.result_int() / 100 == 1) continue;
    co_return HttpAnswer{static_cast<int>(head.result_int()), std::string(head[http::field::etag]),
                         std::string(head[http::field::retry_after]), !parser.need_eof()};
  }
  co_return Fail(ErrorCode::kUnavailable, "the server sends nothing but interim answers");
}

asio::awaitable<Result<std::size_t>> HttpExchange::Connection::ReadBody(std::span<std::uint8_t> piece) {
  auto& body = parser_->get().body();
  body.data = piece.data();
  body.size = piece.size();
  if (parser_->is_done()) co_return 0;
  BeginStep();
  const auto [error, got] = co_await http::async_read(*this, buffer_, *parser_, kAsValue);
  if (error && error != http::error::need_buffer) co_return StepFailed("the transfer", error);
  co_return piece.size() - body.size;
}

HttpExchange::HttpExchange(std::shared_ptr<HttpTarget> target) : target_(std::move(target)) {}
HttpExchange::~HttpExchange() = default;

asio::awaitable<Result<HttpAnswer>> HttpExchange::Ask(const HttpRequest& request) {
  connection_ = std::make_unique<Connection>(co_await asio::this_coro::executor, target_);
  if (const Status connected = co_await connection_->Connect(); !connected) co_return Fail(connected.error());
  if (const Status sent = co_await connection_->Send(request); !sent) co_return Fail(sent.error());
  co_return co_await connection_->ReadHead(request.answer_bytes_max);
}

asio::awaitable<Result<std::size_t>> HttpExchange::Read(std::span<std::uint8_t> piece) {
  co_return co_await connection_->ReadBody(piece);
}

}  // namespace spanwatch::alert
