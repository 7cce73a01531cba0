// In steady state the flow stage allocates nothing, whatever arrives on conversations that it knows.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "flow_run.h"

namespace {
std::size_t allocations = 0;

void* Allocate(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

// Never inlined: g++ 12 pairs an inlined free() with the new of its caller and warns of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) { return Allocate(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return Allocate(size); }
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace spanwatch::flow {
namespace {

class CountingFlows : public FlowConsumerFactory, public AnomalySink {
 public:
  std::unique_ptr<FlowConsumer> NewFlow(const FlowInfo&) noexcept override { return std::make_unique<Consumer>(bytes); }
  void OnFlood(const FlowInfo&) noexcept override {}
  void OnAnomaly(AnomalyCode) noexcept override {}
  std::uint64_t bytes = 0;

 private:
  class Consumer : public FlowConsumer {
   public:
    explicit Consumer(std::uint64_t& bytes) : bytes_(bytes) {}
    void OnData(Direction, ByteView bytes) noexcept override { bytes_ += bytes.size(); }
    void OnGap(Direction, std::uint64_t) noexcept override {}
    void OnEnd(Direction) noexcept override {}
    void OnReport(const FlowCounters&) noexcept override {}
    void OnEvasion(Direction, AnomalyCode) noexcept override {}
    std::unique_ptr<FlowConsumer> NewReading() noexcept override { return std::make_unique<Consumer>(bytes_); }
    void OnClose(const FlowCounters&, CloseReason) noexcept override {}

   private:
    std::uint64_t& bytes_;
  };
};

// A connection that sends segment after segment; `swapped` brings every two in the wrong order.
class Bulk {
 public:
  Bulk() : payload_(1448, 'x') {
    packet_.source = {*ParseIpAddress("10.20.0.9"), 51514};
    packet_.destination = {*ParseIpAddress("198.51.100.7"), 80};
    packet_.transport = Transport::kTcp;
    packet_.ip_protocol = 6;
    packet_.time = PacketTime(std::chrono::seconds(1'700'000'000));
    packet_.tcp = {sequence_ - 1, 0, 65000, TcpFields::kSyn};
    table_.OnPacket(packet_);
    packet_.payload = AsBytes(payload_);
    packet_.payload_length = static_cast<std::uint32_t>(payload_.size());
    packet_.tcp.flags = TcpFields::kAck;
  }
  ~Bulk() { table_.Finish(); }

  void Send(std::size_t segments, bool swapped) {
    const auto length = static_cast<std::uint32_t>(payload_.size());
    for (std::size_t i = 0; i < segments; ++i) {
      packet_.tcp.sequence = sequence_ + length * static_cast<std::uint32_t>(swapped ? i ^ 1 : i);
      packet_.time += std::chrono::microseconds(1);
      ++packet_.ip_id;
      table_.OnPacket(packet_);
    }
    sequence_ += length * static_cast<std::uint32_t>(segments);
  }
  std::uint64_t bytes() const { return flows_.bytes; }

 private:
  config::Limits limits_;
  Counters counters_;
  CountingFlows flows_;
  FlowTable table_{limits_, counters_, flows_, flows_};
  std::string payload_;
  DecodedPacket packet_;
  std::uint32_t sequence_ = 1001;
};

TEST(FlowAllocation, InOrderSegmentsAllocateNothing) {
  Bulk bulk;
  bulk.Send(100, false);
  const std::size_t before = allocations;
  bulk.Send(10000, false);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(bulk.bytes(), 10100u * 1448);
}

TEST(FlowAllocation, ReorderedSegmentsAllocateNothingOnceThePoolIsWarm) {
  Bulk bulk;
  bulk.Send(100, true);
  const std::size_t before = allocations;
  bulk.Send(10000, true);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(bulk.bytes(), 10100u * 1448);
}

}  // namespace
}  // namespace spanwatch::flow
