#include "capture/pcapng_file.h"

#include <pcap/dlt.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/byte_reader.h"
#include "capture/pcap_packets.h"

namespace spanwatch::capture {
namespace {

// Section 4 of the draft; 2 is obsolete.
constexpr std::uint32_t kInterfaceBlock = 1, kObsoletePacketBlock = 2, kSimplePacketBlock = 3, kStatisticsBlock = 5,
                        kEnhancedPacketBlock = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kMajorVersion = 1;
// Type, length, length again.
constexpr std::uint32_t kShortestBlock = 12;
constexpr std::uint16_t kTimeResolution = 9, kTimeOffset = 14;      // of an interface
constexpr std::uint16_t kInterfaceDrops = 5, kSystemDrops = 7;      // of statistics
constexpr std::uint64_t kPowersOfTen = 19;                          // that fit 64 bits
constexpr std::uint32_t kMostDecimals = 9, kMostBinaryDigits = 34;  // a fraction of so many times 10^9 fits 64 bits

std::uint64_t PowerOfTen(std::uint64_t exponent) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

// LINKTYPE_ values of files differ from libpcap's DLT_ values only here (pcap-linktype(7)).
int LinkTypeOf(std::uint16_t in_file) {
  switch (in_file) {
    case 100:
      return DLT_ATM_RFC1483;
    case 101:
      return DLT_RAW;
    case 102:
      return DLT_SLIP_BSDOS;
    case 103:
      return DLT_PPP_BSDOS;
    case 106:
      return DLT_ATM_CLIP;
    default:
      return in_file;
  }
}

}  // namespace

// Fields in the byte order of a section.
class PcapngFile::Fields {
 public:
  Fields(ByteView bytes, bool swapped) : reader_(bytes), swapped_(swapped) {}
  std::uint16_t U16() { return swapped_ ? reader_.U16Be() : reader_.U16Le(); }
  std::uint32_t U32() { return swapped_ ? reader_.U32Be() : reader_.U32Le(); }
  std::uint64_t U64() { return swapped_ ? reader_.U64Be() : reader_.U64Le(); }
  // Times and nothing else are written with their high half first, whatever the byte order.
  std::uint64_t Time() {
    const std::uint64_t high = U32();
    return high << 32 | U32();
  }
  bool ok() const { return reader_.ok(); }
  void Skip(std::size_t count) { reader_.Skip(count); }
  ByteView rest() const { return reader_.rest(); }

  // Calls take(code, value) for the options that follow, up to their end: code (2) | length (2) | value, padded to 4.
  template <typename Take>
  void ForEachOption(Take take) {
    while (reader_.ok() && reader_.remaining() >= 4) {
      const std::uint16_t code = U16();
      const std::size_t length = U16();
      const ByteView value = reader_.Take(length);
      if (code == 0 || !reader_.ok()) return;
      take(code, value);
      reader_.Skip(std::min<std::size_t>((4 - length % 4) % 4, reader_.remaining()));
    }
  }

