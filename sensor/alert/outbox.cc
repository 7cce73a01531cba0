#include "alert/outbox.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <set>

#include "alert/alert_document.h"
#include "base/check.h"

namespace spanwatch::alert {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kRetryDelays[] = {seconds(5), minutes(5), minutes(30), hours(2), hours(5),
                                    hours(10),  hours(14),  hours(20),   hours(24)};
constexpr Duration kLongestWait = hours(24);
constexpr Duration kStoreRetry = seconds(2);  // when the state file itself fails

}  // namespace

std::optional<std::chrono::seconds> RetryDelay(std::uint32_t attempts) {
  if (attempts == 0) return seconds(0);
  if (attempts > std::size(kRetryDelays)) return std::nullopt;
  return kRetryDelays[attempts - 1];
}

// Sends the messages of one endpoint. Kept alive by the Outbox; callbacks hold it weakly.
class Outbox::Worker : public std::enable_shared_from_this<Outbox::Worker> {
 public:
  Worker(boost::asio::io_context& io, OutboxStore& store, const config::Limits& limits, std::unique_ptr<AlertSink> sink,
         Audience audience)
      : store_(store),
        limits_(limits),
        sink_(std::move(sink)),
        audience_(audience),
        timer_(io),
        random_(std::random_device{}()) {}

  bool Hears(const Alert& alert) const {
    return audience_ == Audience::kOwner ? OwnerHears(alert) : OperatorHears(alert);
  }

  Status Start() {
    const auto disabled = store_.Disabled(sink_->name());
    if (!disabled) return Fail(disabled.error());
    disabled_ = *disabled;
    if (Status status = store_.MakeDue(sink_->name(), WallClockNow()); !status) return status;
    running_ = true;
    Pump();
    return {};
  }

  Status Reload() {
    if (Status status = sink_->Reload(); !status) return Fail(status.error().In("sink " + sink_->name()));
    if (Status status = store_.SetDisabled(sink_->name(), false, ""); !status) return status;
    hold_until_ = {};
    return Start();
  }

  void Stop() {
    running_ = false;
    timer_.cancel();
  }

  void Pump() {
    if (!running_ || disabled_) return;
    const PacketTime now = WallClockNow();
    if (now < hold_until_) return WakeAt(hold_until_, now);
    const std::size_t most = limits_.alert_deliveries_per_endpoint;
    if (in_flight_.size() >= most) return;  // the end of one of them pumps again
    auto due = store_.Due(sink_->name(), now, most + in_flight_.size());
    if (!due) return WakeAt(now + kStoreRetry, now);
    for (const OutboxMessage& message : *due) {
      if (in_flight_.size() >= most || !in_flight_.insert(message.row).second) continue;
      sink_->Deliver(message, [weak = weak_from_this(), message](const Delivery& delivery) {
        if (const auto self = weak.lock()) self->OnDone(message, delivery);
      });
    }
    const auto next = store_.NextAttempt(sink_->name());
    if (!next) return WakeAt(now + kStoreRetry, now);
    // One that is due by now is under way, or waits for one that is.
    if (*next && **next > now) WakeAt(**next, now);
  }

  EndpointFigures Figures() {
    EndpointFigures figures = counted_;
    figures.endpoint = sink_->name();
    figures.disabled = disabled_;
    if (const auto stored = store_.Figures(sink_->name())) {
      figures.pending = stored->pending;
      figures.dead = stored->dead;
      if (stored->oldest_pending) {
        const Duration age = std::max(Duration::zero(), Duration(WallClockNow() - *stored->oldest_pending));
        figures.oldest_pending_age_seconds = std::chrono::duration<double>(age).count();
      }
    }
    return figures;
  }

  bool Idle() {
    if (!in_flight_.empty()) return false;
    const auto figures = store_.Figures(sink_->name());
    return figures && (disabled_ || figures->pending == 0);
  }

