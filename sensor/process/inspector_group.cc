#include "process/inspector_group.h"

#include <fcntl.h>

#include <cstring>

#include "process/ring.h"

namespace spanwatch::process {
namespace {

Result<UniqueFd> Duplicate(const UniqueFd& fd) {
  UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return FailErrno("cannot duplicate a descriptor");
  return copy;
}

}  // namespace

Result<InspectorGroup> InspectorGroup::Make(std::uint32_t count, std::size_t ring_bytes) {
  InspectorGroup group(ring_bytes);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto ring = MakeRing(ring_bytes);
    if (!ring) return Fail(ring.error());
    auto block_file = MakeSharedBlock();
    if (!block_file) return Fail(block_file.error());
    auto block = MapSharedBlock(block_file->get());
    if (!block) return Fail(block.error());
    Member member{std::move(*ring), std::move(*block_file), std::move(*block), {}, nullptr};
    group.members_.push_back(std::move(member));
  }
  return group;
}

Status InspectorGroup::ReplaceRing(std::size_t index) {
  auto ring = MakeRing(ring_bytes_);
  if (!ring) return Fail(ring.error());
  members_[index].ring = std::move(*ring);
  return {};
}

Status InspectorGroup::MakeHandoverChannels() {
  for (Member& member : members_) {
    if (members_.size() == 1) break;
    auto channel = MakeHandoverChannel();
    if (!channel) return Fail(channel.error());
    member.handover = std::move(*channel);
  }
  return {};
}

Status InspectorGroup::AddHandover(std::size_t index, InspectorSetup& setup) const {
  if (!members_[index].handover.receiving) return {};
  auto receiving = Duplicate(members_[index].handover.receiving);
  if (!receiving) return Fail(receiving.error());
  setup.handover_receiving = std::move(*receiving);
  setup.handover_sending.resize(members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i == index) continue;
    auto sending = Duplicate(members_[i].handover.sending);
    if (!sending) return Fail(sending.error());
    setup.handover_sending[i] = std::move(*sending);
  }
  return {};
}

Result<UniqueFd> InspectorGroup::DuplicateRing(std::size_t index) const { return Duplicate(members_[index].ring); }
Result<UniqueFd> InspectorGroup::DuplicateBlock(std::size_t index) const {
  return Duplicate(members_[index].block_file);
}

Status InspectorGroup::Start(std::size_t index, InspectorSetup setup) {
  auto ring = DuplicateRing(index);
  if (!ring) return Fail(ring.error());
  auto block = DuplicateBlock(index);
  if (!block) return Fail(block.error());
  setup.index = static_cast<std::uint32_t>(index);
  setup.count = count();
  setup.ring = std::move(*ring);
  setup.shared_block = std::move(*block);
  if (Status status = AddHandover(index, setup); !status) return status;
  auto child = Child::Start("inspector");
  if (!child) return Fail(child.error());
  const Status sent = SendSetup(child->channel(), setup);
  for (HashSetInput& input : setup.hashsets) ::explicit_bzero(input.record_key.data(), input.record_key.size());
  if (!sent) return sent;
  members_[index].child = std::make_unique<Child>(std::move(*child));
  return {};
}

std::optional<int> InspectorGroup::TakeEnded(std::size_t index) {
  if (members_[index].child == nullptr) return std::nullopt;
  const auto ended = members_[index].child->Poll();
  if (ended) members_[index].child.reset();
  return ended;
}

}  // namespace spanwatch::process
