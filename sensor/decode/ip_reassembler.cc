#include "decode/ip_reassembler.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "telemetry/anomaly_codes.h"

namespace spanwatch::decode {
namespace {

// Calls visit(word, mask) for the words that hold units [first, last).
template <typename Visit>
void ForEachWord(std::uint32_t first, std::uint32_t last, Visit visit) {
  for (std::uint32_t unit = first; unit < last;) {
    const std::uint32_t word = unit / 64;
    const std::uint32_t from = unit % 64;
    const std::uint32_t to = std::min(64u, from + (last - unit));
    const std::uint64_t below_to = to == 64 ? ~0ull : (1ull << to) - 1;
    visit(word, below_to & ~0ull << from);
    unit += to - from;
  }
}

template <typename Bits>
std::uint32_t CountPresent(const Bits& present, std::uint32_t first, std::uint32_t last) {
  std::uint32_t count = 0;
  ForEachWord(first, last, [&](std::uint32_t word, std::uint64_t mask) {
    count += static_cast<std::uint32_t>(std::popcount(present[word] & mask));
  });
  return count;
}

constexpr std::uint32_t UnitsUpTo(std::uint32_t bytes) { return (bytes + 7) / 8; }

// Other bytes for a joined datagram contradict it within this time; later its identification was used again.
constexpr std::chrono::milliseconds kContradicted{100};

// A receiver takes no datagram of which it drops a fragment.
void KeepTheWorst(DecodedPacket& of, const DecodedPacket& fragment) {
  of.hop_limit = std::min(of.hop_limit, fragment.hop_limit);
  of.ip_options = of.ip_options || fragment.ip_options;
  of.overlong = of.overlong || fragment.overlong;
  if (fragment.checksum == Checksum::kWrong) of.checksum = Checksum::kWrong;
}

}  // namespace

IpReassembler::IpReassembler(const config::Limits& limits, Counters& counters, AnomalySink& anomalies,
                             DatagramPieceConsumer& pieces)
    : limits_(limits), counters_(counters), anomalies_(anomalies), pieces_(pieces) {
  slots_.resize(std::max<std::size_t>(1, limits.decode_fragment_memory_bytes / (kDatagramBytes + sizeof(Slot))));
  buckets_.assign(std::bit_ceil(slots_.size() * 2), kNone);
  for (std::uint32_t index = 0; index < slots_.size(); ++index) Append(free_, index);
}

void IpReassembler::BeginFrame(PacketTime now) noexcept {
  ++frame_;
  now_ = now;
  const Duration timeout = std::chrono::milliseconds(limits_.decode_fragment_timeout_ms);
  while (waiting_.oldest != kNone && slots_[waiting_.oldest].started + timeout < now) {
    GiveUp(waiting_.oldest, Counter::fragment_datagrams_expired);
  }
}

void IpReassembler::Finish() noexcept {
  while (waiting_.oldest != kNone) GiveUp(waiting_.oldest, Counter::fragment_datagrams_unfinished);
}

FragmentResult IpReassembler::Add(const Fragment& fragment, const DecodedPacket& header) noexcept {
  const std::uint32_t end = fragment.offset + fragment.length;
  if (fragment.length == 0 || end >= kDatagramBytes || (fragment.more && fragment.length % 8 != 0)) {
    anomalies_.OnAnomaly(AnomalyCode::ip_fragment_malformed);
    return FragmentResult::kRefused;
  }
  if (fragment.bytes.size() < fragment.length) return FragmentResult::kRefused;
  std::uint32_t index = Find(fragment.key);
  if (index == kNone) {
    index = Take(fragment.key);
    if (index == kNone) return FragmentResult::kRefused;
    SetHeader(slots_[index], fragment, header);
  } else if (Repeats(slots_[index], fragment)) {
    return FragmentResult::kDuplicate;
  } else if (slots_[index].joined_in_frame == frame_) {
    return FragmentResult::kRefused;  // its bytes are being read, and this fragment came out of them
  } else if (slots_[index].joined_in_frame != 0 && now_ - slots_[index].started < kContradicted) {
    anomalies_.OnAnomaly(AnomalyCode::ip_fragment_overlap);
    const std::uint32_t second = SecondOf(index);
    if (second == kNone) return FragmentResult::kRefused;
    return AddToSecond(second, fragment, header) ? FragmentResult::kHeld : FragmentResult::kRefused;
  } else if (slots_[index].joined_in_frame != 0) {
    Remove(joined_, index);  // the id was used again
    Append(waiting_, index);
    Restart(slots_[index]);
    SetHeader(slots_[index], fragment, header);
  }
  Slot& slot = slots_[index];
  if (slot.fragments == limits_.decode_datagram_fragments_count) {
    anomalies_.OnAnomaly(AnomalyCode::ip_fragment_limit);
    GiveUp(index, Counter::fragment_datagrams_refused);
    return FragmentResult::kRefused;
  }
  ++slot.fragments;
  if (fragment.offset == 0 || slot.fragments == 1) slot.protocol = fragment.protocol;
  slot.furthest = std::max(slot.furthest, end);
  KeepTheWorst(slot.header, header);
  const bool clean = Write(slot, fragment);
  if (!clean) anomalies_.OnAnomaly(AnomalyCode::ip_fragment_overlap);
  if (!fragment.more && slot.total == 0) slot.total = end;
  if (!clean || slot.has_second) {
    const std::uint32_t second = SecondOf(index);
    if (second != kNone) (void)AddToSecond(second, fragment, header);
  }
  if (!Whole(slot)) return FragmentResult::kHeld;
  slot.joined_in_frame = frame_;
  Remove(waiting_, index);
  Append(joined_, index);
  counters_.Add(Counter::fragment_datagrams_joined);
  datagram_ = {slot.bytes.get(), slot.total};
  header_ = &slot.header;
  protocol_ = slot.protocol;
  return FragmentResult::kJoined;
}

bool IpReassembler::Whole(const Slot& slot) noexcept {
  const std::uint32_t units = UnitsUpTo(slot.total);
  return slot.total != 0 && CountPresent(slot.present, 0, units) == units;
}

std::uint32_t IpReassembler::SecondOf(std::uint32_t index) noexcept {
  FragmentKey key = slots_[index].key;
  key.second = true;
  if (slots_[index].has_second) {
    const std::uint32_t known = Find(key);
    if (known != kNone) return known;
  }
  // A slot must not be taken from the datagram that it is for.
  const bool free = free_.oldest != kNone;
  if (!free && (index == waiting_.oldest || index == joined_.oldest)) return kNone;
  const std::uint32_t second = Take(key);
  if (second == kNone) return kNone;
  slots_[index].has_second = true;
  Slot& to = slots_[second];
  const Slot& from = slots_[index];
  to.header = from.header;
  to.owner_decided = from.owner_decided;
  to.total = from.total;
  to.furthest = from.furthest;
  to.fragments = from.fragments;
  to.protocol = from.protocol;
  to.present = from.present;
  std::memcpy(to.bytes.get(), from.bytes.get(), from.furthest);
  return second;
}

bool IpReassembler::AddToSecond(std::uint32_t index, const Fragment& fragment, const DecodedPacket& header) noexcept {
  Slot& slot = slots_[index];
  if (slot.fragments > limits_.decode_datagram_fragments_count) {  // what began it counts twice
    anomalies_.OnAnomaly(AnomalyCode::ip_fragment_limit);
    return false;
  }
  ++slot.fragments;
  KeepTheWorst(slot.header, header);
  WriteOver(slot, fragment);
  if (!Whole(slot)) return true;
  if (slot.joined_in_frame == 0) {
    Remove(waiting_, index);
    Append(joined_, index);
    counters_.Add(Counter::fragment_datagrams_joined);
  }
  slot.joined_in_frame = frame_;
  pieces_.OnPiece({slot.header, slot.protocol, slot.owner_decided, 0, slot.total, {slot.bytes.get(), slot.total}});
  return true;
}

void IpReassembler::WriteOver(Slot& slot, const Fragment& fragment) noexcept {
  const std::uint32_t end = fragment.offset + fragment.length;
  std::memcpy(slot.bytes.get() + fragment.offset, fragment.bytes.data(), fragment.length);
  ForEachWord(fragment.offset / 8, UnitsUpTo(end),
              [&](std::uint32_t word, std::uint64_t mask) { slot.present[word] |= mask; });
  slot.furthest = std::max(slot.furthest, end);
  if (fragment.offset == 0) slot.protocol = fragment.protocol;
  if (!fragment.more) slot.total = end;
}

void IpReassembler::SetHeader(Slot& slot, const Fragment& fragment, const DecodedPacket& header) noexcept {
  slot.header = header;
  slot.owner_decided = fragment.owner_decided;
}

bool IpReassembler::Repeats(const Slot& slot, const Fragment& fragment) noexcept {
  const std::uint32_t end = fragment.offset + fragment.length;
  if (!fragment.more && slot.total != end) return false;
  if (slot.total != 0 && end > slot.total) return false;
  const std::uint32_t first = fragment.offset / 8;
  const std::uint32_t last = UnitsUpTo(end);
  return CountPresent(slot.present, first, last) == last - first &&
         std::memcmp(slot.bytes.get() + fragment.offset, fragment.bytes.data(), fragment.length) == 0;
}

bool IpReassembler::Write(Slot& slot, const Fragment& fragment) noexcept {
  const std::uint32_t end = fragment.offset + fragment.length;
  const std::uint32_t first = fragment.offset / 8;
  const std::uint32_t last = UnitsUpTo(end);
  // Two ends, or bytes beyond the end: as much a contradiction as an overlap.
  bool clean = slot.total == 0 || (end <= slot.total && (fragment.more || end == slot.total));
  if (CountPresent(slot.present, first, last) == 0) {
    std::memcpy(slot.bytes.get() + fragment.offset, fragment.bytes.data(), fragment.length);
  } else {
    clean = false;
    for (std::uint32_t unit = first; unit < last; ++unit) {
      if (slot.present[unit / 64] >> unit % 64 & 1) continue;
      const std::uint32_t from = unit * 8 - fragment.offset;
      std::memcpy(slot.bytes.get() + unit * 8, fragment.bytes.data() + from, std::min(8u, fragment.length - from));
    }
  }
  ForEachWord(first, last, [&](std::uint32_t word, std::uint64_t mask) { slot.present[word] |= mask; });
  return clean;
}

void IpReassembler::CountUnfinished() noexcept {
  const std::int64_t window = Nanoseconds(now_) / (static_cast<std::int64_t>(limits_.flow_flood_window_ms) * 1'000'000);
  if (window != window_) unfinished_ = 0;
  window_ = window;
  if (++unfinished_ > limits_.decode_fragment_flood_count) anomalies_.OnAnomaly(AnomalyCode::flood_fragments);
}

void IpReassembler::GiveUp(std::uint32_t index, Counter reason) noexcept {
  counters_.Add(reason);
  if (reason != Counter::fragment_datagrams_unfinished) CountUnfinished();
  const Slot& slot = slots_[index];
  const auto is_present = [&](std::uint32_t unit) { return (slot.present[unit / 64] >> unit % 64 & 1) != 0; };
  const std::uint32_t end = slot.total != 0 ? slot.total : slot.furthest;
  const std::uint32_t units = UnitsUpTo(end);
  for (std::uint32_t first = 0; first < units; ++first) {
    if (!is_present(first)) continue;
    std::uint32_t last = first;
    while (last < units && is_present(last)) ++last;
    const std::uint32_t from = first * 8;
    const std::uint32_t to = std::min(last * 8, end);
    pieces_.OnPiece(
        {slot.header, slot.protocol, slot.owner_decided, from, end - from, {slot.bytes.get() + from, to - from}});
    first = last;
  }
  Release(waiting_, index);
}

std::size_t IpReassembler::BucketOf(const FragmentKey& key) const noexcept {
  std::uint64_t hash = static_cast<std::uint64_t>(key.id) << 8 | key.protocol;
  for (const IpAddress* address : {&key.source, &key.destination}) {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), address->bytes.data(), sizeof(words));
    hash = (hash ^ words[0]) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 29 ^ words[1]) * 0x9e3779b97f4a7c15u;
  }
  return hash >> 32 & (buckets_.size() - 1);
}

