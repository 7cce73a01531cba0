// PcapngFile: a capture file in pcapng (draft-ietf-opsawg-pcapng), read here and not by libpcap, which refuses files
// whose interfaces differ in link type or snap length and files whose sections differ in byte order. Made by
// OpenCaptureFile; one thread.
//
// What is read: sections of either byte order, interfaces with if_tsresol and if_tsoffset, enhanced, simple and the
// obsolete packet blocks, and the drops that interface statistics tell. Every other block is passed over. For what
// libpcap reads too, the frames are the same, but for the time of simple packet blocks, which have none: they get that
// of the frame before.
//
// A damaged file is read to its end: where no block can stand, the next place is looked for where one does. That, and a
// file that ends in the middle of a block, is the error of the last Deliver. Memory is bounded: of a block, what
// exceeds ReadAhead::kFurthest is passed over; of a frame, kLongestFrame bytes count.
#pragma once

#include <vector>

#include "capture/capture_file.h"
#include "capture/read_ahead.h"

namespace spanwatch::capture {

class PcapngFile final : public CaptureFile {
 public:
  static constexpr std::uint32_t kMagic = 0x0a0d0d0a;  // of a section's first block; the same in either byte order
  static constexpr std::uint32_t kLongestFrame = 262144;
  static constexpr std::uint32_t kLongestBlock = 16 * 1024 * 1024;  // as libpcap has it
  static constexpr std::size_t kMostInterfaces = 65536;             // of one section

  // Reads as far as the first section header; one that cannot be is an error. `name` stands in messages only.
  static Result<std::unique_ptr<CaptureFile>> Open(std::unique_ptr<ReadAhead> stream, std::string name,
                                                   std::uint64_t total_bytes);

  Result<State> Deliver(CapturedPacketConsumer& consumer, std::size_t max_packets) override;
  int poll_fd() const override { return -1; }
  Progress progress() const override { return {stream_->stored_position(), total_bytes_}; }
  std::span<const int> link_types() const override { return link_types_; }
  std::uint64_t lost_frames() const override;

 private:
  struct Interface {
    int link_type = 0;
    std::uint32_t snap_length = 0;  // 0: none
    bool binary = false;            // units of 2^-exponent seconds, else 10^-exponent
    std::uint8_t exponent = 6;
    std::uint64_t units = 1'000'000;  // a second; for exponents beyond 64 bits unused
    std::int64_t offset = 0;          // seconds
    std::uint64_t lost_frames = 0;
  };
  struct Block {
    std::uint32_t type = 0;
    std::uint64_t length = 0;  // in the file, padding included
    ByteView body;             // without the length at the end; of a very long block, the beginning
  };
  enum class Front : std::uint8_t { kBlock, kEnd, kCut, kDamaged };
  class Fields;

  PcapngFile(std::unique_ptr<ReadAhead> stream, std::string name, std::uint64_t total_bytes)
      : stream_(std::move(stream)), name_(std::move(name)), total_bytes_(total_bytes) {}

  // What stands at the front of the stream; `block` is set when it is one.
  Front Look(Block& block);
  // The next block; nothing at the end. Its bytes live until the next call.
  std::optional<Block> Next();
  // Passes over bytes of no block until one stands again; false when none does.
  bool FindNext();
  void BeginSection(const Block& block);
  void AddInterface(const Block& block);
  void ReadStatistics(const Block& block);
  // Whether a frame was delivered.
  bool ReadEnhanced(const Block& block, CapturedPacketConsumer& consumer);
  bool ReadObsolete(const Block& block, CapturedPacketConsumer& consumer);
  bool ReadSimple(const Block& block, CapturedPacketConsumer& consumer);
  // `fields` stands before the two lengths and the frame.
  bool ReadTimed(std::size_t interface, Fields& fields, CapturedPacketConsumer& consumer);
  bool DeliverFrame(std::size_t interface, ByteView bytes, std::uint32_t captured, std::uint32_t original,
                    CapturedPacketConsumer& consumer);
  PacketTime TimeOf(const Interface& interface, std::uint64_t units) const;
  // Remembers the first thing that is wrong, for the error at the end.
  void Complain(std::string_view what);
  Result<State> AtEnd();

  std::unique_ptr<ReadAhead> stream_;
  std::string name_;
  std::uint64_t total_bytes_;
  bool swapped_ = false;  // the section's byte order is not little-endian
  std::uint64_t to_skip_ = 0;
  bool cut_ = false;
  std::string complaint_;
  std::vector<Interface> interfaces_;  // of the section
  std::vector<int> link_types_;
  std::uint64_t lost_frames_ = 0;  // of the sections before
  PacketTime time_;                // of the latest frame
};

}  // namespace spanwatch::capture