 private:
  ByteReader reader_;
  bool swapped_;
};

Result<std::unique_ptr<CaptureFile>> PcapngFile::Open(std::unique_ptr<ReadAhead> stream, std::string name,
                                                      std::uint64_t total_bytes) {
  std::unique_ptr<PcapngFile> file(new PcapngFile(std::move(stream), std::move(name), total_bytes));
  Block block;
  if (file->Look(block) != Front::kBlock) {
    if (file->stream_->error()) return Fail(file->stream_->error()->In(file->name_));
    return Fail(ErrorCode::kCorrupt, "{}: the beginning of the pcapng file is damaged or cut short", file->name_);
  }
  Fields fields(block.body, file->swapped_);
  fields.Skip(4);
  const std::uint16_t major = fields.U16();
  const std::uint16_t minor = fields.U16();
  if (!fields.ok() || major != kMajorVersion) {
    return Fail(ErrorCode::kCorrupt, "{}: pcapng of version {}.{} is not known", file->name_, major, minor);
  }
  return file;
}

PcapngFile::Front PcapngFile::Look(Block& block) {
  const ByteView head = stream_->Peek(kShortestBlock);
  if (head.empty()) return Front::kEnd;
  if (head.size() < kShortestBlock) return Front::kCut;
  ByteReader reader(head);
  bool swapped = swapped_;
  if (reader.U32Be() == kMagic) {
    reader.Skip(4);
    const std::uint32_t order = reader.U32Le();
    if (order != kByteOrderMagic && std::byteswap(order) != kByteOrderMagic) return Front::kDamaged;
    swapped = order != kByteOrderMagic;
  }
  Fields fields(head, swapped);
  block.type = fields.U32();
  const std::uint32_t length = fields.U32();
  if (length < kShortestBlock || length > kLongestBlock) return Front::kDamaged;
  // The length is a multiple of 4; some writers leave the padding out of it.
  block.length = (std::uint64_t{length} + 3) / 4 * 4;
  const auto kept = static_cast<std::size_t>(std::min<std::uint64_t>(block.length, ReadAhead::kFurthest));
  const ByteView whole = stream_->Peek(kept);
  if (whole.size() < kept) return Front::kCut;
  block.body = whole.subspan(8);
  if (kept == block.length) {
    block.body = block.body.first(kept - kShortestBlock);
    const std::uint32_t again = Fields(whole.last(4), swapped).U32();
    if (again != length && again != block.length) return Front::kDamaged;
  }
  swapped_ = swapped;
  return Front::kBlock;
}

std::optional<PcapngFile::Block> PcapngFile::Next() {
  if (!stream_->Skip(std::exchange(to_skip_, 0))) cut_ = true;
  Block block;
  const Front front = Look(block);
  if (front == Front::kEnd) return std::nullopt;
  if (front != Front::kBlock) {
    const std::uint64_t from = stream_->taken();
    const bool found = FindNext();
    if (found || front == Front::kDamaged) {
      Complain(fmt::format("damaged at byte {}; {} bytes belong to no block", from, stream_->taken() - from));
    } else {
      cut_ = true;
    }
    if (!found) return std::nullopt;
    Look(block);
  }
  to_skip_ = block.length;
  return block;
}

// Only a block that is known and whole counts: anything else may be chance.
bool PcapngFile::FindNext() {
  Block block;
  while (stream_->Skip(4)) {
    const std::uint32_t type = Fields(stream_->Peek(4), swapped_).U32();
    const bool known = (type >= kInterfaceBlock && type <= kEnhancedPacketBlock) || type == kMagic;
    if (known && Look(block) == Front::kBlock && block.length <= ReadAhead::kFurthest) return true;
  }
  return false;
}

Result<PacketSource::State> PcapngFile::Deliver(CapturedPacketConsumer& consumer, std::size_t max_packets) {
  std::size_t delivered = 0;
  while (delivered < std::max<std::size_t>(max_packets, 1)) {
    const auto block = Next();
    if (!block) return AtEnd();
    switch (block->type) {
      case kMagic:
        BeginSection(*block);
        break;
      case kInterfaceBlock:
        AddInterface(*block);
        break;
      case kEnhancedPacketBlock:
        delivered += ReadEnhanced(*block, consumer);
        break;
      case kObsoletePacketBlock:
        delivered += ReadObsolete(*block, consumer);
        break;
      case kSimplePacketBlock:
        delivered += ReadSimple(*block, consumer);
        break;
      case kStatisticsBlock:
        ReadStatistics(*block);
        break;
      default:
        break;
    }
  }
  return State::kMore;
}

Result<PacketSource::State> PcapngFile::AtEnd() {
  if (stream_->error()) return Fail(stream_->error()->In(name_));
  if (!complaint_.empty()) return Fail(ErrorCode::kCorrupt, "{}: {}", name_, complaint_);
  if (cut_) return Fail(ErrorCode::kCorrupt, "{}: it ends in the middle of a block", name_);
  return State::kEnd;
}

void PcapngFile::Complain(std::string_view what) {
  if (complaint_.empty()) complaint_ = what;
}

std::uint64_t PcapngFile::lost_frames() const {
  std::uint64_t lost = lost_frames_;
  for (const Interface& interface : interfaces_) lost += interface.lost_frames;
  return lost;
}

//  byte order (4) | version (2 + 2) | section length (8) | options
void PcapngFile::BeginSection(const Block& block) {
  lost_frames_ = lost_frames();
  interfaces_.clear();
  Fields fields(block.body, swapped_);
  fields.Skip(4);
  if (fields.U16() != kMajorVersion) Complain("a section has a version that is not known");
}

//  link type (2) | reserved (2) | snap length (4) | options
void PcapngFile::AddInterface(const Block& block) {
  Fields fields(block.body, swapped_);
  Interface interface;
  interface.link_type = LinkTypeOf(fields.U16());
  fields.Skip(2);
  interface.snap_length = fields.U32();
  if (!fields.ok()) return Complain("the description of an interface is too short");
  if (interfaces_.size() == kMostInterfaces) return Complain("a section has more interfaces than can be told apart");
  fields.ForEachOption([&](std::uint16_t code, ByteView value) {
    if (code == kTimeResolution && value.size() == 1) {
      interface.binary = (value[0] & 0x80) != 0;
      interface.exponent = value[0] & 0x7f;
    } else if (code == kTimeOffset && value.size() == 8) {
      interface.offset = static_cast<std::int64_t>(Fields(value, swapped_).U64());
    }
  });
  if (!interface.binary && interface.exponent <= kPowersOfTen) interface.units = PowerOfTen(interface.exponent);
  interfaces_.push_back(interface);
  if (std::ranges::find(link_types_, interface.link_type) == link_types_.end()) {
    link_types_.push_back(interface.link_type);
  }
}

//  interface (4) | time (8) | options. The counts are those since the capture began: the last ones stand.
void PcapngFile::ReadStatistics(const Block& block) {
  Fields fields(block.body, swapped_);
  const std::uint32_t interface = fields.U32();
  fields.Time();
  if (!fields.ok() || interface >= interfaces_.size()) return Complain("statistics of an interface that is not there");
  std::uint64_t lost = 0;
  fields.ForEachOption([&](std::uint16_t code, ByteView value) {
    const bool drops = code == kInterfaceDrops || code == kSystemDrops;
    if (drops && value.size() == 8) lost = std::max(lost, Fields(value, swapped_).U64());
  });
  interfaces_[interface].lost_frames = std::max(interfaces_[interface].lost_frames, lost);
}

//  interface (4) | time (8) | captured (4) | original (4) | frame, padded to 4 | options
bool PcapngFile::ReadEnhanced(const Block& block, CapturedPacketConsumer& consumer) {
  Fields fields(block.body, swapped_);
  const std::uint32_t interface = fields.U32();
  return ReadTimed(interface, fields, consumer);
}

//  interface (2) | drops (2) | time (8) | captured (4) | original (4) | frame, padded to 4 | options
bool PcapngFile::ReadObsolete(const Block& block, CapturedPacketConsumer& consumer) {
  Fields fields(block.body, swapped_);
  const std::uint16_t interface = fields.U16();
  fields.Skip(2);
  return ReadTimed(interface, fields, consumer);
}

bool PcapngFile::ReadTimed(std::size_t interface, Fields& fields, CapturedPacketConsumer& consumer) {
  const std::uint64_t time = fields.Time();
  const std::uint32_t captured = fields.U32();
  const std::uint32_t original = fields.U32();
  if (!fields.ok() || interface >= interfaces_.size()) {
    Complain("a frame of an interface that is not described");
    return false;
  }
  time_ = TimeOf(interfaces_[interface], time);
  return DeliverFrame(interface, fields.rest(), captured, original, consumer);
}

//  original (4) | frame, padded to 4. Of the first interface, as much as its snap length allows.
bool PcapngFile::ReadSimple(const Block& block, CapturedPacketConsumer& consumer) {
  Fields fields(block.body, swapped_);
  const std::uint32_t original = fields.U32();
  if (!fields.ok() || interfaces_.empty()) {
    Complain("a frame of an interface that is not described");
    return false;
  }
  const std::uint32_t snap = interfaces_[0].snap_length;
  const std::uint32_t captured = std::min(original, snap == 0 ? kLongestFrame : snap);
  return DeliverFrame(0, fields.rest(), captured, original, consumer);
}

bool PcapngFile::DeliverFrame(std::size_t interface, ByteView bytes, std::uint32_t captured, std::uint32_t original,
                              CapturedPacketConsumer& consumer) {
  const std::uint32_t wanted = std::min(captured, kLongestFrame);
  if (wanted > bytes.size()) Complain("a frame is longer than its block");
  CapturedPacket packet;
  packet.time = time_;
  packet.link_type = interfaces_[interface].link_type;
  packet.original_length = std::max(original, captured);
  packet.bytes = bytes.first(std::min<std::size_t>(bytes.size(), wanted));
  packet.interface_index = static_cast<std::uint16_t>(interface);
  consumer.OnCaptured(packet);
  return true;
}

PacketTime PcapngFile::TimeOf(const Interface& interface, std::uint64_t units) const {
  std::uint64_t seconds = 0;
  std::uint64_t fraction = units;
  std::uint32_t exponent = interface.exponent;
  if (interface.binary) {
    if (exponent < 64) {
      seconds = units >> exponent;
      fraction = units & ((std::uint64_t{1} << exponent) - 1);
    }
    const std::uint32_t excess = exponent > kMostBinaryDigits ? exponent - kMostBinaryDigits : 0;
    fraction = excess < 64 ? (fraction >> excess) * 1'000'000'000 >> (exponent - excess) : 0;
  } else if (exponent <= kPowersOfTen) {
    seconds = units / interface.units;
    fraction = units % interface.units;
    const std::uint64_t scale =
        PowerOfTen(exponent > kMostDecimals ? exponent - kMostDecimals : kMostDecimals - exponent);
    fraction = exponent > kMostDecimals ? fraction / scale : fraction * scale;
  } else {
    const std::uint32_t excess = exponent - kMostDecimals;
    fraction = excess <= kPowersOfTen ? units / PowerOfTen(excess) : 0;
  }
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2);
  const auto whole = static_cast<std::int64_t>(std::min(seconds, kMost));
  const std::int64_t offset =
      std::clamp(interface.offset, -static_cast<std::int64_t>(kMost), static_cast<std::int64_t>(kMost));
  return BoundedTime(whole + offset, static_cast<std::int64_t>(fraction));
}

}  // namespace spanwatch::capture
