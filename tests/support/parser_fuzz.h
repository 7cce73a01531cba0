// One fuzz input as one conversation, given to one parser and to identification. Input: per event a control byte (bit
// 0: direction, bits 1-2: 3 is a gap, bit 3: end), a length (2, big-endian), bytes; each piece has a block of its own
// size.
#pragma once

#include "base/byte_reader.h"
#include "base/check.h"
#include "protocol/identifier.h"

namespace spanwatch::protocol {

class ParserFuzz final : public ObjectSink, public AnomalySink {
 public:
  std::unique_ptr<ObjectConsumer> Open(Direction, ObjectInfo info) noexcept override {
    CHECK(info.step.size() <= 256);
    return std::make_unique<Consumer>();
  }
  void OnAnomaly(AnomalyCode) noexcept override {}

  void Run(const ParserSpec& spec, ByteView input) {
    FlowInfo flow;
    flow.transport = Transport::kTcp;
    flow.midstream = !input.empty() && (input[0] & 0x80) != 0;
    FlowFacts facts;
    Counters counters;
    config::Limits limits;
    limits.protocol_http_head_bytes = 4096;
    const ParserContext context{flow, facts, *this, *this, counters, limits};
    std::unique_ptr<Parser> parser = spec.create(context);
    FlowProtocol identified(context);
    ParserAnswer answer = ParserAnswer::kContinue;
    bool ended[2] = {};
    ByteReader reader(input);
    while (reader.remaining() >= 3) {
      const std::uint8_t control = reader.U8();
      const Direction direction = (control & 1) == 0 ? Direction::kFromClient : Direction::kFromServer;
      const std::size_t length = reader.U16Be();
      if (ended[Index(direction)]) continue;
      if ((control & 6) == 6) {
        if (answer == ParserAnswer::kContinue) answer = parser->OnGap(direction, length + 1);
        identified.OnGap(direction, length + 1);
      } else if ((control & 8) != 0) {
        ended[Index(direction)] = true;
        if (answer == ParserAnswer::kContinue) answer = parser->OnEnd(direction);
        identified.OnEnd(direction);
      } else if (const std::size_t size = std::min(length, reader.remaining()); size > 0) {
        const ByteView taken = reader.Take(size);
        const Bytes piece(taken.begin(), taken.end());
        if (answer == ParserAnswer::kContinue) answer = parser->OnData(direction, piece);
        identified.OnData(direction, piece);
      }
    }
  }

 private:
  class Consumer final : public ObjectConsumer {
   public:
    ~Consumer() override { CHECK(ended_); }
    bool OnData(ByteView bytes) noexcept override {
      CHECK(!ended_);
      for (const std::uint8_t byte : bytes) sum_ = static_cast<std::uint8_t>(sum_ + byte);
      return sum_ != 77;
    }
    void OnGap(std::uint64_t) noexcept override { CHECK(!ended_); }
    void OnEnd(ObjectEnd) noexcept override {
      CHECK(!ended_);
      ended_ = true;
    }

   private:
    bool ended_ = false;
    std::uint8_t sum_ = 0;
  };
};

}  // namespace spanwatch::protocol
