#include "process/message_codec.h"

#include <cmath>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace spanwatch::process {
namespace {

constexpr std::uint32_t kTextBytesMax = 4096;
constexpr std::uint32_t kListLengthMax = 1u << 22;

// Writer and Reader offer the same operations, so that each type's fields are listed once, in Describe.
class Writer {
 public:
  template <typename T>
  void Number(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      writer_.Le(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_same_v<T, float>) {  // the reader takes finite numbers alone
      writer_.Le(std::bit_cast<std::uint32_t>(std::isfinite(value) ? value : 0));
    } else if constexpr (std::is_same_v<T, double>) {
      writer_.Le(std::bit_cast<std::uint64_t>(std::isfinite(value) ? value : 0));
    } else {
      writer_.Le(value);
    }
  }
  template <typename Enum>
  void Choice(const Enum& value) {
    writer_.Le(static_cast<std::uint8_t>(value));
  }
  void Text(const std::string& text) { writer_.Text(std::string_view(text).substr(0, kTextBytesMax)); }
  void Time(const PacketTime& time) { writer_.Le(Nanoseconds(time)); }
  template <std::size_t kSize>
  void Raw(const std::array<std::uint8_t, kSize>& bytes) {
    writer_.Raw(bytes);
  }
  template <typename T, typename Each>
  void List(const std::vector<T>& list, Each each) {
    const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(list.size(), kListLengthMax));
    writer_.Le(length);
    for (std::uint32_t i = 0; i < length; ++i) each(list[i]);
  }
  template <typename T, typename Each>
  void Maybe(const std::optional<T>& value, Each each) {
    writer_.Le(static_cast<std::uint8_t>(value.has_value()));
    if (value) each(*value);
  }
  Bytes Release() { return writer_.Release(); }

 private:
  ByteWriter writer_;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) : reader_(bytes) {}

  template <typename T>
  void Number(T& value) {
    if constexpr (std::is_same_v<T, float>) {
      value = std::bit_cast<float>(reader_.U32Le());
      if (!std::isfinite(value)) reader_.Fail();
    } else if constexpr (std::is_same_v<T, double>) {
      value = std::bit_cast<double>(reader_.U64Le());
      if (!std::isfinite(value)) reader_.Fail();
    } else if constexpr (std::is_same_v<T, bool>) {
      const std::uint8_t byte = reader_.U8();
      if (byte > 1) reader_.Fail();
      value = byte == 1;
    } else if constexpr (sizeof(T) == 1) {
      value = static_cast<T>(reader_.U8());
    } else if constexpr (sizeof(T) == 2) {
      value = static_cast<T>(reader_.U16Le());
    } else if constexpr (sizeof(T) == 4) {
      value = static_cast<T>(reader_.U32Le());
    } else {
      value = static_cast<T>(reader_.U64Le());
    }
  }
  template <typename Enum>
  void Choice(Enum& value) {
    const auto chosen = EnumFrom<Enum>(reader_.U8());
    if (!chosen) reader_.Fail();
    if (reader_.ok()) value = *chosen;
  }
  void Text(std::string& text) {
    const std::uint32_t length = reader_.U32Le();
    if (length > kTextBytesMax) reader_.Fail();
    text = AsText(reader_.Take(length));
  }
  void Time(PacketTime& time) { time = PacketTimeFromNanoseconds(static_cast<std::int64_t>(reader_.U64Le())); }
  template <std::size_t kSize>
  void Raw(std::array<std::uint8_t, kSize>& bytes) {
    const ByteView taken = reader_.Take(kSize);
    if (taken.size() == kSize) std::copy(taken.begin(), taken.end(), bytes.begin());
  }
  template <typename T, typename Each>
  void List(std::vector<T>& list, Each each) {
    const std::uint32_t length = reader_.U32Le();
    // Each element takes at least one byte, so a length beyond what remains is a lie and must not be allocated.
    if (length > kListLengthMax || length > reader_.remaining()) reader_.Fail();
    for (std::uint32_t i = 0; i < length && reader_.ok(); ++i) each(list.emplace_back());
  }
  template <typename T, typename Each>
  void Maybe(std::optional<T>& value, Each each) {
    bool present = false;
    Number(present);
    if (present && reader_.ok()) each(value.emplace());
  }
  bool FinishedWell() const { return reader_.ok() && reader_.remaining() == 0; }

 private:
  ByteReader reader_;
};

