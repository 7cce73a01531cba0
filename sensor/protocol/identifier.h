// FlowProtocol: finds out by content, never by port, which protocol a flow speaks, and drives its parser.
//
// Owned by the flow's consumer in `inspector`, one per flow, which passes on what `flow` delivers; the consumer
// searches the raw streams itself. The first bytes of each direction are kept (at most protocol.identify_bytes) until a
// parser is sure, then replayed, the client's first. Where the beginning is missing, or a gap came before, the protocol
// is still looked for in all that follows. When every parser says no, the flow is raw: facts.visibility stays unknown.
// One inspector thread.
#pragma once

#include <array>

#include "protocol/parser.h"

namespace spanwatch::protocol {

class FlowProtocol {
 public:
  explicit FlowProtocol(const ParserContext& context);

  // Per direction: (OnData | OnGap)* OnEnd. Views are not kept.
  void OnData(Direction direction, ByteView bytes) noexcept;
  void OnGap(Direction direction, std::uint64_t length) noexcept;
  void OnEnd(Direction direction) noexcept;

 private:
  enum class State : std::uint8_t { kIdentifying, kParsing, kFinished };
  struct Side {
    Bytes bytes;               // kept while identifying
    std::size_t searched = 0;  // of them, where no message begins
    bool lost = false;         // what came before `bytes` is missing or was let go
    bool cut = false;          // `bytes` no longer begins where the direction or its latest gap did
    bool ended = false;
  };

  void Identify() noexcept;
  const ParserSpec* Recognised() const;
  bool Hopeless() const;
  bool Replay() noexcept;
  bool Act(ParserAnswer answer) noexcept;
  void HandOver() noexcept;
  void Finish() noexcept;
  void Trim(Side& side);

  ParserContext context_;
  std::array<Side, 2> sides_;
  std::unique_ptr<Parser> parser_;
  State state_ = State::kIdentifying;
  std::uint8_t hand_overs_ = 0;
};

}  // namespace spanwatch::protocol
