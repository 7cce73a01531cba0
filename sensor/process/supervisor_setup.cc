#include "process/supervisor_setup.h"

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace spanwatch::process {
namespace {

void PutFacts(ByteWriter& writer, const std::vector<HashSetFacts>& hashsets) {
  writer.Le(static_cast<std::uint32_t>(hashsets.size()));
  for (const HashSetFacts& hashset : hashsets) {
    writer.Text(hashset.name);
    writer.Text(hashset.digest);
    writer.Le(hashset.serial);
    writer.Le(hashset.created);
    writer.Le(hashset.loaded_at);
    writer.Le(static_cast<std::uint8_t>(hashset.superseded));
    for (const std::uint64_t count :
         {hashset.images, hashset.records, hashset.files, hashset.negatives, hashset.unsearched_records})
      writer.Le(count);
  }
}

std::vector<HashSetFacts> TakeFacts(ByteReader& reader) {
  std::vector<HashSetFacts> hashsets;
  const std::uint32_t count = reader.U32Le();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    HashSetFacts& hashset = hashsets.emplace_back();
    hashset.name = TakeText(reader);
    hashset.digest = TakeText(reader);
    hashset.serial = reader.U64Le();
    hashset.created = static_cast<std::int64_t>(reader.U64Le());
    hashset.loaded_at = static_cast<std::int64_t>(reader.U64Le());
    hashset.superseded = reader.U8() != 0;
    for (auto* number :
         {&hashset.images, &hashset.records, &hashset.files, &hashset.negatives, &hashset.unsearched_records})
      *number = reader.U64Le();
  }
  return hashsets;
}

}  // namespace

Status SendSetup(ControlChannel& channel, const SupervisorSetup& setup) {
  ByteWriter writer;
  std::vector<int> descriptors{setup.launcher_block.get(), setup.generation.get()};
  writer.Text(setup.run_as);
  writer.Le(static_cast<std::uint8_t>(setup.verbose));
  writer.Le(static_cast<std::uint32_t>(setup.inspectors.size()));
  for (const auto& inspector : setup.inspectors) {
    writer.Le(inspector.incarnation);
    writer.Le(static_cast<std::uint8_t>(inspector.running));
    descriptors.push_back(inspector.ring.get());
    descriptors.push_back(inspector.shared_block.get());
  }
  PutFacts(writer, setup.hashsets);
  return channel.Send(writer.bytes(), descriptors);
}

Result<SupervisorSetup> ReceiveSupervisorSetup(ControlChannel& channel) {
  auto message = channel.Receive();
  if (!message) return Fail(message.error());
  ByteReader reader(message->body);
  SupervisorSetup setup;
  setup.run_as = TakeText(reader);
  setup.verbose = reader.U8() != 0;
  const std::uint32_t count = reader.U32Le();
  if (!reader.ok() || message->descriptors.size() != 2 + 2 * std::size_t{count}) {
    return ForeignMessage();
  }
  setup.launcher_block = std::move(message->descriptors[0]);
  setup.generation = std::move(message->descriptors[1]);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& inspector = setup.inspectors.emplace_back();
    inspector.incarnation = reader.U64Le();
    inspector.running = reader.U8() != 0;
    inspector.ring = std::move(message->descriptors[2 + 2 * i]);
    inspector.shared_block = std::move(message->descriptors[3 + 2 * i]);
  }
  setup.hashsets = TakeFacts(reader);
  if (!reader.ok() || reader.remaining() != 0) return ForeignMessage();
  return setup;
}

Status SendReload(ControlChannel& channel, int generation, const std::vector<HashSetFacts>& hashsets) {
  ByteWriter writer;
  writer.Le(static_cast<std::uint8_t>(SupervisorMessage::kReload));
  PutFacts(writer, hashsets);
  return channel.Send(writer.bytes(), std::span(&generation, 1));
}

Result<SupervisorReload> ParseSupervisorReload(ControlMessage message) {
  ByteReader reader(message.body);
  reader.Skip(1);
  SupervisorReload reload;
  reload.hashsets = TakeFacts(reader);
  if (!reader.ok() || reader.remaining() != 0 || message.descriptors.size() != 1) return ForeignMessage();
  reload.generation = std::move(message.descriptors.front());
  return reload;
}

Status SendAboutInspector(ControlChannel& channel, SupervisorMessage what, std::uint32_t inspector) {
  ByteWriter writer;
  writer.Le(static_cast<std::uint8_t>(what));
  writer.Le(inspector);
  return channel.Send(writer.bytes());
}

Result<std::uint32_t> ParseAboutInspector(ByteView body) {
  ByteReader reader(body);
  reader.Skip(1);
  const std::uint32_t inspector = reader.U32Le();
  if (!reader.ok() || reader.remaining() != 0) return ForeignMessage();
  return inspector;
}

Status SendRingReplaced(ControlChannel& channel, const ReplacedRing& replaced) {
  ByteWriter writer;
  writer.Le(static_cast<std::uint8_t>(SupervisorMessage::kRingReplaced));
  writer.Le(replaced.inspector);
  writer.Le(replaced.incarnation);
  const int descriptor = replaced.ring.get();
  return channel.Send(writer.bytes(), std::span(&descriptor, 1));
}

Result<ReplacedRing> ParseRingReplaced(ControlMessage message) {
  ByteReader reader(message.body);
  reader.Skip(1);
  ReplacedRing replaced;
  replaced.inspector = reader.U32Le();
  replaced.incarnation = reader.U64Le();
  if (!reader.ok() || reader.remaining() != 0 || message.descriptors.size() != 1) return ForeignMessage();
  replaced.ring = std::move(message.descriptors.front());
  return replaced;
}

}  // namespace spanwatch::process
