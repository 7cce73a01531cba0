#include "alert/outbox.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <set>

#include "alert/alert_document.h"
#include "base/check.h"
#include "telemetry/log.h"

namespace spanwatch::alert {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

constexpr seconds kFirstDelay{5};
constexpr seconds kLongestDelay = minutes(5);
constexpr unsigned kDoublings = 6;
// However long it was, by the clock: one that was set forward must not give up what was hardly tried.
constexpr std::uint32_t kLeastAttempts = 10;
constexpr Duration kStoreRetry = seconds(2);  // when the state file itself fails
// Between two releases of all that waits: a message that is always refused is not tried with each that goes through.
constexpr seconds kReleaseInterval{5};
constexpr minutes kLogInterval{1};
constexpr Duration kClockStep = seconds(10);
// Messages that went out, remembered so that none goes out again when a state that failed has forgotten it.
constexpr std::size_t kDeliveredRemembered = 1000;

AttemptResult ResultOf(const Delivery& delivery) {
  if (delivery.status == 0) {
    return delivery.outcome == DeliveryOutcome::kDelivered ? AttemptResult::kOther : AttemptResult::kNoAnswer;
  }
  const int status_class = delivery.status / 100;
  if (status_class < 2 || status_class > 5) return AttemptResult::kOther;
  return static_cast<AttemptResult>(status_class - 2);
}

}  // namespace

