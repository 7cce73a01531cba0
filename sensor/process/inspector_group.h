// InspectorGroup: the inspectors of one sensor with their rings, shared blocks and handover channels, which outlive
// each of them. Owned by the launcher (run) or by the command itself (replay, inspect). One thread.
#pragma once

#include <memory>
#include <vector>

#include "process/child.h"
#include "process/handover_channel.h"
#include "process/inspector_setup.h"
#include "process/shared_block.h"

namespace spanwatch::process {

class InspectorGroup {
 public:
  static Result<InspectorGroup> Make(std::uint32_t count, std::size_t ring_bytes);

  // Live: gives each a channel by which the others hand packets over. Nothing to do for one inspector.
  Status MakeHandoverChannels();

  std::uint32_t count() const { return static_cast<std::uint32_t>(members_.size()); }
  // Duplicates for the supervisor.
  Result<UniqueFd> DuplicateRing(std::size_t index) const;
  Result<UniqueFd> DuplicateBlock(std::size_t index) const;
  // The next that starts there gets a new ring; one that runs keeps its own until it ends.
  Status ReplaceRing(std::size_t index);
  const SharedBlock& block(std::size_t index) const { return *members_[index].block; }

  // Starts (or starts again) one inspector. `setup` gets its index, ring, block and handover channels here.
  Status Start(std::size_t index, InspectorSetup setup);
  bool running(std::size_t index) const { return members_[index].child != nullptr; }
  Child& child(std::size_t index) { return *members_[index].child; }
  // The exit status of an inspector that has ended since the last call; it is then no longer running.
  std::optional<int> TakeEnded(std::size_t index);

 private:
  struct Member {
    UniqueFd ring;
    UniqueFd block_file;
    MappedSharedBlock block;
    HandoverChannel handover;
    std::unique_ptr<Child> child;
  };
  Status AddHandover(std::size_t index, InspectorSetup& setup) const;
  explicit InspectorGroup(std::size_t ring_bytes) : ring_bytes_(ring_bytes) {}
  std::size_t ring_bytes_;
  std::vector<Member> members_;
};

}  // namespace spanwatch::process
