// What the delivery tests share: an outbox store in memory, secrets, and a loop that runs until something is so.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>

#include "alert/alert_sink.h"
#include "support/webhook_receiver.h"
#include "unit/alert/alert_fixtures.h"

namespace spanwatch::alert {

inline constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
inline constexpr const char* kOtherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

class MemoryOutboxStore : public OutboxStore {
 public:
  Status Enqueue(const OutboxMessage& message) override {
    messages.push_back(message);
    messages.back().row = ++last_row_;
    return {};
  }
  Result<std::vector<OutboxMessage>> Due(const std::string& endpoint, PacketTime now, std::size_t limit) override {
    std::vector<OutboxMessage> due;
    for (const OutboxMessage* head : Heads(endpoint)) {
      if (head->next_attempt <= now) due.push_back(*head);
    }
    std::ranges::stable_sort(due, {}, &OutboxMessage::attempts);
    due.resize(std::min(due.size(), limit));
    return due;
  }
  Result<std::optional<PacketTime>> NextAttempt(const std::string& endpoint) override {
    std::optional<PacketTime> next;
    for (const OutboxMessage* head : Heads(endpoint))
      next = std::min(next.value_or(PacketTime::max()), head->next_attempt);
    return next;
  }
  Status MakeDue(const std::string& endpoint, PacketTime now) override {
    for (auto& message : messages) {
      if (message.endpoint == endpoint) message.next_attempt = std::min(message.next_attempt, now);
    }
    return {};
  }
  Status MarkDelivered(std::int64_t row) override {
    if (fail_marks-- > 0) return Fail(ErrorCode::kIo, "disk full");
    std::erase_if(messages, [&](const auto& message) { return message.row == row; });
    return {};
  }
  Status MarkRetry(std::int64_t row, PacketTime now, PacketTime next_attempt, const std::string& error) override {
    OutboxMessage& message = *std::ranges::find(messages, row, &OutboxMessage::row);
    if (message.failing_since == PacketTime{}) message.failing_since = now;
    ++message.attempts;
    message.next_attempt = next_attempt;
    message.last_error = error;
    return {};
  }
  Status MarkDead(std::int64_t row, const std::string& error) override {
    const auto message = std::ranges::find(messages, row, &OutboxMessage::row);
    message->last_error = error;
    dead.push_back(*message);
    messages.erase(message);
    return {};
  }
  Status SetDisabled(const std::string& endpoint, bool on, const std::string&) override {
    if (on)
      disabled.insert(endpoint);
    else
      disabled.erase(endpoint);
    return {};
  }
  Result<bool> Disabled(const std::string& endpoint) override { return disabled.contains(endpoint); }
  Result<OutboxFigures> Figures(const std::string& endpoint) override {
    OutboxFigures figures;
    for (const auto& message : messages) {
      if (message.endpoint != endpoint) continue;
      ++figures.pending;
      figures.oldest_pending = std::min(figures.oldest_pending.value_or(PacketTime::max()), message.created);
    }
    figures.dead = dead.size();
    return figures;
  }
  // Of everything: the choice is the table's own test.
  Result<std::uint64_t> Renew(const std::string&, const std::string&, PacketTime now) override {
    messages.insert(messages.begin(), dead.begin(), dead.end());
    dead.clear();
    for (auto& message : messages) {
      message.attempts = 0;
      message.failing_since = {};
      message.next_attempt = now;
    }
    return messages.size();
  }

  std::vector<OutboxMessage> messages;
  std::vector<OutboxMessage> dead;
  std::set<std::string> disabled;
  int fail_marks = 0;

 private:
  std::vector<OutboxMessage*> Heads(const std::string& endpoint) {
    std::vector<OutboxMessage*> heads;
    std::set<std::string> groups;
    for (auto& message : messages) {
      if (message.endpoint == endpoint && groups.insert(message.group).second) heads.push_back(&message);
    }
    return heads;
  }

  std::int64_t last_row_ = 0;
};

// Runs the loop until `done`; false when that takes more than ten seconds.
inline bool RunUntil(boost::asio::io_context& io, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    io.restart();
    io.run_for(2ms);
  }
  return true;
}

// A folder with files that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string folder = testing::TempDir() + "alert.XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(folder_); }
  std::string File(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  std::string path(const std::string& name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_;
};

}  // namespace spanwatch::alert
