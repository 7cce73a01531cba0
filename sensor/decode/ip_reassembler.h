// IpReassembler: joins the fragments of IPv4 (RFC 791 section 3.2) and IPv6 (RFC 8200 section 4.5) datagrams. Used by
// Decoder, one thread, packet time.
//
// Overlap policy: both readings are handed over, for both families. In the first the first bytes to arrive win; the
// second begins with the first contradiction, in it the last bytes win, and it is handed over like a piece whenever it
// is whole. RFC 5722 makes a receiver discard an overlapping IPv6 datagram, but a receiver that works with the sender
// need not; an overlap is an anomaly. A fragment that repeats bytes already there is a duplicate, not an overlap (span
// ports deliver frames twice).
//
// Memory: a fixed number of slots of 64 KiB of address space each, from Limits::decode_fragment_memory_bytes; pages are
// touched only as far as data reaches. When all are taken the oldest datagram is given up. A joined datagram stays in
// its slot until another needs it, so that late duplicates are recognised. What was there of a datagram that is given
// up is handed over in pieces: loss, or a sender that leaves a fragment out on purpose, hides nothing from the search.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "config/limits.h"
#include "model/anomaly.h"
#include "model/packet.h"
#include "telemetry/counters.h"

namespace spanwatch::decode {

struct FragmentKey {
  IpAddress source;
  IpAddress destination;
  std::uint32_t id = 0;
  std::uint8_t protocol = 0;  // IPv4 only; IPv6 knows a datagram by addresses and id
  bool second = false;        // its second reading
  friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
};

// One fragment as its header tells it.
struct Fragment {
  FragmentKey key;
  std::uint32_t offset = 0;    // bytes, a multiple of 8
  bool more = false;           // "more fragments"
  std::uint8_t protocol = 0;   // of the fragment's content; that of the first fragment counts
  bool owner_decided = false;  // see Frame
  ByteView bytes;              // as captured
  std::uint32_t length = 0;    // on the wire; more than bytes.size() when the snap length cut it
};

// Implemented by Decoder. Called in the middle of the reassembler's work: must not call it.
class DatagramPieceConsumer {
 public:
  virtual ~DatagramPieceConsumer() = default;
  struct Piece {
    const DecodedPacket& header;  // of the datagram's first fragment to arrive
    std::uint8_t protocol = 0;
    bool owner_decided = false;
    std::uint32_t offset = 0;  // in the datagram
    std::uint32_t left = 0;    // bytes from `offset` to the end of the datagram, as far as that is known
    ByteView bytes;
  };
  virtual void OnPiece(const Piece& piece) noexcept = 0;
};

// kRefused: not taken, the fragment stands for itself.
enum class FragmentResult : std::uint8_t { kHeld, kJoined, kDuplicate, kRefused };

class IpReassembler {
 public:
  static constexpr std::uint32_t kDatagramBytes = 65536;

  // References must outlive the reassembler.
  IpReassembler(const config::Limits& limits, Counters& counters, AnomalySink& anomalies,
                DatagramPieceConsumer& pieces);

  // A new frame begins at packet time `now`: gives up datagrams that have waited too long. Bytes of datagrams joined
  // before this call may be overwritten after it.
  void BeginFrame(PacketTime now) noexcept;
  // `header` is the packet as decoded up to the fragment; copied.
  FragmentResult Add(const Fragment& fragment, const DecodedPacket& header) noexcept;
  // After kJoined: the datagram's content and protocol, until the next BeginFrame.
  ByteView datagram() const { return datagram_; }
  // Of its first fragment to arrive; what tells whether a receiver takes it is the worst of all.
  const DecodedPacket& header() const { return *header_; }
  std::uint8_t protocol() const { return protocol_; }
  // Gives up everything that waits.
  void Finish() noexcept;

 private:
  static constexpr std::uint32_t kUnits = kDatagramBytes / 8;
  static constexpr std::uint32_t kNone = 0xffffffff;

  // A datagram being joined, or joined. Slots of either state form a list, oldest first.
  struct Slot {
    FragmentKey key;
    DecodedPacket header;
    bool owner_decided = false;
    bool has_second = false;  // a second reading was begun
    PacketTime started;
    std::uint64_t joined_in_frame = 0;  // 0: still waiting
    std::uint32_t total = 0;            // bytes of the whole; 0 until the last fragment came
    std::uint32_t furthest = 0;         // end of the furthest fragment
    std::uint32_t fragments = 0;
    std::uint8_t protocol = 0;
    std::uint32_t previous = kNone, next = kNone;      // in its list
    std::uint32_t chain = kNone;                       // next of the same bucket
    std::unique_ptr<std::uint8_t[]> bytes;             // kDatagramBytes, allocated when first used, then kept
    std::array<std::uint64_t, kUnits / 64> present{};  // one bit per 8 bytes
  };
  struct List {
    std::uint32_t oldest = kNone, newest = kNone;
  };

  void Append(List& list, std::uint32_t index) noexcept;
  void Remove(List& list, std::uint32_t index) noexcept;
  std::uint32_t Find(const FragmentKey& key) const noexcept;
  // A slot for a new datagram; kNone when every one holds bytes of the current frame.
  std::uint32_t Take(const FragmentKey& key) noexcept;
  void Release(List& from, std::uint32_t index) noexcept;
  void Restart(Slot& slot) noexcept;
  static void SetHeader(Slot& slot, const Fragment& fragment, const DecodedPacket& header) noexcept;
  // The slot of its second reading, begun with what it holds when there is none; kNone when there is no room.
  std::uint32_t SecondOf(std::uint32_t index) noexcept;
  // Writes over what is there, and hands the second reading over when it is whole; false when it has too many
  // fragments.
  bool AddToSecond(std::uint32_t index, const Fragment& fragment, const DecodedPacket& header) noexcept;
  static void WriteOver(Slot& slot, const Fragment& fragment) noexcept;
  static bool Whole(const Slot& slot) noexcept;
  // A datagram is given up whose fragments never came: tells when they are a flood.
  void CountUnfinished() noexcept;
  // Hands over what a waiting datagram has, counts why, and frees its slot.
  void GiveUp(std::uint32_t index, Counter reason) noexcept;
  // The fragment's bytes are all there already, and the same.
  static bool Repeats(const Slot& slot, const Fragment& fragment) noexcept;
  // Copies what is not there yet; false when something else was there.
  static bool Write(Slot& slot, const Fragment& fragment) noexcept;
  std::size_t BucketOf(const FragmentKey& key) const noexcept;

  const config::Limits& limits_;
  Counters& counters_;
  AnomalySink& anomalies_;
  DatagramPieceConsumer& pieces_;
  PacketTime now_;
  std::int64_t window_ = 0;       // of flow.flood_window_ms: the number of the current one
  std::uint64_t unfinished_ = 0;  // given up within it
  std::uint64_t frame_ = 1;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> buckets_;  // first slot of each chain; a power of two
  List waiting_, joined_, free_;
  ByteView datagram_;
  const DecodedPacket* header_ = nullptr;
  std::uint8_t protocol_ = 0;
};

}  // namespace spanwatch::decode
