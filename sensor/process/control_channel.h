// ControlChannel: the Unix socket between the launcher (or a command) and a process it started. Messages keep their
// bounds and may carry descriptors (SCM_RIGHTS). Both ends are ours; an inspector's end may be hostile, so the parent
// acts only on the few kinds of message it expects, and a closed channel means that the other side is gone.
#pragma once

#include <span>
#include <vector>

#include "base/byte_reader.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::process {

struct ControlMessage {
  Bytes body;
  std::vector<UniqueFd> descriptors;
};

class ControlChannel {
 public:
  static constexpr std::size_t kMessageBytesMax = 1u << 20;
  static constexpr std::size_t kDescriptorsMax = 200;  // of one message; the kernel takes 253

  explicit ControlChannel(UniqueFd socket) : socket_(std::move(socket)) {}
  static Result<std::pair<ControlChannel, ControlChannel>> MakePair();

  Status Send(ByteView body, std::span<const int> descriptors = {});
  // Waits for the next message; ErrorCode::kUnavailable when the other side has closed.
  Result<ControlMessage> Receive();
  // True when Receive would not wait.
  bool HasMessage() const;
  int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
};

// Of a message's body: a text as ByteWriter::Text writes it.
std::string TakeText(ByteReader& reader);
// The error of a message that is not what it should be.
std::unexpected<Error> ForeignMessage();

}  // namespace spanwatch::process
