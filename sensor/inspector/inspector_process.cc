#include "inspector/inspector_process.h"

#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <set>

#include "base/byte_writer.h"
#include "capture/capture_file.h"
#include "capture/fanout_program.h"
#include "capture/live_capture.h"
#include "content/object_tree.h"
#include "decode/link_layer.h"
#include "fingerprint/plate_mask.h"
#include "inspector/file_inspection.h"
#include "inspector/handover.h"
#include "inspector/inspection.h"
#include "process/child.h"
#include "process/sandbox.h"
#include "telemetry/log.h"

namespace spanwatch::inspector {
namespace {

constexpr std::size_t kPacketsAtOnce = 256;
constexpr std::chrono::milliseconds kIdlePoll{100};
// Live, a quiet link: packets may still be on their way through the kernel for so long.
constexpr std::chrono::seconds kIdleDelay{1};
// What the kernel has captured it hands over in blocks, at the latest after a tenth of a second.
constexpr std::chrono::milliseconds kDrainTime{300};
// Behind it: other inspectors, which were told to end a little later, hand over what they joined last.
constexpr std::chrono::milliseconds kHandoverDrainTime{300};
// While packets for other inspectors wait for room.
constexpr std::chrono::milliseconds kWaitingPoll{1};
constexpr std::size_t kLongestExtension = 5;  // ".jpeg"

// The extension of a name, with its dot; what is longer may be a name itself.
std::string ExtensionOf(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos || name.size() - dot > kLongestExtension ? "" : name.substr(dot);
}

// Holds the sets whose key it tags with.
TextMask MaskOf(const process::InspectorSetup& setup, const std::shared_ptr<const MatchContext>& match) {
  if (!setup.tag_names) {
    return [match](const std::string& text) {
      return fingerprint::MaskPlates(text, [&](std::string_view plate) { return match->records->IsRegistered(plate); });
    };
  }
  const fingerprint::RecordTagger* const tagger = match->taggers.empty() ? nullptr : match->taggers.front().get();
  return [match, tagger](const std::string& name) {
    return tagger == nullptr ? ExtensionOf(name) : fmt::format("{:016x}{}", tagger->NameTag(name), ExtensionOf(name));
  };
}

// Whatever a library opens on first use, it opens now.
void WarmUp() {
  content::WarmUp();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  for (const EVP_MD* type : {EVP_sha1(), EVP_sha256(), EVP_md5()}) EVP_Digest("", 0, digest, &length, type, nullptr);
  // For more than a kilobyte qsort, which libtiff calls, asks once how much memory there is.
  std::array<int, 1024> numbers{};
  std::qsort(numbers.data(), numbers.size(), sizeof(int), [](const void* one, const void* other) {
    return *static_cast<const int*>(one) - *static_cast<const int*>(other);
  });
  Log(LogLevel::kDebug, "Libraries are warm");
}

class InspectorProcess {
 public:
  using Clock = std::chrono::steady_clock;

  InspectorProcess(process::ControlChannel& channel, process::InspectorSetup setup)
      : channel_(channel), setup_(std::move(setup)) {}

  Status Run();
  // After Run: whether all that was given could be read to its end.
  bool all_read() const { return all_read_; }

 private:
  Status Open();
  Status OpenLive();
  Status Seal();
  Status ReplayAll();
  // Interfaces that are not read, each link type once, and frames that were missing before the capture was written.
  void TellAbout(const capture::CaptureFile& file, const std::string& name, std::set<int>& told);
  Status InspectLive();
  Status HandleControl();
  void OpenHandover();
  // At most a batch of what other inspectors joined for this one; true when there was something.
  bool TakeHandedOver();
  void DrainHandover();
  // The parent closes its end only when it is gone.
  bool ParentThere() const;

