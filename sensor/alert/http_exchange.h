// HttpExchange: one request over HTTP or HTTPS and its answer. Used by the webhook sink and by the puller of hash sets.
//
// The URL's name is looked up, its addresses are checked against those that are refused, and HTTPS is verified: system
// authorities or `ca_file`, host name, TLS 1.2 or later. HTTP/1.1 (RFC 9112), one request a connection; no redirect is
// followed. Each step has a time limit. Supervisor thread only; names are resolved on a thread of the target's own, so
// that a slow name server delays nobody else.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

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

// Where exchanges go. They share it, so that a reload leaves those under way alone.
struct HttpTarget;
Result<std::shared_ptr<HttpTarget>> MakeHttpTarget(const HttpTargetOptions& options);

struct HttpRequest {
  enum class Method : std::uint8_t { kGet, kPost };
  Method method = Method::kGet;
  std::vector<std::pair<std::string, std::string>> fields;  // beside Host and User-Agent
  std::string body;
  std::uint64_t answer_bytes_max = UINT64_MAX;  // of the answer's body
};

struct HttpAnswer {
  int status = 0;
  std::string etag;  // the fields of these names; empty when missing
  std::string retry_after;
  bool body_has_end = true;  // its length is known, so that one that is cut off is noticed
};

class HttpExchange {
 public:
  explicit HttpExchange(std::shared_ptr<HttpTarget> target);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  // Connects, sends the request and reads the head of the answer. REQUIRES: called once
  boost::asio::awaitable<Result<HttpAnswer>> Ask(const HttpRequest& request);
  // Fills `piece` with what comes next of the answer's body; less only at its end. REQUIRES: Ask gave an answer
  boost::asio::awaitable<Result<std::size_t>> Read(std::span<std::uint8_t> piece);

 private:
  class Connection;
  std::shared_ptr<HttpTarget> target_;
  std::unique_ptr<Connection> connection_;
};

// Operations that give their error as a value.
inline constexpr auto kAsValue = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace spanwatch::alert
