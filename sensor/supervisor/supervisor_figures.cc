// What the supervisor tells of itself: readiness, figures for /metrics, the summary at the end.
#include <algorithm>

#include "base/disk_space.h"
#include "supervisor/supervisor.h"

namespace spanwatch::supervisor {
namespace {

// So long inspectors may take to go by a reload before the sensor is called not ready.
constexpr std::chrono::seconds kReloadSettles{5};

}  // namespace

process::LinkState Supervisor::Link() const {
  if (!launcher_block_) return process::LinkState::kUp;  // a replay
  return static_cast<process::LinkState>(launcher_block_->link_state.load(std::memory_order_relaxed));
}

// Empty when the sensor sees what it is there to see.
std::string Supervisor::NotReadyReason() const {
  if (Link() != process::LinkState::kUp) {
    return fmt::format("the interface {} is {}", config_.interface, ToString(Link()));
  }
  if (feed_->running() == 0 || !ready_) return "no inspector runs";
  if (!behind_since_ || std::chrono::steady_clock::now() - *behind_since_ < kReloadSettles) return "";
  std::string behind;
  for (std::size_t i = 0; i < feed_->size(); ++i) {
    if (GoesByOther(i)) behind += fmt::format("{}{}", behind.empty() ? "" : " ", i);
  }
  return behind.empty() ? "" : "inspectors that go by other settings than those in force: " + behind;
}

bool Supervisor::GoesByOther(std::size_t inspector) const {
  const std::uint64_t generation = feed_->block(inspector).generation.load(std::memory_order_relaxed);
  return feed_->running(inspector) && generation != settings_.generation;
}

void Supervisor::Watch() {
  zones_.Tick(ZoneWatch::Clock::now());
  bool behind = false;
  for (std::size_t i = 0; i < feed_->size(); ++i) behind = behind || GoesByOther(i);
  if (!behind) {
    behind_since_.reset();
  } else if (!behind_since_) {
    behind_since_ = std::chrono::steady_clock::now();
  }
}

Supervisor::Unkept Supervisor::unkept() const {
  Unkept unkept;
  const std::uint64_t last = state_->events().last_sequence();
  unkept.events = last - kept_sequence_;
  unkept.untold_events = last - std::clamp(events_ ? written_sequence_ : 0, kept_sequence_, last);
  for (const alert::EndpointFigures& webhook : outbox_->Figures()) unkept.alert_messages += webhook.pending;
  return unkept;
}

Summary Supervisor::summary() const {
  Summary summary = summary_;
  summary.messages_refused = feed_->refused();
  summary.ring_corruptions = feed_->distrusted();
  if (zones_.CrossedNothing()) summary.crossed_nothing = zones_.Reason();
  return summary;
}

SupervisorFigures Supervisor::Figures() {
  SupervisorFigures figures;
  figures.webhooks = outbox_->Figures();
  figures.alerts_open = book_->open_count();
  figures.inspectors_alive = feed_->running();
  figures.inspector_restarts = feed_->restarts();
  figures.interface_down = Link() != process::LinkState::kUp;
  figures.ring_messages_undecodable = feed_->refused();
  figures.ring_corruptions = feed_->distrusted();
  figures.rules = policy_->facts();
  figures.crossed_nothing = zones_.CrossedNothing();
  figures.last_reload_successful = reload_succeeded_;
  figures.last_reload_timestamp_seconds = static_cast<double>(Nanoseconds(reloaded_)) / 1e9;
  figures.state_bytes = state_->database().size_bytes();
  figures.state_held = state_->database().holding();
  figures.event_file_failing = event_file_failing_;
  const std::pair<std::string, std::string> disks[] = {{"state", config_.state_directory.string()},
                                                       {"events", config_.events_file}};
  for (const auto& [what, path] : disks) {
    const auto space = path.empty() ? Result<DiskSpace>(DiskSpace{}) : DiskSpaceAt(path);
    if (space && space->size_bytes > 0) figures.disks.push_back({what, *space});
  }
  figures.hashsets = settings_.hashsets;
  figures.generation = settings_.generation;
  figures.settings_that_need_restart = settings_.needs_restart.size();
  for (std::size_t i = 0; i < feed_->size(); ++i) figures.of_other_generation.push_back(GoesByOther(i));
  return figures;
}

}  // namespace spanwatch::supervisor