std::uint32_t IpReassembler::Find(const FragmentKey& key) const noexcept {
  std::uint32_t index = buckets_[BucketOf(key)];
  while (index != kNone && slots_[index].key != key) index = slots_[index].chain;
  return index;
}

std::uint32_t IpReassembler::Take(const FragmentKey& key) noexcept {
  if (free_.oldest == kNone) {
    if (joined_.oldest != kNone && slots_[joined_.oldest].joined_in_frame != frame_) {
      Release(joined_, joined_.oldest);
    } else if (waiting_.oldest != kNone) {
      anomalies_.OnAnomaly(AnomalyCode::ip_fragment_limit);
      GiveUp(waiting_.oldest, Counter::fragment_datagrams_evicted);
    } else {
      return kNone;
    }
  }
  const std::uint32_t index = free_.newest;  // the one whose memory is warm
  Slot& slot = slots_[index];
  if (!slot.bytes) slot.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(kDatagramBytes);
  Remove(free_, index);
  Append(waiting_, index);
  slot.key = key;
  std::uint32_t& bucket = buckets_[BucketOf(key)];
  slot.chain = bucket;
  bucket = index;
  Restart(slot);
  return index;
}

void IpReassembler::Restart(Slot& slot) noexcept {
  counters_.Add(Counter::fragment_datagrams_started);
  slot.started = now_;
  slot.joined_in_frame = 0;
  slot.total = 0;
  slot.furthest = 0;
  slot.fragments = 0;
  slot.has_second = false;
  slot.protocol = 0;
  slot.present.fill(0);
}

void IpReassembler::Release(List& from, std::uint32_t index) noexcept {
  std::uint32_t* link = &buckets_[BucketOf(slots_[index].key)];
  while (*link != index) link = &slots_[*link].chain;
  *link = slots_[index].chain;
  Remove(from, index);
  Append(free_, index);
}

void IpReassembler::Append(List& list, std::uint32_t index) noexcept {
  Slot& slot = slots_[index];
  slot.previous = list.newest;
  slot.next = kNone;
  (list.newest == kNone ? list.oldest : slots_[list.newest].next) = index;
  list.newest = index;
}

void IpReassembler::Remove(List& list, std::uint32_t index) noexcept {
  const Slot& slot = slots_[index];
  (slot.previous == kNone ? list.oldest : slots_[slot.previous].next) = slot.next;
  (slot.next == kNone ? list.newest : slots_[slot.next].previous) = slot.previous;
}

}  // namespace spanwatch::decode
