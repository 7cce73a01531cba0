#include "inspector/anomaly_reporter.h"

namespace spanwatch::inspector {

void AnomalyReporter::OnAnomaly(AnomalyCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  auto& count = counts_[index];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  Pending& pending = pending_[index];
  if (pending.count++ == 0 && summarise_ != nullptr) pending.flow = (*summarise_)();
  any_pending_ = true;
  if (!pending.told) Tell(index);
}

void AnomalyReporter::Tell(std::size_t code) {
  Pending& pending = pending_[code];
  sink_.OnMessage(AnomalyReport{now_, std::string(kAnomalies[code].name), pending.count, std::move(pending.flow)});
  pending = Pending{0, now_, std::nullopt};
}

void AnomalyReporter::Advance(PacketTime now) {
  now_ = std::max(now_, now);
  if (!any_pending_) return;
  const auto interval = std::chrono::seconds(limits_.inspector_anomaly_event_interval_s);
  any_pending_ = false;
  for (std::size_t code = 0; code < pending_.size(); ++code) {
    if (pending_[code].count == 0) continue;
    if (now_ - *pending_[code].told >= interval) {
      Tell(code);
    } else {
      any_pending_ = true;
    }
  }
}

void AnomalyReporter::SetBack(PacketTime now) {
  now_ = now;
  for (Pending& pending : pending_) {
    if (pending.told) pending.told = std::min(*pending.told, now);
  }
}

void AnomalyReporter::Finish() {
  for (std::size_t code = 0; code < pending_.size(); ++code) {
    if (pending_[code].count != 0) Tell(code);
  }
}

}  // namespace spanwatch::inspector
