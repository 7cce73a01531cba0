// A hostile pcapng file: frames come out and one line of an error, whatever the bytes are; and where libpcap reads it
// whole, the frames are those that libpcap gives.
#include <pcap/pcap.h>
#include <sys/mman.h>

#include <algorithm>

#include "base/check.h"
#include "capture/capture_file.h"

namespace spanwatch {
namespace {

constexpr std::size_t kMostFrames = 1000;

struct Frame {
  int link_type = 0;
  Bytes bytes;
};

class FrameList final : public CapturedPacketConsumer {
 public:
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    CHECK(packet.bytes.size() <= packet.original_length);
    frames.push_back({packet.link_type, {packet.bytes.begin(), packet.bytes.end()}});
  }
  std::vector<Frame> frames;
};

void CheckOneLine(const Error& error) {
  CHECK(!error.message.empty());
  CHECK(error.message.find('\n') == std::string::npos);
}

FrameList ReadAll(ByteView input) {
  UniqueFd fd(::memfd_create("capture", MFD_CLOEXEC));
  CHECK(::write(fd.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  CHECK(::lseek(fd.get(), 0, SEEK_SET) == 0);
  FrameList list;
  auto file = capture::OpenCaptureFile(std::move(fd), "input");
  if (!file) {
    CheckOneLine(file.error());
    return list;
  }
  while (list.frames.size() < kMostFrames) {
    const auto state = (*file)->Deliver(list, 100);
    if (!state) CheckOneLine(state.error());
    if (!state || *state == capture::PacketSource::State::kEnd) break;
  }
  return list;
}

void CompareWithLibpcap(ByteView input, const FrameList& list) {
  std::FILE* file = ::fmemopen(const_cast<std::uint8_t*>(input.data()), input.size(), "rb");
  if (file == nullptr) return;
  char words[PCAP_ERRBUF_SIZE];
  pcap_t* pcap = ::pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, words);
  if (pcap == nullptr) {
    std::fclose(file);
    return;
  }
  std::vector<Frame> expected;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  int result = 1;
  while (expected.size() < kMostFrames && (result = ::pcap_next_ex(pcap, &header, &bytes)) == 1) {
    expected.push_back({::pcap_datalink(pcap), {bytes, bytes + header->caplen}});
  }
  ::pcap_close(pcap);
  if (result != PCAP_ERROR_BREAK) return;
  CHECK(list.frames.size() >= expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(list.frames[i].bytes == expected[i].bytes);
    CHECK(list.frames[i].link_type == expected[i].link_type);
  }
}

}  // namespace
}  // namespace spanwatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint8_t kSection[] = {0x0a, 0x0d, 0x0d, 0x0a};
  const spanwatch::ByteView input(data, size);
  const spanwatch::FrameList list = spanwatch::ReadAll(input);
  if (size >= 4 && std::equal(kSection, kSection + 4, data)) spanwatch::CompareWithLibpcap(input, list);
  return 0;
}
