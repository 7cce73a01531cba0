// The decoder against other programs: the innermost flows of captures with tunnels and unusual links (decode.jsonl).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/file.h"
#include "capture/capture_file.h"
#include "decode/decoder.h"
#include "support/shared_captures.h"

namespace spanwatch::decode {
namespace {

struct FlowKey {
  std::string transport;
  std::pair<std::string, int> a, b;
  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

std::string ToString(const FlowKey& key) {
  return fmt::format("{} {}:{} {}:{}", key.transport, key.a.first, key.a.second, key.b.first, key.b.second);
}

FlowKey KeyOf(std::string transport, std::pair<std::string, int> a, std::pair<std::string, int> b) {
  if (b < a) std::swap(a, b);
  return {std::move(transport), std::move(a), std::move(b)};
}

struct SeenFlow {
  std::uint64_t packets = 0;
  std::set<std::string> encapsulations;
};

class FlowCounter final : public PacketConsumer, public AnomalySink {
 public:
  void OnPacket(const DecodedPacket& packet) noexcept override {
    ++packets;
    if (packet.transport != Transport::kTcp && packet.transport != Transport::kUdp) return;
    SeenFlow& flow =
        flows[KeyOf(std::string(ToString(packet.transport)), {ToString(packet.source.address), packet.source.port},
                    {ToString(packet.destination.address), packet.destination.port})];
    ++flow.packets;
    for (std::size_t i = 0; i < packet.encapsulation_count; ++i) {
      flow.encapsulations.emplace(ToString(packet.encapsulations[i]));
    }
  }
  void OnAnomaly(AnomalyCode) noexcept override {}

  std::uint64_t packets = 0;
  std::map<FlowKey, SeenFlow> flows;
};

// Feeds one capture to a decoder and checks the conservation law on the way.
class DecodedCapture final : public CapturedPacketConsumer {
 public:
  explicit DecodedCapture(const std::filesystem::path& path) {
    auto fd = OpenForReading(path);
    auto source = capture::OpenCaptureFile(std::move(*fd), path.filename());
    if (!source) {
      error = source.error().message;
      return;
    }
    while (true) {
      const auto state = (*source)->Deliver(*this, 1000);
      if (!state) error = state.error().message;
      if (!state || *state == capture::PacketSource::State::kEnd) break;
    }
    decoder_.Finish();
  }
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    ++captured;
    decoder_.Decode(packet);
  }
  std::uint64_t Accounted() const {
    std::uint64_t sum = 0;
    for (const Counter counter :
         {Counter::packets_decoded, Counter::fragments_held, Counter::packets_dropped_truncated,
          Counter::packets_dropped_unknown, Counter::packets_dropped_malformed, Counter::packets_dropped_layers}) {
      sum += counters_.Get(counter);
    }
    return sum;
  }

  FlowCounter seen;
  std::uint64_t captured = 0;
  std::string error;

