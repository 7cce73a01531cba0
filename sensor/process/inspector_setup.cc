#include "process/inspector_setup.h"

#include <cstring>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace spanwatch::process {
namespace {

void Wipe(Bytes& bytes) { ::explicit_bzero(bytes.data(), bytes.size()); }

void PutZones(ByteWriter& writer, const Zones& zones) {
  writer.Le(static_cast<std::uint8_t>(zones.any()));
  writer.Le(static_cast<std::uint32_t>(zones.inside().size()));
  for (const Network& network : zones.inside()) {
    writer.Raw(network.address.bytes);
    writer.Le(network.address.length);
    writer.Le(network.prefix_bits);
  }
}

Zones TakeZones(ByteReader& reader) {
  const bool any = reader.U8() != 0;
  const std::uint32_t count = reader.U32Le();
  std::vector<Network> inside;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const ByteView raw = reader.Take(16);
    const std::uint8_t length = reader.U8();
    const std::uint8_t prefix = reader.U8();
    if (reader.ok()) inside.push_back({IpAddress::From(raw.first(length)), prefix});
  }
  return any ? Zones::Any() : Zones::Inside(std::move(inside));
}

void PutHashSets(ByteWriter& writer, const std::vector<HashSetInput>& hashsets, std::vector<int>& descriptors) {
  writer.Le(static_cast<std::uint32_t>(hashsets.size()));
  for (const HashSetInput& hashset : hashsets) {
    writer.Text(hashset.name);
    writer.Text(AsText(hashset.record_key));
    descriptors.push_back(hashset.file.get());
  }
}

void PutKeys(ByteWriter& writer, const std::vector<Bytes>& keys) {
  writer.Le(static_cast<std::uint32_t>(keys.size()));
  for (const Bytes& key : keys) writer.Text(AsText(key));
}

std::vector<Bytes> TakeKeys(ByteReader& reader) {
  std::vector<Bytes> keys;
  const std::uint32_t count = reader.U32Le();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const ByteView key = reader.Take(reader.U32Le());
    keys.emplace_back(key.begin(), key.end());
  }
  return keys;
}

// Takes the next descriptor of the message; fails the reader when there is none.
UniqueFd NextDescriptor(ByteReader& reader, ControlMessage& message, std::size_t& next) {
  if (next >= message.descriptors.size()) {
    reader.Fail();
    return UniqueFd();
  }
  return std::move(message.descriptors[next++]);
}

std::vector<HashSetInput> TakeHashSets(ByteReader& reader, ControlMessage& message, std::size_t& next) {
  std::vector<HashSetInput> hashsets;
  const std::uint32_t count = reader.U32Le();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    HashSetInput hashset;
    hashset.name = TakeText(reader);
    const ByteView key = reader.Take(reader.U32Le());
    hashset.record_key.assign(key.begin(), key.end());
    hashset.file = NextDescriptor(reader, message, next);
    hashsets.push_back(std::move(hashset));
  }
  return hashsets;
}

void PutHandover(ByteWriter& writer, const InspectorSetup& setup, std::vector<int>& descriptors) {
  writer.Le(static_cast<std::uint32_t>(setup.handover_sending.size()));
  if (setup.handover_sending.empty()) return;
  descriptors.push_back(setup.handover_receiving.get());
  for (const UniqueFd& channel : setup.handover_sending) {
    if (channel) descriptors.push_back(channel.get());
  }
}

void TakeHandover(ByteReader& reader, ControlMessage& message, std::size_t& next, InspectorSetup& setup) {
  const std::uint32_t channels = reader.U32Le();
  if (channels == 0) return;
  setup.handover_receiving = NextDescriptor(reader, message, next);
  for (std::uint32_t i = 0; i < channels && reader.ok(); ++i) {
    setup.handover_sending.push_back(i == setup.index ? UniqueFd() : NextDescriptor(reader, message, next));
  }
}

}  // namespace

