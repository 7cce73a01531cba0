#include "capture/capture_file.h"

#include <pcap/pcap.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/byte_reader.h"
#include "capture/pcap_packets.h"
#include "capture/pcapng_file.h"
#include "capture/read_ahead.h"

namespace spanwatch::capture {
namespace {

ssize_t ReadStream(void* cookie, char* to, std::size_t size) {
  auto& stream = *static_cast<ReadAhead*>(cookie);
  const std::size_t got = stream.Read({reinterpret_cast<std::uint8_t*>(to), size});
  if (got > 0 || size == 0 || !stream.error()) return static_cast<ssize_t>(got);
  errno = EIO;
  return -1;
}

// libpcap's words, or the stream's own when it is the stream that failed. Control bytes of a hostile file stay out.
Error Describe(const ReadAhead& stream, const std::string& name, std::string_view words) {
  if (stream.error()) return stream.error()->In(name);
  std::string line(words);
  std::ranges::replace_if(line, [](char c) { return c < ' ' || c > '~'; }, '?');
  return {ErrorCode::kCorrupt, fmt::format("{}: {}", name, line.empty() ? "the capture cannot be read" : line)};
}

class PcapFile final : public CaptureFile {
 public:
  PcapFile(std::unique_ptr<ReadAhead> stream, PcapHandle pcap, std::string name, std::uint64_t total)
      : stream_(std::move(stream)),
        pcap_(std::move(pcap)),
        link_type_(::pcap_datalink(pcap_.get())),
        name_(std::move(name)),
        total_(total) {}

  Result<State> Deliver(CapturedPacketConsumer& consumer, std::size_t max_packets) override {
    PacketDelivery delivery{consumer, link_type_, 0, {}};
    const int count = static_cast<int>(std::clamp<std::size_t>(max_packets, 1, 1 << 20));
    const int delivered = ::pcap_dispatch(pcap_.get(), count, DeliverPacket, reinterpret_cast<u_char*>(&delivery));
    if (delivered < 0) return Fail(Describe(*stream_, name_, ::pcap_geterr(pcap_.get())));
    return delivered == 0 ? State::kEnd : State::kMore;
  }
  int poll_fd() const override { return -1; }
  Progress progress() const override { return {stream_->stored_position(), total_}; }
  std::span<const int> link_types() const override { return {&link_type_, 1}; }
  std::uint64_t lost_frames() const override { return 0; }

 private:
  std::unique_ptr<ReadAhead> stream_;  // before pcap_, which reads from it
  PcapHandle pcap_;
  int link_type_;
  std::string name_;
  std::uint64_t total_;
};

}  // namespace

Result<std::unique_ptr<CaptureFile>> OpenCaptureFile(UniqueFd fd, std::string name) {
  struct stat facts{};
  const bool regular = ::fstat(fd.get(), &facts) == 0 && S_ISREG(facts.st_mode);
  const std::uint64_t total = regular ? static_cast<std::uint64_t>(facts.st_size) : 0;
  auto stream = std::make_unique<ReadAhead>(std::move(fd));
  if (ByteReader(stream->Peek(4)).U32Be() == PcapngFile::kMagic) {
    return PcapngFile::Open(std::move(stream), std::move(name), total);
  }
  std::FILE* file =
      ::fopencookie(stream.get(), "rb", {.read = ReadStream, .write = nullptr, .seek = nullptr, .close = nullptr});
  if (file == nullptr) return Fail(ErrorCode::kLimit, "{}: no memory to read it", name);
  std::array<char, PCAP_ERRBUF_SIZE> words{};
  PcapHandle pcap(::pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, words.data()));
  if (!pcap) {
    std::fclose(file);
    return Fail(Describe(*stream, name, words.data()));
  }
  return std::make_unique<PcapFile>(std::move(stream), std::move(pcap), std::move(name), total);
}

std::string LinkTypeName(int link_type) {
  const char* const known = ::pcap_datalink_val_to_name(link_type);
  return known == nullptr ? "" : known;
}

}  // namespace spanwatch::capture