void Describe(auto& archive, auto& endpoint)
  requires std::is_same_v<std::remove_cvref_t<decltype(endpoint)>, Endpoint>
{
  archive.Raw(endpoint.address.bytes);
  archive.Number(endpoint.address.length);
  archive.Number(endpoint.port);
}

void DescribeFacts(auto& archive, auto& facts) {
  archive.Text(facts.protocol);
  archive.Choice(facts.visibility);
  archive.Number(facts.roles_reversed);
  for (auto* text : {&facts.exchange.server_name, &facts.exchange.user_agent, &facts.tls_alpn, &facts.tls_version,
                     &facts.tls_ja4, &facts.ssh_client_banner, &facts.ssh_server_banner}) {
    archive.Text(*text);
  }
}

void DescribeFlow(auto& archive, auto& flow) {
  archive.Number(flow.flow_id);
  Describe(archive, flow.source);
  Describe(archive, flow.destination);
  archive.Number(flow.from_client);
  archive.Choice(flow.transport);
  archive.Number(flow.ip_protocol);
  archive.Choice(flow.crossing);
  archive.Number(flow.vlan[0]);
  archive.Number(flow.vlan[1]);
  archive.List(flow.encapsulations, [&](auto& layer) { archive.Choice(layer); });
  archive.Text(flow.interface_name);
  archive.Text(flow.community_id);
  DescribeFacts(archive, flow.facts);
}

void DescribeProvenance(auto& archive, auto& provenance) {
  archive.List(provenance, [&](auto& step) { archive.Text(step); });
}

void DescribeItem(auto& archive, auto& item) {
  archive.Raw(item.id);
  archive.Choice(item.method);
  archive.Choice(item.confidence);
  archive.Number(item.distance);
  archive.Choice(item.view);
  archive.Number(item.coverage);
  archive.Number(item.supported);
  archive.List(item.provenances, [&](auto& provenance) { DescribeProvenance(archive, provenance); });
}

void DescribeRecords(auto& archive, auto& records) {
  archive.Number(records.distinct_plates);
  archive.Number(records.supported_plates);
  archive.Number(records.distinct_tokens);
  archive.Number(records.probability);
  archive.Number(records.structured);
}

void DescribeArchive(auto& archive, auto& evidence) {
  archive.Number(evidence.entries_listed);
  archive.Number(evidence.entries_matched);
  archive.Number(evidence.sizes_matched);
  archive.Number(evidence.probability);
}

void DescribePictures(auto& archive, auto& evidence) {
  archive.Number(evidence.pictures_seen);
  archive.Number(evidence.pictures_alike);
  archive.Number(evidence.probability);
}

void DescribeCounters(auto& archive, auto& counters) {
  archive.Number(counters.packets);
  archive.Number(counters.payload_bytes);
  archive.Number(counters.delivered_bytes);
  archive.Number(counters.retransmitted_bytes);
  archive.Number(counters.duplicate_frames);
  archive.Number(counters.gap_bytes);
  archive.Number(counters.lost_before_sensor_bytes);
  archive.Number(counters.lost_unsure_bytes);
  archive.Number(counters.dropped_bytes);
}