 private:
  config::Limits limits_;
  Counters counters_;
  Decoder decoder_{limits_, counters_, seen, seen};
};

std::pair<std::string, int> EndpointOf(const nlohmann::json& json) {
  return {json[0].get<std::string>(), std::stoi(json[1].get<std::string>())};
}

// Each layer that the other program passed is one that we name; words for kinds of VLAN tags and of IP in IP are one of
// ours.
void CheckEncapsulations(const nlohmann::json& flow, const std::set<std::string>& seen, const std::string& capture) {
  static constexpr std::string_view kOfTunnelPorts[] = {"vxlan", "geneve", "gtp-u"};
  const std::set<int> ports = {EndpointOf(flow["a"]).second, EndpointOf(flow["b"]).second};
  const bool tunnel_itself =
      ports.contains(2123) || ports.contains(4789) || ports.contains(6081) || ports.contains(2152);
  for (const auto& word : flow["encap"]) {
    auto name = word.get<std::string>();
    if (name == "socks" || name == "lisp") continue;  // above the transport
    // The inside was not usable: the flow is the tunnel's own.
    if (tunnel_itself && std::ranges::find(kOfTunnelPorts, name) != std::end(kOfTunnelPorts)) continue;
    if (name == "qinq" || name == "802.1ad") name = "vlan";
    if (name == "4in6" || name == "6in6") name = "ipip";
    EXPECT_TRUE(seen.contains(name)) << capture << ": " << name;
  }
}

TEST(Decoder, EveryPacketOfRealCapturesIsAccountedForAndRefusalsAreOneLine) {
  const auto folder = testing::SharedCaptures();
  if (!folder) GTEST_SKIP() << "no shared captures: set SPANWATCH_SHARED";
  std::uint64_t packets = 0;
  int refused = 0, differently_read = 0;
  for (const auto& line : testing::ReadJsonLines(*folder / "captures.jsonl")) {
    const auto name = line["capture"].get<std::string>();
    const DecodedCapture capture(*folder / name);
    EXPECT_EQ(capture.captured, capture.Accounted()) << name;
    EXPECT_EQ(capture.error.find('\n'), std::string::npos) << name;
    packets += capture.captured;
    refused += capture.error.empty() ? 0 : 1;
    const bool same_count = !line["packets"].is_number() || capture.captured == line["packets"].get<std::uint64_t>();
    if (capture.error.empty() != line.value("reader_error", false) && (same_count || !capture.error.empty())) continue;
    ++differently_read;
    std::cout << name << " | " << line["packets"].dump() << " ours " << capture.captured << " | " << capture.error
              << "\n";
  }
  std::cout << packets << " packets, " << refused << " captures with a reader's error\n";
  // libpcap, against Wireshark's own reader: pcapng files whose interfaces differ in link type or snap length, Sun's
  // snoop.
  EXPECT_LE(differently_read, 24);
}

// Why another program may count a flow's packets differently, where it was looked into.
std::string_view ReasonOf(const std::string& capture) {
  static constexpr std::pair<std::string_view, std::string_view> kReasons[] = {
      {"files/tcpreplay/test__test", "counts the datagram that an ICMP error quotes"},
      {"robust/nDPI/stun.pcap", "counts the datagram that an ICMP error quotes"},
      {"robust/PcapFlowLab/data__parsing__quic__quic_constricted_1", "leaves out packets cut by the snap length"},
      {"robust/nDPI/reasm_crash_anon", "leaves out packets that claim more than was on the wire"},
      {"robust/nDPI/rsh-syslog-false-positive", "leaves out packets that claim more than was on the wire"},
      {"robust/suricata-verify/decode-nsh-type2", "NSH is not decoded"},
      {"robust/suricata-verify/detect-pcre__detect-pcre-05", "misreads the port of an IPv4-mapped address"},
  };
  for (const auto& [prefix, reason] : kReasons) {
    if (capture.starts_with(prefix)) return reason;
  }
  return "";
}

TEST(Decoder, AgreesWithOtherProgramsOnTheInnermostFlowsOfRealCaptures) {
  const auto folder = testing::SharedCaptures();
  if (!folder) GTEST_SKIP() << "no shared captures: set SPANWATCH_SHARED";
  int flows = 0, differ = 0;
  for (const auto& line : testing::ReadJsonLines(*folder / "decode.jsonl")) {
    const auto name = line["capture"].get<std::string>();
    const DecodedCapture capture(*folder / name);
    for (const auto& flow : line["flows"]) {
      ++flows;
      const FlowKey key = KeyOf(flow["transport"], EndpointOf(flow["a"]), EndpointOf(flow["b"]));
      const auto found = capture.seen.flows.find(key);
      const std::uint64_t seen = found == capture.seen.flows.end() ? 0 : found->second.packets;
      if (seen == flow["packets"]) {
        CheckEncapsulations(flow, found->second.encapsulations, name);
        continue;
      }
      ++differ;
      const std::string_view reason = ReasonOf(name);
      EXPECT_FALSE(reason.empty()) << name << ": " << ToString(key);
      std::cout << name << " | " << ToString(key) << " | " << flow["packets"] << " ours " << seen << " | " << reason
                << "\n";
    }
  }
  std::cout << flows - differ << " of " << flows << " flows agree\n";
  EXPECT_LE(differ, 33);
}

}  // namespace
}  // namespace spanwatch::decode
