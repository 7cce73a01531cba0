// AlertSink: one way for alerts to leave. A kind of sink is one file and one line in sinks.def; queue, order, retries
// and counters belong to the Outbox.
//
// A sink makes one attempt for one message on the I/O context it was made with, and says how it went. Supervisor thread
// only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "config/limits.h"
#include "model/outbox_store.h"

namespace spanwatch::config {
struct WebhookConfig;
}

namespace spanwatch::alert {

enum class DeliveryOutcome : std::uint8_t {
  kDelivered,
  kRetry,     // may go through later
  kDisabled,  // the receiver wants nothing any more (410)
};

struct Delivery {
  DeliveryOutcome outcome = DeliveryOutcome::kRetry;
  int status = 0;                       // of the HTTP response, 0 without one
  std::optional<Duration> retry_after;  // as the receiver asks
  std::string detail;                   // one line for the operator: "HTTP 503", "certificate of host does not verify"
};

class AlertSink {
 public:
  using Done = std::function<void(const Delivery&)>;
  virtual ~AlertSink() = default;
  virtual const std::string& name() const = 0;
  // Calls `done` exactly once, later, from the I/O context; `message` is copied. Several may be under way.
  virtual void Deliver(const OutboxMessage& message, Done done) = 0;
  // SIGHUP: read secrets again, reopen files.
  virtual Status Reload() = 0;
};

// One endpoint as configured: `name` chooses the queue, `type` the sink, `settings` are the sink's own options in the
// order given (one that is a list comes several times).
struct SinkOptions {
  std::string name;
  std::string type;
  std::vector<std::pair<std::string, std::string>> settings;
};

struct SinkSetting {
  std::string_view name;
  std::string_view help;
};

struct SinkSpec {
  std::string_view type;
  std::string_view help;
  std::span<const SinkSetting> settings;
  Result<std::unique_ptr<AlertSink>> (*make)(boost::asio::io_context&, const config::Limits&, const SinkOptions&);
};

// All of sinks.def.
std::span<const SinkSpec> SinkSpecs();
// Refuses an unknown type or setting by name. `limits` outlives the sink.
Result<std::unique_ptr<AlertSink>> MakeSink(boost::asio::io_context& io, const config::Limits& limits,
                                            const SinkOptions& options);

// Of one entry of `webhooks` in the configuration; reads its secrets. An error names the webhook.
Result<std::unique_ptr<AlertSink>> MakeWebhook(boost::asio::io_context& io, const config::Limits& limits,
                                               const config::WebhookConfig& webhook);
// Whether one could be made of it; delivers nothing.
Status CheckWebhook(const config::Limits& limits, const config::WebhookConfig& webhook);

}  // namespace spanwatch::alert