  process::ControlChannel& channel_;
  process::InspectorSetup setup_;
  process::MappedSharedBlock block_;
  std::optional<process::Refusals> refusals_;
  std::shared_ptr<const MatchContext> match_;
  std::unique_ptr<RingSink> sink_;
  std::unique_ptr<Handover> handover_;  // live, of several
  std::unique_ptr<Inspection> inspection_;
  std::unique_ptr<capture::LiveCapture> live_;
  bool draining_ = false;
  bool all_read_ = true;
};

Status InspectorProcess::Run() {
  if (Status status = Open(); !status) return status;
  if (setup_.mode == process::InspectorMode::kLive) {
    if (Status status = OpenLive(); !status) return status;
  }
  WarmUp();
  if (Status status = Seal(); !status) return status;
  const std::uint8_t ready = static_cast<std::uint8_t>(process::ControlKind::kReady);
  if (Status status = channel_.Send(ByteView(&ready, 1)); !status) return status;
  Status status;
  if (setup_.mode == process::InspectorMode::kFiles) {
    InspectFiles(std::move(setup_.inputs), setup_.limits, *block_, *sink_, match_);
  } else {
    status = setup_.mode == process::InspectorMode::kLive ? InspectLive() : ReplayAll();
  }
  inspection_->Finish();
  while (!sink_->Flush() && ParentThere()) ::usleep(1000);
  refusals_->LogNew();
  return status;
}

Status InspectorProcess::Open() {
  if (Status status = process::Harden(); !status) return status;
  auto block = process::MapSharedBlock(setup_.shared_block.get());
  if (!block) return Fail(block.error());
  block_ = std::move(*block);
  block_->generation.store(setup_.generation, std::memory_order_relaxed);
  refusals_.emplace(block_->forbidden_calls);
  auto writer = process::RingWriter::Open(setup_.ring.get());
  if (!writer) return Fail(writer.error());
  // Both are mapped now.
  setup_.shared_block.reset();
  setup_.ring.reset();
  const bool live = setup_.mode == process::InspectorMode::kLive;
  auto match = OpenMatchContext(std::move(setup_.hashsets), setup_.trusted_keys, setup_.limits, block_->counters);
  if (!match) return Fail(match.error());
  match_ = *match;
  sink_ = std::make_unique<RingSink>(std::move(*writer), live ? RingSink::WhenFull::kQueue : RingSink::WhenFull::kWait,
                                     MaskOf(setup_, match_), setup_.limits, block_->counters,
                                     [this] { return ParentThere(); });
  // Live, the kernel's fan-out has chosen the packets already.
  const Inspection::Share share = live ? Inspection::Share{} : Inspection::Share{setup_.index, setup_.count};
  if (!setup_.handover_sending.empty()) OpenHandover();
  inspection_ = std::make_unique<Inspection>(setup_.limits, *block_, *sink_, setup_.zones, share, setup_.interface,
                                             *match, handover_.get());
  return {};
}

void InspectorProcess::OpenHandover() {
  handover_ = std::make_unique<Handover>(
      setup_.index,
      process::HandoverSender(std::move(setup_.handover_sending), setup_.limits.inspector_handover_waiting_bytes,
                              block_->counters),
      process::HandoverReceiver(std::move(setup_.handover_receiving), block_->counters));
}

Status InspectorProcess::OpenLive() {
  auto live = capture::LiveCapture::Open(setup_.interface, 0, setup_.limits);
  if (!live) return Fail(live.error());
  live_ = std::move(*live);
  if (setup_.join_fanout) {
    live_->KeepOnly(setup_.index, setup_.count);
    if (Status status = live_->JoinFanout(setup_.fanout_group, static_cast<std::uint16_t>(setup_.count + 1)); !status) {
      return status;
    }
    // The program of a group that exists is the launcher's affair: only it knows how the kernel numbers the members
    // now.
    if (!setup_.carry_on) {
      const auto program = capture::BuildFanoutProgram(live_->link_type(), setup_.count);
      if (!program) return Fail(program.error());
      if (Status status = live_->SetFanoutProgram(*program); !status) return status;
    }
  }
  const auto socket = live_->DuplicateSocket();
  if (!socket) return Fail(socket.error());
  ByteWriter message;
  message.Le(static_cast<std::uint8_t>(process::ControlKind::kCaptureSocket));
  message.Le(static_cast<std::int32_t>(live_->link_type()));
  const int descriptor = socket->get();
  if (Status status = channel_.Send(message.bytes(), std::span(&descriptor, 1)); !status) return status;
  return live_->ReleaseSocket();
}

Status InspectorProcess::Seal() {
  if (Status status = process::DropPrivileges(setup_.mode == process::InspectorMode::kLive ? setup_.run_as : "");
      !status) {
    return status;
  }
  process::SealedDescriptors descriptors;
  descriptors.control = channel_.fd();
  if (handover_ != nullptr) {
    descriptors.receiving = handover_->poll_fd();
    descriptors.sending = handover_->sending_fds();
  }
  for (const process::NamedFile& input : setup_.inputs) descriptors.inputs.push_back(input.file.get());
  return process::Seal(descriptors, *refusals_);
}

// Every inspector reads every file; the first tells what is wrong with one. A file that is no capture spoils no other.
Status InspectorProcess::ReplayAll() {
  std::uint64_t before = 0;
  std::set<int> told_link_types;
  for (process::NamedFile& input : setup_.inputs) {
    const auto tell = [&](const Error& error, std::string_view what) {
      all_read_ = false;
      if (setup_.index == 0) Log(LogLevel::kError, what, "reason=\"{}\"", error.message);
    };
    auto source = capture::OpenCaptureFile(std::move(input.file), input.name);
    if (!source) {
      tell(source.error(), "A capture cannot be read");
      continue;
    }
    while (!draining_) {
      const auto state = (*source)->Deliver(*inspection_, kPacketsAtOnce);
      if (channel_.HasMessage()) {
        if (Status status = HandleControl(); !status) return status;
      }
      block_->input_bytes_read.store(before + (*source)->progress().position, std::memory_order_relaxed);
      if (!state) tell(state.error(), "A capture is damaged or cut short; what could be read of it was inspected");
      if (!state || *state == capture::PacketSource::State::kEnd) break;
      refusals_->LogNew();
    }
    if (setup_.index == 0) TellAbout(**source, input.name, told_link_types);
    before += (*source)->progress().position;
    if (draining_) break;  // the user has enough, or is gone
  }
  return {};
}

void InspectorProcess::TellAbout(const capture::CaptureFile& file, const std::string& name, std::set<int>& told) {
  for (const int link_type : file.link_types()) {
    if (decode::ReadsLinkType(link_type) || !told.insert(link_type).second) continue;
    Log(LogLevel::kWarning, "A capture has an interface whose link type is not read; its frames are passed over",
        "capture=\"{}\" link_type={} name=\"{}\"", name, link_type, capture::LinkTypeName(link_type));
  }
  if (file.lost_frames() == 0) return;
  block_->counters.Add(Counter::frames_lost_by_writer, file.lost_frames());
  Log(LogLevel::kWarning, "Whoever made a capture missed frames, as the capture says itself",
      "capture=\"{}\" frames={}", name, file.lost_frames());
}

Status InspectorProcess::HandleControl() {
  auto message = channel_.Receive();
  if (!message) {
    draining_ = true;
    return {};
  }
  const auto kind = static_cast<process::ControlKind>(message->body.front());
  if (kind == process::ControlKind::kDrain) {
    draining_ = true;
  } else if (kind == process::ControlKind::kReload) {
    auto reload = process::ParseReload(std::move(*message));
    if (!reload) return Fail(reload.error());
    auto match = OpenMatchContext(std::move(reload->hashsets), reload->trusted_keys, setup_.limits, block_->counters);
    if (!match) {
      // The supervisor sees by the digest that this inspector goes by the old configuration.
      Log(LogLevel::kError, "A reload was refused, the old configuration stays", "reason=\"{}\"",
          match.error().message);
      return {};
    }
    match_ = std::move(*match);
    setup_.tag_names = reload->tag_names;
    inspection_->Swap(match_, std::move(reload->zones));
    sink_->SetMask(MaskOf(setup_, match_));
    block_->generation.store(reload->generation, std::memory_order_relaxed);
    const std::uint8_t done = static_cast<std::uint8_t>(process::ControlKind::kReloaded);
    return channel_.Send(ByteView(&done, 1));
  }
  return {};
}

bool InspectorProcess::ParentThere() const {
  pollfd waited{channel_.fd(), POLLIN, 0};
  return ::poll(&waited, 1, 0) <= 0 || (waited.revents & POLLHUP) == 0;
}

bool InspectorProcess::TakeHandedOver() {
  if (handover_ == nullptr) return false;
  bool any = false;
  const PacketTime now = WallClockNow();
  for (std::size_t taken = 0; taken < kPacketsAtOnce; ++taken) {
    const auto datagram = handover_->TakeHandedOver(now);
    if (!datagram) break;
    inspection_->OnHandedOver(*datagram);
    any = true;
  }
  return any;
}

// Nothing is captured any more, but others may still have something for this inspector, and it for them.
void InspectorProcess::DrainHandover() {
  if (handover_ == nullptr) return;
  inspection_->EndCapture();
  const auto end = Clock::now() + kHandoverDrainTime;
  while (Clock::now() < end) {
    handover_->Flush();
    if (TakeHandedOver()) continue;
    pollfd waited{handover_->poll_fd(), POLLIN, 0};
    ::poll(&waited, 1, static_cast<int>(kWaitingPoll.count()));
  }
}

Status InspectorProcess::InspectLive() {
  Clock::time_point end{}, idle_at{};
  while (!draining_ || Clock::now() < end) {
    inspection_->FollowClock(WallClockNow());
    const auto state = live_->Deliver(*inspection_, kPacketsAtOnce);
    if (!state) return Fail(state.error());
    refusals_->LogNew();
    bool idle = *state != capture::PacketSource::State::kMore;
    idle = !TakeHandedOver() && idle;
    const bool sent = handover_ == nullptr || handover_->Flush();
    if (!idle && !channel_.HasMessage()) continue;
    // A descriptor of -1 is passed over. Once draining, a closed channel would be readable for ever.
    pollfd waited[3] = {{live_->poll_fd(), POLLIN, 0},
                        {handover_ == nullptr ? -1 : handover_->poll_fd(), POLLIN, 0},
                        {draining_ ? -1 : channel_.fd(), POLLIN, 0}};
    const auto patience = idle ? (sent ? kIdlePoll : kWaitingPoll) : std::chrono::milliseconds(0);
    const int ready = ::poll(waited, std::size(waited), static_cast<int>(patience.count()));
    // While the link is down the descriptor is ready and gives nothing, until the launcher has taken the error of the
    // socket.
    if (idle && (ready == 0 || Clock::now() >= idle_at)) {
      inspection_->Idle(WallClockNow() - kIdleDelay);
      idle_at = Clock::now() + kIdlePoll;
    }
    if (waited[2].revents == 0) continue;
    if (Status status = HandleControl(); !status) return status;
    if (draining_) end = Clock::now() + kDrainTime;
  }
  DrainHandover();
  return {};
}

}  // namespace

int RunInspectorProcess() {
  // The launcher decides about signals; a terminal's Ctrl-C must not kill an inspector before it has drained.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  if (::sodium_init() < 0) return 1;
  process::ControlChannel channel{UniqueFd(process::kControlDescriptor)};
  auto setup = process::ReceiveSetup(channel);
  if (!setup) return 1;
  SetLogRole(fmt::format("inspector-{}", setup->index));
  if (setup->verbose) SetLogLevel(LogLevel::kDebug);
  InspectorProcess inspector(channel, std::move(*setup));
  const Status status = inspector.Run();
  if (status) return inspector.all_read() ? 0 : kInputNotWhole;
  Log(LogLevel::kError, "The inspector ends", "reason=\"{}\"", status.error().message);
  return 1;
}

}  // namespace spanwatch::inspector
