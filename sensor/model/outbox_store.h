// OutboxStore: messages that must leave the sensor, kept until they did (design.md section 6, Alerts). Filled in the
// batch that raises the alert, emptied by `alert`'s Outbox; implemented by `state`. Supervisor thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace spanwatch {

struct OutboxMessage {
  std::int64_t row = 0;        // set by Enqueue; ascending in the order of entry
  std::string endpoint;        // name of the sink
  std::string group;           // messages of one group leave one at a time, in order
  std::string message_id;      // idempotency key; once per endpoint
  std::string type;            // "spanwatch.alert.opened"
  std::string body;            // exactly the bytes that are sent, in every attempt
  PacketTime created;          // wall clock
  std::uint32_t attempts = 0;  // made so far
  PacketTime next_attempt;     // wall clock
  PacketTime failing_since;    // wall clock of the first attempt that failed; the epoch before
  std::string last_error;
  bool dead = false;  // it was given up
};

struct OutboxFigures {
  std::uint64_t pending = 0;
  std::uint64_t dead = 0;
  std::optional<PacketTime> oldest_pending;  // wall clock of entry
};

class OutboxStore {
 public:
  virtual ~OutboxStore() = default;
  // A message that is already there (endpoint and message_id) is not entered again.
  virtual Status Enqueue(const OutboxMessage& message) = 0;
  // The first pending message of each group that is due at `now`, at most `limit`: those first that were tried least,
  // so that a message that is refused again and again holds up no other; then the oldest.
  virtual Result<std::vector<OutboxMessage>> Due(const std::string& endpoint, PacketTime now, std::size_t limit) = 0;
  // The earliest next attempt of a pending message.
  virtual Result<std::optional<PacketTime>> NextAttempt(const std::string& endpoint) = 0;
  // Every pending message may be tried at `now` (restart, reload, the endpoint answers again).
  virtual Status MakeDue(const std::string& endpoint, PacketTime now) = 0;
  virtual Status MarkDelivered(std::int64_t row) = 0;
  // An attempt failed at `now`. The messages behind it in its group wait for it.
  virtual Status MarkRetry(std::int64_t row, PacketTime now, PacketTime next_attempt, const std::string& error) = 0;
  virtual Status MarkDead(std::int64_t row, const std::string& error) = 0;
  // Messages that were given up or wait, of one endpoint (empty: of all) and of one message or alert id (empty: all),
  // are as if they were entered `now`. Returns how many.
  virtual Result<std::uint64_t> Renew(const std::string& endpoint, const std::string& id, PacketTime now) = 0;
  // A disabled endpoint keeps its messages and sends none until it is enabled again.
  virtual Status SetDisabled(const std::string& endpoint, bool disabled, const std::string& reason) = 0;
  virtual Result<bool> Disabled(const std::string& endpoint) = 0;
  virtual Result<OutboxFigures> Figures(const std::string& endpoint) = 0;
};

}  // namespace spanwatch
