#include "alert/https_client.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/url.hpp>

#include "alert/address_guard.h"

namespace spanwatch::alert {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Endpoints = std::vector<tcp::endpoint>;

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

}  // namespace

std::string DescribeFailure(std::string_view step, const error_code& error) {
  if (error == beast::error::timeout) return fmt::format("{} timed out", step);
  return fmt::format("{} failed: {}", step, error.message());
}

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

asio::awaitable<Result<HttpStream>> Connect(std::shared_ptr<HttpTarget> target) {
  Endpoints endpoints;
  const error_code resolve_error = co_await Resolve(target, endpoints);
  if (resolve_error)
    co_return Fail(ErrorCode::kUnavailable, "{}", DescribeFailure("the name of the host", resolve_error));
  // After the look-up, on the very addresses that are used: a name cannot be changed in between.
  if (!target->allow_link_local) {
    std::erase_if(endpoints, [](const tcp::endpoint& one) { return IsDeniedDestination(ToIpAddress(one.address())); });
    if (endpoints.empty()) {
      co_return Fail(ErrorCode::kUnavailable,
                     "the host's addresses are link-local or metadata addresses, which allow_link_local would permit");
    }
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  HttpStream stream(executor);
  stream.expires_after(target->step_timeout);
  const auto [error, endpoint] = co_await stream.async_connect(endpoints, kAsValue);
  if (error) co_return Fail(ErrorCode::kUnavailable, "{}", DescribeFailure("the connection", error));
  co_return Result<HttpStream>(std::move(stream));
}

asio::awaitable<Status> Handshake(HttpsStream& stream, const HttpTarget& target) {
  if (!target.host_is_address && SSL_set_tlsext_host_name(stream.native_handle(), target.host.c_str()) != 1) {
    co_return Fail(ErrorCode::kInvalid, "the host name does not fit into TLS");
  }
  stream.set_verify_callback(asio::ssl::host_name_verification(target.host));
  beast::get_lowest_layer(stream).expires_after(target.step_timeout);
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAsValue);
  if (!error) co_return Status();
  const long verified = SSL_get_verify_result(stream.native_handle());
  if (verified != X509_V_OK) {
    co_return Fail(ErrorCode::kUntrusted, "the certificate does not verify: {}",
                   X509_verify_cert_error_string(verified));
  }
  co_return Fail(ErrorCode::kUnavailable, "{}", DescribeFailure("TLS", error));
}

}  // namespace spanwatch::alert