 private:
  void WakeAt(PacketTime time, PacketTime now) {
    timer_.expires_after(time - now);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      if (error) return;
      if (const auto self = weak.lock()) self->Pump();
    });
  }

  void OnDone(const OutboxMessage& message, const Delivery& delivery) {
    in_flight_.erase(message.row);
    const Status status = Settle(message, delivery);
    // Without the state file nothing would stop the same message from going out at once again.
    if (!status) hold_until_ = std::max(hold_until_, WallClockNow() + kStoreRetry);
    Pump();
  }

  Status Settle(const OutboxMessage& message, const Delivery& delivery) {
    switch (delivery.outcome) {
      case DeliveryOutcome::kDelivered:
        ++counted_.delivered;
        return store_.MarkDelivered(message.row);
      case DeliveryOutcome::kRefused:
        ++counted_.refused;
        return store_.MarkDead(message.row, delivery.detail);
      case DeliveryOutcome::kDisabled:
        ++counted_.gone;
        disabled_ = true;
        if (Status status = store_.SetDisabled(message.endpoint, true, delivery.detail); !status) return status;
        return store_.MarkRetry(message.row, WallClockNow(), delivery.detail);
      case DeliveryOutcome::kRetry:
        return Retry(message, delivery);
    }
    return {};
  }

  Status Retry(const OutboxMessage& message, const Delivery& delivery) {
    const auto scheduled = RetryDelay(message.attempts + 1);
    if (!scheduled) {
      ++counted_.refused;
      return store_.MarkDead(message.row, delivery.detail);
    }
    ++counted_.retried;
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    Duration delay = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*scheduled) * jitter(random_));
    const PacketTime now = WallClockNow();
    if (delivery.retry_after) {
      const Duration asked = std::min(*delivery.retry_after, kLongestWait);
      delay = std::max(delay, asked);
      hold_until_ = std::max(hold_until_, now + asked);  // the receiver speaks for itself, not for one message
    }
    return store_.MarkRetry(message.row, now + delay, delivery.detail);
  }

  OutboxStore& store_;
  const config::Limits& limits_;
  std::unique_ptr<AlertSink> sink_;
  const Audience audience_;
  boost::asio::steady_timer timer_;
  std::mt19937 random_;
  std::set<std::int64_t> in_flight_;
  PacketTime hold_until_;
  EndpointFigures counted_;
  bool running_ = false;
  bool disabled_ = false;
};

Outbox::Outbox(boost::asio::io_context& io, OutboxStore& store, const config::Limits& limits)
    : io_(io), store_(store), limits_(limits) {}

Outbox::~Outbox() { Stop(); }

void Outbox::Add(std::unique_ptr<AlertSink> sink, Audience audience) {
  const std::string name = sink->name();
  const bool added =
      workers_.emplace(name, std::make_shared<Worker>(io_, store_, limits_, std::move(sink), audience)).second;
  CHECK(added);  // the configuration refuses two sinks of one name
}

Status Outbox::Enter(std::span<const AlertTransition> transitions, PacketTime created) {
  for (const AlertTransition& transition : transitions) {
    OutboxMessage message;
    message.group = GroupKey(transition.alert.group);
    message.message_id = IdempotencyKey(transition.alert);
    message.type = WebhookType(transition);
    message.body = WebhookBody(transition, created);
    message.created = message.next_attempt = created;
    for (const auto& [name, worker] : workers_) {
      if (!worker->Hears(transition.alert)) continue;
      message.endpoint = name;
      if (Status status = store_.Enqueue(message); !status) return status;
    }
  }
  return {};
}

Status Outbox::Start() {
  for (const auto& [name, worker] : workers_) {
    if (Status status = worker->Start(); !status) return status;
  }
  return {};
}

void Outbox::Wake() {
  for (const auto& [name, worker] : workers_) worker->Pump();
}

void Outbox::Stop() {
  for (const auto& [name, worker] : workers_) worker->Stop();
}

Status Outbox::Reload() {
  Status first;
  for (const auto& [name, worker] : workers_) {
    Status status = worker->Reload();  // one sink that fails does not keep the others from it
    if (first && !status) first = status;
  }
  return first;
}

std::vector<EndpointFigures> Outbox::Figures() {
  std::vector<EndpointFigures> all;
  for (const auto& [name, worker] : workers_) all.push_back(worker->Figures());
  return all;
}

bool Outbox::Idle() {
  return std::ranges::all_of(workers_, [](const auto& entry) { return entry.second->Idle(); });
}

}  // namespace spanwatch::alert
