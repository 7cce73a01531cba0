// SharedBlock: the page an inspector shares with the supervisor and the launcher: counters, heartbeat, what the sandbox
// refused. Made by the launcher, zeroed, kept over restarts of the inspector (counters never go back).
#pragma once

#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "telemetry/anomaly_codes.h"
#include "telemetry/counters.h"

namespace spanwatch::process {

struct SharedBlock {
  Counters counters;
  std::array<std::atomic<std::uint64_t>, kAnomalies.size()> anomalies;  // by AnomalyCode
  std::atomic<std::uint64_t> forbidden_calls;
  std::atomic<std::int64_t> last_packet_time;   // packet time, nanoseconds
  std::atomic<std::uint64_t> generation;        // digest of the configuration that the inspector goes by
  std::atomic<std::uint64_t> heartbeat;         // bumped by the packet loop, at least twice a second
  std::atomic<std::uint64_t> input_bytes_read;  // replay: position over all inputs, for the progress bar
  std::atomic<std::uint32_t> link_state;        // of the launcher's own page: LinkState of the interface
};

struct SharedBlockUnmapper {
  void operator()(SharedBlock* block) const;
};
using MappedSharedBlock = std::unique_ptr<SharedBlock, SharedBlockUnmapper>;

Result<UniqueFd> MakeSharedBlock();
Result<MappedSharedBlock> MapSharedBlock(int fd);

}  // namespace spanwatch::process
