#include "supervisor/http_listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <list>

namespace spanwatch::supervisor {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t kHeaderLimit = 8 * 1024;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when the process is out of descriptors

}  // namespace

struct HttpListener::Shared {
  Shared(asio::io_context& io, HttpRoutes its_routes, const config::Limits& limits, Counters& its_counters)
      : acceptor(io),
        routes(std::move(its_routes)),
        deadline(limits.http_deadline_seconds),
        connections_max(limits.http_connections),
        counters(its_counters) {}
  tcp::acceptor acceptor;
  HttpRoutes routes;
  std::chrono::seconds deadline;
  std::size_t connections_max;
  Counters& counters;
  std::list<beast::tcp_stream*> open;  // the oldest first
};

namespace {

HttpReply Answer(const HttpRoutes& routes, const http::request<http::empty_body>& request) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return {405, "text/plain; charset=utf-8", "only GET and HEAD\n"};
  }
  const std::string_view target = request.target();
  const auto route = routes.find(std::string(target.substr(0, target.find('?'))));
  if (route == routes.end()) return {404, "text/plain; charset=utf-8", "nothing here; try /metrics\n"};
  return route->second();
}

// One request, one answer, within one deadline; a body is never read.
asio::awaitable<void> Serve(tcp::socket socket, std::shared_ptr<HttpListener::Shared> shared) {
  beast::tcp_stream stream(std::move(socket));
  const auto place = shared->open.insert(shared->open.end(), &stream);
  stream.expires_after(shared->deadline);
  beast::flat_buffer buffer(kHeaderLimit);
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeaderLimit);
  const auto [read_error, length] = co_await http::async_read_header(stream, buffer, parser, kUse);
  if (!read_error) {
    HttpReply reply = Answer(shared->routes, parser.get());
    http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
    response.set(http::field::content_type, reply.content_type);
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(false);
    const std::size_t size = reply.body.size();
    if (parser.get().method() != http::verb::head) response.body() = std::move(reply.body);
    response.content_length(size);
    co_await http::async_write(stream, response, kUse);
    beast::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }
  shared->open.erase(place);
}

asio::awaitable<void> AcceptLoop(std::shared_ptr<HttpListener::Shared> shared) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  while (true) {
    auto [error, socket] = co_await shared->acceptor.async_accept(kUse);
    if (!shared->acceptor.is_open()) co_return;
    if (error) {
      asio::steady_timer pause(executor, kAcceptPause);
      co_await pause.async_wait(kUse);
      continue;
    }
    // A whole request is answered within the turn in which it is read, so the oldest is one that says nothing, or that
    // does not read its answer.
    if (shared->open.size() >= shared->connections_max) {
      shared->counters.Add(Counter::http_connections_shed);
      shared->open.front()->cancel();
    }
    asio::co_spawn(executor, Serve(std::move(socket), shared), asio::detached);
    // The one that was given up leaves before another comes.
    while (shared->open.size() > shared->connections_max) co_await asio::post(executor, kUse);
  }
}

}  // namespace

Result<std::unique_ptr<HttpListener>> HttpListener::Start(asio::io_context& io, const config::Limits& limits,
                                                          Counters& counters, const config::ListenAddress& at,
                                                          HttpRoutes routes) {
  const auto& [address, port] = at;
  beast::error_code error;
  const asio::ip::address parsed = asio::ip::make_address(address, error);
  if (error) return Fail(ErrorCode::kInvalid, "'{}' is not an IP address to listen on", address);
  const tcp::endpoint endpoint(parsed, port);
  auto shared = std::make_shared<Shared>(io, std::move(routes), limits, counters);
  tcp::acceptor& acceptor = shared->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable, "cannot listen on {} port {}: {}; name another address or port", address, port,
                error.message());
  }
  asio::co_spawn(io, AcceptLoop(shared), asio::detached);
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(shared)));
}

HttpListener::~HttpListener() {
  beast::error_code ignored;
  shared_->acceptor.close(ignored);
}

std::uint16_t HttpListener::port() const {
  beast::error_code ignored;
  return shared_->acceptor.local_endpoint(ignored).port();
}

}  // namespace spanwatch::supervisor
