// bench_allocations CAPTURE (HASHSET PUBLIC-KEY RECORD-KEY)...: inspects a capture with the inspector's own stages in
// this process and prints its packets, all allocations, and allocations per packet in steady state: from the packet at
// a tenth of the capture to the last, the end of the flows left out. What the supervisor does is not counted.
#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/file.h"
#include "capture/capture_file.h"
#include "cli/sensor_options.h"
#include "content/object_tree.h"
#include "fingerprint/plate_mask.h"
#include "inspector/inspection.h"

namespace {
bool counting = false;
std::uint64_t allocations = 0;
}  // namespace

// The C library's allocator, counted; operator new goes through it too.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  allocations += counting ? 1 : 0;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  allocations += counting ? 1 : 0;
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  allocations += counting ? 1 : 0;
  return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  allocations += counting ? 1 : 0;
  return __libc_memalign(alignment, size);
}
}

namespace spanwatch {
namespace {

constexpr std::size_t kRingBytes = 64u << 20;
constexpr std::size_t kPacketsAtOnce = 64;

struct Sample {
  std::uint64_t packets = 0;
  std::uint64_t allocations = 0;
};

// What the ring holds is thrown away; whatever that takes is the supervisor's and not counted.
bool Empty(process::RingReader& reader) {
  const bool was_counting = counting;
  counting = false;
  while (reader.Take()) {
  }
  reader.Release();
  counting = was_counting;
  return true;
}

// As an inspector does before it seals itself: what libraries set up on first use is no cost of a packet.
void WarmUp() {
  content::WarmUp();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  for (const EVP_MD* type : {EVP_sha1(), EVP_sha256(), EVP_md5()}) EVP_Digest("", 0, digest, &length, type, nullptr);
}

// The first sample at or behind a share of the capture.
Sample At(const std::vector<Sample>& samples, double share) {
  const double packets = share * static_cast<double>(samples.back().packets);
  return *std::ranges::find_if(samples,
                               [&](const Sample& sample) { return static_cast<double>(sample.packets) >= packets; });
}

Result<std::vector<Sample>> Inspect(const cli::SensorOptions& options, const std::string& capture) {
  auto config = cli::ConfigOf(options);
  if (!config) return Fail(config.error());
  auto sets = cli::OpenHashSets(*config);
  if (!sets) return Fail(sets.error());
  auto block_memory = process::MakeSharedBlock();
  if (!block_memory) return Fail(block_memory.error());
  auto block = process::MapSharedBlock(block_memory->get());
  if (!block) return Fail(block.error());
  auto ring = process::MakeRing(kRingBytes);
  if (!ring) return Fail(ring.error());
  auto writer = process::RingWriter::Open(ring->get());
  auto reader = process::RingReader::Open(ring->get());
  if (!writer || !reader) return Fail(ErrorCode::kIo, "cannot map the ring");
  Counters& counters = (*block)->counters;
  const auto mask = [](const std::string& text) { return fingerprint::MaskPlates(text); };
  inspector::RingSink sink(std::move(*writer), inspector::RingSink::WhenFull::kWait, mask, config->limits, counters,
                           [&reader] { return Empty(*reader); });
  auto match = inspector::OpenMatchContext(std::move(sets->inputs), sets->trusted_keys, config->limits, counters);
  if (!match) return Fail(match.error());
  WarmUp();
  inspector::Inspection inspection(config->limits, **block, sink, config->zones, {}, "", *match, nullptr);
  auto file = OpenForReading(capture);
  if (!file) return Fail(file.error());
  auto source = capture::OpenCaptureFile(std::move(*file), capture);
  if (!source) return Fail(source.error());
  std::vector<Sample> samples;
  while (true) {
    counting = true;
    const auto state = (*source)->Deliver(inspection, kPacketsAtOnce);
    counting = false;
    if (!state) return Fail(state.error());
    samples.push_back({counters.Get(Counter::packets_captured), allocations});
    if (*state == capture::PacketSource::State::kEnd) break;
  }
  inspection.Finish();
  return samples;
}

}  // namespace
}  // namespace spanwatch

int main(int argc, char** argv) {
  constexpr int kOfASet = 3;
  if (argc < 2 + kOfASet || (argc - 2) % kOfASet != 0) {
    std::fputs("usage: bench_allocations CAPTURE (HASHSET PUBLIC-KEY RECORD-KEY)...\n", stderr);
    return 2;
  }
  spanwatch::cli::SensorOptions options;
  for (int i = 2; i < argc; i += kOfASet) {
    options.hashsets.emplace_back(argv[i]);
    options.trust.emplace_back(argv[i + 1]);
    options.record_keys.emplace_back(argv[i + 2]);
  }
  options.inside = {"10.20.0.0/16"};
  const auto samples = spanwatch::Inspect(options, argv[1]);
  if (!samples) {
    std::fprintf(stderr, "bench_allocations: %s\n", samples.error().message.c_str());
    return 1;
  }
  const spanwatch::Sample first = spanwatch::At(*samples, 0.1);
  const spanwatch::Sample last = spanwatch::At(*samples, 0.9);
  const auto packets = static_cast<double>(last.packets - first.packets);
  const auto steady = static_cast<double>(last.allocations - first.allocations);
  std::printf("%llu %llu %.6f\n", static_cast<unsigned long long>(samples->back().packets),
              static_cast<unsigned long long>(samples->back().allocations), packets > 0 ? steady / packets : 0.0);
  return 0;
}