void DescribeSighting(auto& archive, auto& sighting) {
  archive.Time(sighting.time);
  archive.Choice(sighting.phase);
  DescribeFlow(archive, sighting.flow);
  archive.Number(sighting.object_id);
  archive.Choice(sighting.object_kind);
  archive.Text(sighting.object_name);
  archive.Text(sighting.media_type);
  archive.Number(sighting.object_size);
  archive.Number(sighting.object_complete);
  archive.Maybe(sighting.sha256, [&](auto& digest) { archive.Raw(digest); });
  DescribeProvenance(archive, sighting.provenance);
  archive.Number(sighting.evasive);
  archive.Text(sighting.collection);
  archive.Text(sighting.hashset_name);
  archive.Number(sighting.hashset_serial);
  archive.Choice(sighting.method);
  archive.Choice(sighting.confidence);
  archive.List(sighting.items, [&](auto& item) { DescribeItem(archive, item); });
  archive.Maybe(sighting.records, [&](auto& records) { DescribeRecords(archive, records); });
  archive.Maybe(sighting.archive, [&](auto& evidence) { DescribeArchive(archive, evidence); });
  archive.Maybe(sighting.pictures, [&](auto& evidence) { DescribePictures(archive, evidence); });
}

void DescribeNetwork(auto& archive, auto& network) {
  archive.Raw(network.address.bytes);
  archive.Number(network.address.length);
  archive.Number(network.prefix_bits);
}

void DescribeFlood(auto& archive, auto& sum) {
  archive.Choice(sum.flood);
  archive.Number(sum.conversations);
  DescribeNetwork(archive, sum.sources);
  DescribeNetwork(archive, sum.destinations);
}

void DescribeTransfer(auto& archive, auto& transfer) {
  archive.Time(transfer.time);
  archive.Time(transfer.start);
  DescribeFlow(archive, transfer.flow);
  DescribeCounters(archive, transfer.counters);
  archive.Number(transfer.objects);
  archive.Number(transfer.opaque_bytes);
  archive.Number(transfer.lpr_structure);
  archive.Number(transfer.encrypted_archive);
  archive.Number(transfer.evasive);
  archive.Number(transfer.final);
  archive.Maybe(transfer.flood, [&](auto& sum) { DescribeFlood(archive, sum); });
}

void DescribeAnomaly(auto& archive, auto& anomaly) {
  archive.Time(anomaly.time);
  archive.Text(anomaly.code);
  archive.Number(anomaly.count);
  archive.Maybe(anomaly.flow, [&](auto& flow) { DescribeFlow(archive, flow); });
}

void DescribeAny(auto& archive, auto& alternative) {
  using T = std::remove_cvref_t<decltype(alternative)>;
  if constexpr (std::is_same_v<T, Sighting>) {
    DescribeSighting(archive, alternative);
  } else if constexpr (std::is_same_v<T, TransferSummary>) {
    DescribeTransfer(archive, alternative);
  } else if constexpr (std::is_same_v<T, AnomalyReport>) {
    DescribeAnomaly(archive, alternative);
  } else {
    static_assert(std::is_same_v<T, Watermark>);
    archive.Time(alternative.time);
  }
}

template <std::size_t kIndex = 0>
bool EmplaceAlternative(InspectorMessage& message, std::uint8_t index) {
  if constexpr (kIndex < std::variant_size_v<InspectorMessage>) {
    if (index != kIndex) return EmplaceAlternative<kIndex + 1>(message, index);
    message.emplace<kIndex>();
    return true;
  }
  return false;
}

}  // namespace

Bytes EncodeMessage(const InspectorMessage& message) {
  Writer writer;
  writer.Number(static_cast<std::uint8_t>(message.index()));
  std::visit([&](const auto& alternative) { DescribeAny(writer, alternative); }, message);
  return writer.Release();
}

std::optional<InspectorMessage> DecodeMessage(ByteView bytes) {
  Reader reader(bytes);
  std::uint8_t index = 0xff;
  reader.Number(index);
  InspectorMessage message;
  if (!EmplaceAlternative(message, index)) return std::nullopt;
  std::visit([&](auto& alternative) { DescribeAny(reader, alternative); }, message);
  if (!reader.FinishedWell()) return std::nullopt;
  return message;
}

}  // namespace spanwatch::process