Status SendSetup(ControlChannel& channel, const InspectorSetup& setup) {
  ByteWriter writer;
  std::vector<int> descriptors{setup.shared_block.get(), setup.ring.get()};
  writer.Le(static_cast<std::uint8_t>(ControlKind::kSetup));
  writer.Le(static_cast<std::uint8_t>(setup.mode));
  for (const auto* text : {&setup.sensor_name, &setup.interface, &setup.run_as}) writer.Text(*text);
  writer.Le(setup.index);
  writer.Le(setup.count);
  writer.Le(setup.fanout_group);
  for (const bool flag : {setup.join_fanout, setup.carry_on, setup.tag_names, setup.verbose})
    writer.Le(static_cast<std::uint8_t>(flag));
  PutZones(writer, setup.zones);
  writer.Le(setup.generation);
  for (const auto& limit : config::kLimits) writer.Le(setup.limits.*limit.field);
  PutKeys(writer, setup.trusted_keys);
  PutHandover(writer, setup, descriptors);
  PutHashSets(writer, setup.hashsets, descriptors);
  writer.Le(static_cast<std::uint32_t>(setup.inputs.size()));
  for (const NamedFile& input : setup.inputs) {
    writer.Text(input.name);
    descriptors.push_back(input.file.get());
  }
  Bytes body = writer.Release();
  if (descriptors.size() > ControlChannel::kDescriptorsMax) {
    return Fail(ErrorCode::kLimit, "more than {} files at once; give fewer", ControlChannel::kDescriptorsMax - 10);
  }
  const Status sent = channel.Send(body, descriptors);
  Wipe(body);
  return sent;
}

Result<InspectorSetup> ReceiveSetup(ControlChannel& channel) {
  auto message = channel.Receive();
  if (!message) return Fail(message.error());
  ByteReader reader(message->body);
  std::size_t next = 0;
  InspectorSetup setup;
  if (reader.U8() != static_cast<std::uint8_t>(ControlKind::kSetup)) reader.Fail();
  setup.mode = static_cast<InspectorMode>(reader.U8());
  for (auto* text : {&setup.sensor_name, &setup.interface, &setup.run_as}) *text = TakeText(reader);
  setup.index = reader.U32Le();
  setup.count = reader.U32Le();
  setup.fanout_group = reader.U16Le();
  for (bool* flag : {&setup.join_fanout, &setup.carry_on, &setup.tag_names, &setup.verbose}) *flag = reader.U8() != 0;
  setup.zones = TakeZones(reader);
  setup.generation = reader.U64Le();
  for (const auto& limit : config::kLimits) setup.limits.*limit.field = reader.U64Le();
  setup.trusted_keys = TakeKeys(reader);
  setup.shared_block = NextDescriptor(reader, *message, next);
  setup.ring = NextDescriptor(reader, *message, next);
  TakeHandover(reader, *message, next, setup);
  setup.hashsets = TakeHashSets(reader, *message, next);
  const std::uint32_t inputs = reader.U32Le();
  for (std::uint32_t i = 0; i < inputs && reader.ok(); ++i) {
    std::string name = TakeText(reader);
    setup.inputs.push_back({std::move(name), NextDescriptor(reader, *message, next)});
  }
  const bool good = reader.ok() && reader.remaining() == 0;
  Wipe(message->body);
  if (!good) return ForeignMessage();
  return setup;
}

Status SendReload(ControlChannel& channel, const InspectorReload& reload) {
  ByteWriter writer;
  std::vector<int> descriptors;
  writer.Le(static_cast<std::uint8_t>(ControlKind::kReload));
  writer.Le(reload.generation);
  writer.Le(static_cast<std::uint8_t>(reload.tag_names));
  PutZones(writer, reload.zones);
  PutKeys(writer, reload.trusted_keys);
  PutHashSets(writer, reload.hashsets, descriptors);
  Bytes body = writer.Release();
  const Status sent = channel.Send(body, descriptors);
  Wipe(body);
  return sent;
}

Result<InspectorReload> ParseReload(ControlMessage message) {
  ByteReader reader(message.body);
  std::size_t next = 0;
  reader.Skip(1);
  InspectorReload reload;
  reload.generation = reader.U64Le();
  reload.tag_names = reader.U8() != 0;
  reload.zones = TakeZones(reader);
  reload.trusted_keys = TakeKeys(reader);
  reload.hashsets = TakeHashSets(reader, message, next);
  const bool good = reader.ok() && reader.remaining() == 0;
  Wipe(message.body);
  if (!good) return ForeignMessage();
  return reload;
}

}  // namespace spanwatch::process
