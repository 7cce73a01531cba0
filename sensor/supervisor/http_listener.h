// HttpListener: the small HTTP server for /metrics, /healthz and /readyz (Debian's prometheus Exposer is not fit for
// it, ecosystem.md section 3.1). GET and HEAD of fixed paths; loopback unless configured; few connections, each with a
// deadline. When there are as many as may be, a new one takes the place of the oldest: whoever opens connections and
// says nothing, or does not read the answer, keeps nobody out.
//
// Runs on the supervisor's io_context and thread; handlers are called there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>

#include "base/result.h"
#include "config/config.h"
#include "telemetry/counters.h"

namespace spanwatch::supervisor {

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpReply()>;
using HttpRoutes = std::map<std::string, HttpHandler>;

class HttpListener {
 public:
  // `address` like 127.0.0.1 or ::1; port 0 takes a free one. `limits` and `counters` outlive the listener.
  static Result<std::unique_ptr<HttpListener>> Start(boost::asio::io_context& io, const config::Limits& limits,
                                                     Counters& counters, const config::ListenAddress& at,
                                                     HttpRoutes routes);
  ~HttpListener();  // closes the listening socket; answers under way may end

  std::uint16_t port() const;

  struct Shared;  // what the connections use; outlives the listener while one is under way

 private:
  explicit HttpListener(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;
};

}  // namespace spanwatch::supervisor