std::chrono::seconds RetryDelay(std::uint32_t attempts) {
  if (attempts == 0) return seconds(0);
  return std::min(kLongestDelay, kFirstDelay * (1U << std::min(attempts - 1, kDoublings)));
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
    if (disabled_) TellDisabled();
    if (Status status = store_.MakeDue(sink_->name(), WallClockNow()); !status) return status;
    running_ = true;
    Pump();
    return {};
  }

  Status Reload() {
    if (Status status = sink_->Reload(); !status) return Fail(status.error().In("sink " + sink_->name()));
    return Enable();
  }

  // Tries again at once, whatever the endpoint said before.
  Status Enable() {
    if (Status status = store_.SetDisabled(sink_->name(), false, ""); !status) return status;
    hold_until_ = {};
    delivered_.clear();
    return Start();
  }

  void Stop() {
    running_ = false;
    timer_.cancel();
  }

  void Pump() {
    if (!running_ || disabled_) return;
    const auto steady = Steady::now();
    if (steady < hold_until_) return WakeAfter(hold_until_ - steady);
    const PacketTime now = WallClockNow();
    if (Status status = Release(now, steady); !status) return WakeAfter(kStoreRetry);
    // One that fails is not hurried.
    const std::size_t most = failures_ > 0 ? 1 : limits_.alert_deliveries_per_endpoint;
    if (in_flight_.size() >= most) return;  // the end of one of them pumps again
    auto due = store_.Due(sink_->name(), now, most + in_flight_.size());
    if (!due) return WakeAfter(kStoreRetry);
    bool forgotten = false;
    for (const OutboxMessage& message : *due) {
      if (std::ranges::find(delivered_, message.message_id) != delivered_.end()) {
        if (!store_.MarkDelivered(message.row)) return WakeAfter(kStoreRetry);
        forgotten = true;
        continue;
      }
      if (in_flight_.size() >= most || !in_flight_.insert(message.row).second) continue;
      sink_->Deliver(message, [weak = weak_from_this(), message](const Delivery& delivery) {
        if (const auto self = weak.lock()) self->OnDone(message, delivery);
      });
    }
    if (forgotten) return Pump();  // what waited behind it
    const auto next = store_.NextAttempt(sink_->name());
    if (!next) return WakeAfter(kStoreRetry);
    // One that is due by now is under way, or waits for one that is.
    if (!*next || **next <= now) return;
    WakeAfter(waits_for_release_ && failures_ == 0 ? std::min<Duration>(**next - now, release_at_ - steady)
                                                   : **next - now);
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
  void WakeAfter(Duration delay) {
    // Not for longer than the longest delay: the clock may be set back meanwhile.
    timer_.expires_after(std::clamp<Duration>(delay, Duration::zero(), kLongestDelay));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      if (error) return;
      if (const auto self = weak.lock()) self->Pump();
    });
  }

  // What waits for its next attempt is due at once when the endpoint answers again, or when the clock was set back.
  Status Release(PacketTime now, Steady::time_point steady) {
    const Duration offset = now.time_since_epoch() - steady.time_since_epoch();
    const bool set_back = clock_offset_ && offset < *clock_offset_ - kClockStep;
    clock_offset_ = offset;
    const bool answers = waits_for_release_ && failures_ == 0 && steady >= release_at_;
    if (!set_back && !answers) return {};
    release_at_ = steady + kReleaseInterval;
    waits_for_release_ = false;
    return store_.MakeDue(sink_->name(), now);
  }

  void OnDone(const OutboxMessage& message, const Delivery& delivery) {
    in_flight_.erase(message.row);
    ++counted_.attempts[static_cast<std::size_t>(ResultOf(delivery))];
    const Status status = Settle(message, delivery);
    // Without the state file nothing would stop the same message from going out at once again.
    if (!status) hold_until_ = std::max<Steady::time_point>(hold_until_, Steady::now() + kStoreRetry);
    Pump();
  }

  Status Settle(const OutboxMessage& message, const Delivery& delivery) {
    switch (delivery.outcome) {
      case DeliveryOutcome::kDelivered:
        if (failures_ > 0) {
          Log(LogLevel::kInfo, "A webhook's receiver takes alerts again", "endpoint={} failed_before={}", sink_->name(),
              failures_);
        }
        failures_ = 0;
        delivered_.push_back(message.message_id);
        if (delivered_.size() > kDeliveredRemembered) delivered_.pop_front();
        return store_.MarkDelivered(message.row);
      case DeliveryOutcome::kDisabled: {
        disabled_ = true;
        TellDisabled();
        if (Status status = store_.SetDisabled(message.endpoint, true, delivery.detail); !status) return status;
        const PacketTime now = WallClockNow();
        return store_.MarkRetry(message.row, now, now, delivery.detail);
      }
      case DeliveryOutcome::kRetry:
        return Retry(message, delivery);
    }
    return {};
  }

  Status Retry(const OutboxMessage& message, const Delivery& delivery) {
    ++failures_;
    waits_for_release_ = true;
    const PacketTime now = WallClockNow();
    const std::uint32_t attempts = message.attempts + 1;
    const bool give_up = message.failing_since != PacketTime{} && attempts >= kLeastAttempts &&
                         now - message.failing_since >= seconds(limits_.alert_webhook_retry_seconds);
    TellFailure(message, delivery, give_up);
    if (give_up) return store_.MarkDead(message.row, delivery.detail);
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    const std::chrono::duration<double> scheduled = RetryDelay(attempts);
    Duration delay = std::chrono::duration_cast<Duration>(scheduled * jitter(random_));
    if (delivery.retry_after) {
      const Duration asked =
          std::min<Duration>(*delivery.retry_after, seconds(limits_.alert_webhook_retry_after_seconds));
      delay = std::max(delay, asked);
      // The receiver speaks for itself, not for one message.
      hold_until_ = std::max<Steady::time_point>(hold_until_, Steady::now() + asked);
    }
    return store_.MarkRetry(message.row, now, now + delay, delivery.detail);
  }

  void TellFailure(const OutboxMessage& message, const Delivery& delivery, bool give_up) {
    ++untold_failures_;
    const auto steady = Steady::now();
    if (!give_up && logged_ && steady - *logged_ < kLogInterval) return;
    logged_ = steady;
    Log(give_up ? LogLevel::kError : LogLevel::kWarning,
        give_up ? "An alert was given up; 'spanwatch alerts resend' sends it again"
                : "An alert could not be delivered and is tried again",
        "endpoint={} status={} reason=\"{}\" message={} attempts={} failures_since_last_line={}", sink_->name(),
        delivery.status, delivery.detail, message.message_id, message.attempts + 1, std::exchange(untold_failures_, 0));
  }

  void TellDisabled() {
    Log(LogLevel::kError,
        "A webhook's receiver answered 410, it is gone: nothing is sent to it any more until a reload, or until "
        "'spanwatch alerts resend'",
        "endpoint={}", sink_->name());
  }

  OutboxStore& store_;
  const config::Limits& limits_;
  std::unique_ptr<AlertSink> sink_;
  const Audience audience_;
  boost::asio::steady_timer timer_;
  std::mt19937 random_;
  std::set<std::int64_t> in_flight_;
  Steady::time_point hold_until_{};
  std::uint64_t failures_ = 0;      // attempts that failed since the last that went through
  bool waits_for_release_ = false;  // a message that failed waits for its next attempt
  Steady::time_point release_at_{};
  std::optional<Duration> clock_offset_;  // of the wall clock against the steady one, when last looked at
  std::optional<Steady::time_point> logged_;
  std::uint64_t untold_failures_ = 0;
  std::deque<std::string> delivered_;  // message ids, the latest last
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

Result<std::uint64_t> Outbox::Resend(const std::string& endpoint, const std::string& id) {
  const auto count = store_.Renew(endpoint, id, WallClockNow());
  if (!count) return Fail(count.error());
  for (const auto& [name, worker] : workers_) {
    if (!endpoint.empty() && endpoint != name) continue;
    if (Status status = worker->Enable(); !status) return Fail(status.error());
  }
  return *count;
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
