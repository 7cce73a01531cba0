#include "inspector/file_inspection.h"

#include <unistd.h>

#include <cerrno>

#include "telemetry/log.h"

namespace spanwatch::inspector {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

// Gives the whole descriptor to `take`. False when it could not be read to its end.
bool ReadInto(const UniqueFd& file, const std::function<void(ByteView)>& take, process::SharedBlock& block,
              Bytes& buffer) {
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    take(ByteView(buffer).first(static_cast<std::size_t>(got)));
    block.input_bytes_read.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
  }
}

}  // namespace

void InspectFiles(std::vector<process::NamedFile> inputs, const config::Limits& limits, process::SharedBlock& block,
                  RingSink& sink, std::shared_ptr<const MatchContext> match) {
  AnomalyReporter anomalies(block.anomalies, limits, sink);
  fingerprint::PictureMemory pictures(limits.perceptual_pictures_remembered, limits.perceptual_held_bytes);
  content::OpenMemory memory(limits.content_memory_bytes);
  PictureTally picture_tally(limits, block.counters);
  FloodTransfers floods(limits, block.counters, sink);
  const WatchContext context{
      limits,        block.counters, sink,   anomalies,    floods, pictures,
      picture_tally, nullptr,        memory, Zones::Any(), "",     [](FlowWatch*, std::optional<PacketTime>) {}};
  Bytes buffer(kReadBytes);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    FlowInfo info;
    info.id = i;
    info.now = WallClockNow();  // for expiry: a file on disk has no packet time
    const std::function<FlowSummary()> of_this_file = [&info] { return FlowSummary{.flow_id = info.id}; };
    anomalies.SetFlow(&of_this_file);
    FlowWatch watch(info, context, match);
    ObjectInfo object;
    object.kind = ObjectKind::kFile;
    object.name = inputs[i].name.substr(inputs[i].name.rfind('/') + 1);
    object.step = "file " + object.name;
    const auto consumer = watch.OpenFile(std::move(object));
    const auto take = [&](ByteView bytes) {
      match->fragments->Begin(bytes);
      consumer->OnData(bytes);
      match->fragments->End();
    };
    const bool whole = ReadInto(inputs[i].file, take, block, buffer);
    if (!whole) Log(LogLevel::kError, "A file could not be read to its end", "position={}", i);
    consumer->OnEnd(whole ? ObjectEnd::kComplete : ObjectEnd::kTruncated);
    watch.Finish();
    anomalies.Finish();
    anomalies.SetFlow(nullptr);
  }
}

}  // namespace spanwatch::inspector
