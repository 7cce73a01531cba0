// bench_floor loop|sha256 CAPTURE: reads a capture file with bare libpcap; with sha256 also digests every payload byte
// of TCP over IPv4 over Ethernet, in capture order. What any inspection costs at least; measure.py compares replay with
// it. Prints packets and payload bytes.
#include <openssl/evp.h>
#include <pcap/pcap.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string_view>

namespace {

using Frame = std::span<const std::uint8_t>;

constexpr std::size_t kEthernetBytes = 14;

// The TCP payload of an untagged frame; empty for anything else.
Frame PayloadOf(Frame frame) {
  if (frame.size() < kEthernetBytes + 20 || frame[12] != 0x08 || frame[13] != 0x00) return {};
  const Frame ip = frame.subspan(kEthernetBytes);
  const std::size_t ip_header = (ip[0] & 0x0fu) * 4u;
  const std::size_t total = static_cast<std::size_t>(ip[2]) << 8 | ip[3];
  if (ip[9] != 6 || total > ip.size() || total < ip_header + 20) return {};
  const Frame tcp = ip.first(total).subspan(ip_header);
  const std::size_t tcp_header = (tcp[12] >> 4) * 4u;
  return tcp_header > tcp.size() ? Frame{} : tcp.subspan(tcp_header);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (mode != "loop" && mode != "sha256") {
    std::fputs("usage: bench_floor loop|sha256 CAPTURE\n", stderr);
    return 2;
  }
  char reason[PCAP_ERRBUF_SIZE];
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(pcap_open_offline(argv[2], reason), &pcap_close);
  if (capture == nullptr) {
    std::fprintf(stderr, "bench_floor: %s\n", reason);
    return 1;
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  std::uint64_t packets = 0, payload_bytes = 0;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  while (pcap_next_ex(capture.get(), &header, &bytes) == 1) {
    ++packets;
    const Frame payload = PayloadOf({bytes, header->caplen});
    payload_bytes += payload.size();
    if (mode == "sha256") EVP_DigestUpdate(digest.get(), payload.data(), payload.size());
  }
  std::printf("%llu %llu\n", static_cast<unsigned long long>(packets), static_cast<unsigned long long>(payload_bytes));
  return 0;
}
