// What every HTTP(S) exchange of the supervisor has in common: the URL, the look-up of the name, which addresses are
// allowed, the connection, and TLS. Used by the webhook sink and by the puller of hash sets; what is said over the
// connection is theirs.
//
// HTTPS is verified: system authorities or `ca_file`, host name, TLS 1.2 or later. Each step has a time limit.
// Supervisor thread only; names are resolved on a thread of the target's own, so that a slow name server delays nobody
// else.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace spanwatch::alert {

struct HttpTargetOptions {
  std::string url;      // http:// or https://
  std::string ca_file;  // empty: the system's authorities
  bool allow_link_local = false;
  Duration step_timeout{};
  bool https_only = false;
};

// Everything an exchange needs. Exchanges share it, so that a reload leaves those under way alone.
struct HttpTarget {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string host_header;
  std::string path;  // and query
  bool host_is_address = false;
  bool allow_link_local = false;
  Duration step_timeout{};
  boost::asio::ssl::context tls_context{boost::asio::ssl::context::tls_client};
  boost::asio::thread_pool resolver_threads{1};
};

using HttpStream = boost::beast::tcp_stream;
using HttpsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

// Operations that give their error as a value.
inline constexpr auto kAsValue = boost::asio::as_tuple(boost::asio::use_awaitable);

Result<std::shared_ptr<HttpTarget>> MakeHttpTarget(const HttpTargetOptions& options);

// Looks the name up and connects to an address that is allowed.
boost::asio::awaitable<Result<HttpStream>> Connect(std::shared_ptr<HttpTarget> target);
// The TLS handshake; the target outlives it.
boost::asio::awaitable<Status> Handshake(HttpsStream& stream, const HttpTarget& target);

// One line of what went wrong in a step.
std::string DescribeFailure(std::string_view step, const boost::system::error_code& error);

}  // namespace spanwatch::alert
