// Outbox: sends what the OutboxStore holds, at least once and in order per group, with back-off (ecosystem.md
// sections 5.1 and 5.2). Each endpoint has its own worker, so that a dead one blocks nobody.
//
// Whatever an endpoint answers but 2xx and 410 is tried again for alert.webhook_retry_seconds, then the message is
// given up: it stays in the store until the operator has it sent again. While the latest attempt failed, one message at
// a time is tried; once one goes through, all that wait for their next attempt go at once. 410 disables the endpoint
// until a reload or the operator's word. Failures are in the log, at most one line a minute for each endpoint.
//
// Supervisor thread only, on its io_context. Messages are entered into the store by the batch that raises the alert;
// Wake is called after its commit. After a restart Start sends what is still there, under the same message ids.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <map>
#include <random>

#include "alert/alert_sink.h"
#include "model/alert.h"

namespace spanwatch::alert {

// How an attempt ended: by the class of the HTTP status; kOther is a way out that is not HTTP, kNoAnswer a connection
// that failed, a certificate, half an answer or a timeout.
enum class AttemptResult : std::uint8_t { k2xx, k3xx, k4xx, k5xx, kOther, kNoAnswer };

}  // namespace spanwatch::alert

namespace spanwatch {

template <>
inline constexpr std::size_t kCountOf<alert::AttemptResult> = 6;

}  // namespace spanwatch

namespace spanwatch::alert {

constexpr std::string_view ToString(AttemptResult result) {
  constexpr std::string_view kNames[] = {"2xx", "3xx", "4xx", "5xx", "other", "none"};
  static_assert(std::size(kNames) == kCountOf<AttemptResult>);
  return kNames[static_cast<std::size_t>(result)];
}

struct EndpointFigures {
  std::string endpoint;
  std::uint64_t pending = 0;
  std::uint64_t dead = 0;
  double oldest_pending_age_seconds = 0;
  bool disabled = false;
  std::array<std::uint64_t, kCountOf<AttemptResult>> attempts{};  // that ended, since start
};

// Whose a sink is: OperatorHears and OwnerHears (model/alert.h) say what it is told.
enum class Audience : std::uint8_t { kOperator, kOwner };

class Outbox {
 public:
  // `store` and `limits` outlive the outbox.
  Outbox(boost::asio::io_context& io, OutboxStore& store, const config::Limits& limits);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // REQUIRES: before Start; the name of each sink is unique.
  void Add(std::unique_ptr<AlertSink> sink, Audience audience = Audience::kOperator);
  // Enters one message per endpoint that hears of it for each transition; inside the batch that saves the alerts.
  Status Enter(std::span<const AlertTransition> transitions, PacketTime created);
  // Begins to send, at once what was due or waiting when the last run ended.
  Status Start();
  // Something was entered and committed.
  void Wake();
  // No new attempts; those under way may end.
  void Stop();
  // SIGHUP: sinks read their secrets and files again; disabled endpoints are tried again.
  Status Reload();
  // The operator's word: messages that were given up or wait are sent again, as OutboxStore::Renew says, and the
  // endpoint (empty: every one) is tried again even when it is disabled. Returns how many messages.
  Result<std::uint64_t> Resend(const std::string& endpoint, const std::string& id);

  std::vector<EndpointFigures> Figures();
  // Nothing is pending (disabled endpoints aside) and no attempt is under way.
  bool Idle();

 private:
  class Worker;
  boost::asio::io_context& io_;
  OutboxStore& store_;
  const config::Limits& limits_;
  std::map<std::string, std::shared_ptr<Worker>> workers_;
};

// How long a message waits for its next attempt when `attempts` failed: 5 s, twice as long each time, at most 5 min.
std::chrono::seconds RetryDelay(std::uint32_t attempts);

}  // namespace spanwatch::alert
