// A hostile capture file, packed or not: frames come out or one line of an error, whatever the bytes are.
#include <sys/mman.h>

#include "base/check.h"
#include "capture/capture_file.h"

namespace spanwatch {
namespace {

class Sink final : public CapturedPacketConsumer {
 public:
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    CHECK(packet.bytes.size() <= packet.original_length);
    for (const std::uint8_t byte : packet.bytes) sum = static_cast<std::uint8_t>(sum + byte);
  }
  volatile std::uint8_t sum = 0;
};

void CheckOneLine(const Error& error) {
  CHECK(!error.message.empty());
  CHECK(error.message.find('\n') == std::string::npos);
}

void Run(ByteView input) {
  constexpr int kMostDeliveries = 1000;  // a packed file may hold very many empty frames
  UniqueFd fd(::memfd_create("capture", MFD_CLOEXEC));
  CHECK(::write(fd.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  CHECK(::lseek(fd.get(), 0, SEEK_SET) == 0);
  auto source = capture::OpenCaptureFile(std::move(fd), "input");
  if (!source) return CheckOneLine(source.error());
  Sink sink;
  for (int i = 0; i < kMostDeliveries; ++i) {
    const auto state = (*source)->Deliver(sink, 100);
    if (!state) return CheckOneLine(state.error());
    if (*state == capture::PacketSource::State::kEnd) return;
  }
}

}  // namespace
}  // namespace spanwatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spanwatch::Run({data, size});
  return 0;
}
