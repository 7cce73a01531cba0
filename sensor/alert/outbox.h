// Outbox: sends what the OutboxStore holds, at least once and in order per group, with back-off (ecosystem.md
// sections 5.1 and 5.2). Each endpoint has its own worker, so that a dead one blocks nobody.
//
// Supervisor thread only, on its io_context. Messages are entered into the store by the batch that raises the alert;
// Wake is called after its commit. After a restart Start sends what is still there, under the same message ids.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <random>

#include "alert/alert_sink.h"
#include "model/alert.h"

namespace spanwatch::alert {

struct EndpointFigures {
  std::string endpoint;
  std::uint64_t pending = 0;
  std::uint64_t dead = 0;
  double oldest_pending_age_seconds = 0;
  bool disabled = false;
  std::uint64_t delivered = 0;  // attempts by outcome, since start
  std::uint64_t retried = 0;
  std::uint64_t refused = 0;
  std::uint64_t gone = 0;
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

// Seconds before attempt number `attempts` + 1 when `attempts` failed; nothing when the message is given up. Standard
// Webhooks' schedule: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
std::optional<std::chrono::seconds> RetryDelay(std::uint32_t attempts);

}  // namespace spanwatch::alert
