// FlowProtocol: finds out by content, never by port, which protocol a flow speaks, and drives its parser.
//
// Owned by the flow's consumer in `inspector`, one per flow, which passes on what `flow` delivers; the consumer
// searches the raw streams itself. The first bytes of each direction are kept (at most protocol.identify_bytes) until a
// parser is sure, then replayed, the client's first. Where the beginning is missing, or a gap came before, the protocol
// is still looked for in all that follows. When every parser says no, the flow is raw: facts.visibility stays unknown.
//
// Of a flow that was joined in its middle nobody knows who is client: both ways round are tried, and what is found
// first decides (facts.roles_reversed). A message at the first byte seen of a direction is proof. One found in the
// midst of other bytes may be the content of a body; it is refuted by the other direction when that begins with a
// message that does not fit. Parsers are given directions by the roles that were found; the objects that they open have
// those of the flow. One inspector thread.
#pragma once

#include <array>
#include <optional>
#include <utility>

#include "protocol/parser.h"

namespace spanwatch::protocol {

class FlowProtocol : private ObjectSink {
 public:
  explicit FlowProtocol(const ParserContext& context);
  ~FlowProtocol() override = default;
  FlowProtocol(const FlowProtocol&) = delete;
  FlowProtocol& operator=(const FlowProtocol&) = delete;

  // Per direction: (OnData | OnGap)* OnEnd. Views are not kept.
  void OnData(Direction direction, ByteView bytes) noexcept;
  void OnGap(Direction direction, std::uint64_t length) noexcept;
  void OnEnd(Direction direction) noexcept;

 private:
  enum class State : std::uint8_t { kIdentifying, kParsing, kFinished };
  // The latest bytes of a direction. What is dropped in front is moved over only once it is a quarter of the rest,
  // since of a stream that nobody knows every packet drops some.
  class KeptBytes {
   public:
    operator ByteView() const { return ByteView(bytes_).subspan(dropped_); }
    std::size_t size() const { return bytes_.size() - dropped_; }
    bool empty() const { return size() == 0; }
    void Append(ByteView more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
    void DropFront(std::size_t count) {
      dropped_ += count;
      if (dropped_ * 4 >= size()) Move();
    }
    Bytes Take() {
      Move();
      return std::exchange(bytes_, {});
    }
    void Put(Bytes bytes) {
      bytes_ = std::move(bytes);
      dropped_ = 0;
    }

   private:
    void Move() {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(dropped_));
      dropped_ = 0;
    }

    Bytes bytes_;
    std::size_t dropped_ = 0;
  };
  struct Side {
    KeptBytes bytes;           // while identifying
    std::size_t searched = 0;  // of them, where no message begins
    bool lost = false;         // what came before `bytes` is missing or was let go
    bool cut = false;          // `bytes` no longer begins where the direction or its latest gap did
    bool ended = false;
    bool seen = false;  // a byte or a gap of it came
  };
  struct Recognition {
    const ParserSpec* spec = nullptr;
    bool reversed = false;
    bool proved = false;  // it stands at the first byte seen
  };

  // Of the parser: its directions go by the roles that were found.
  std::unique_ptr<ObjectConsumer> Open(Direction direction, ObjectInfo info) noexcept override {
    return objects_.Open(Role(direction, reversed_), std::move(info));
  }
  static Direction Role(Direction direction, bool reversed) { return reversed ? Opposite(direction) : direction; }

  void Identify() noexcept;
  std::optional<Recognition> Recognised() const;
  std::optional<Recognition> RecogniseBeginning(bool reversed) const;
  void Begin(const Recognition& recognition) noexcept;
  std::optional<Recognition> RecogniseWithin() const;
  bool Settle(Direction direction, ByteView bytes) noexcept;
  void Release(Direction direction) noexcept;
  void Parse(Direction direction, ByteView bytes) noexcept;
  bool Hopeless() const;
  bool Replay() noexcept;
  bool Act(ParserAnswer answer) noexcept;
  void HandOver() noexcept;
  void Finish() noexcept;
  void Trim(Side& side);

  ObjectSink& objects_;
  ParserContext context_;
  std::array<Side, 2> sides_;
  const ParserSpec* spec_ = nullptr;  // of parser_
  bool roles_known_ = false;
  bool reversed_ = false;
  bool refutable_ = false;  // the roles were found in the midst of bytes; the other direction has not been seen
  std::unique_ptr<Parser> parser_;
  State state_ = State::kIdentifying;
  std::uint8_t hand_overs_ = 0;
};

}  // namespace spanwatch::protocol
