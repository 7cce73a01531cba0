// The parser of HTTP/1.x, made by http1_parser.cc for one flow (its spec is in parsers.def); inspector thread only.
//
// Where readers of a message differ (lengths that contradict each other, blanks that may end a head, a body that the
// head did not announce), it follows the likely reading and opens a second object, `whole`, with all that follows the
// head.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "protocol/http1_head.h"
#include "protocol/parser.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::protocol {

// A request, and what its response needs to know of it while it is awaited.
struct Http1PendingRequest {
  std::string target;
  std::shared_ptr<const ExchangeFacts> exchange;
  bool head = false;
  bool connect = false;
  bool versioned = true;
};

enum class Http1State : std::uint8_t {
  kHead,  // start line and fields
  kLengthBody,
  kEndlessBody,  // until the direction ends
  kChunkSize,
  kChunkData,
  kTrailers,
  kResume,  // looking for the next message
  kHeld,    // after a CONNECT request: whose the bytes are, its response tells
};

// One direction.
struct Http1Side {
  Http1State state = Http1State::kHead;
  std::string text;      // of the head, the chunk line or what is held
  std::size_t line = 0;  // where the line that is being collected begins in `text`
  bool probed = false;   // the start line is known to be one
  bool ended = false;
  bool heads_seen = false;
  ObjectInfo info;  // of the message's body, until it is opened
  std::unique_ptr<ObjectConsumer> object;
  std::unique_ptr<ObjectConsumer>
      whole;              // the other reading of a body with doubtful framing: all that follows its head
  ObjectInfo whole_info;  // of the latest message
  std::optional<Http1State>
      unexpected;              // how a body is framed that the latest head may not have, when one comes all the same
  bool seek_head_end = false;  // after a gap inside a head
  bool wanted = false;
  bool missing = false;  // bytes of the body were lost
  bool first_chunk = false;
  // Of a request's body of which nothing came yet: it may never come, since the client waits for leave to send it, or
  // was answered already. What follows the head may then be the next request.
  bool may_lack_body = false;
  std::uint64_t remaining = 0;  // of the body or the chunk
  std::optional<std::uint64_t> fallback_length;
};

class Http1Parser final : public Parser {
 public:
  explicit Http1Parser(const ParserContext& context) : context_(context) {
    context_.facts.protocol = "http";
    context_.facts.visibility = Visibility::kClear;
  }
  ~Http1Parser() override {
    for (Side& side : sides_) {
      EndBody(side, ObjectEnd::kTruncated);
      EndWhole(side);
    }
  }

  ParserAnswer OnData(Direction direction, ByteView bytes) noexcept override {
    Run(direction, bytes);
    return answer_;
  }
  ParserAnswer OnGap(Direction direction, std::uint64_t length) noexcept override;
  ParserAnswer OnEnd(Direction direction) noexcept override;
  Bytes TakeRest(Direction direction) noexcept override {
    if (direction == Direction::kFromServer) return std::move(server_rest_);
    const ByteView held = AsBytes(SideOf(direction).text);
    return {held.begin(), held.end()};
  }

 private:
  using State = Http1State;
  using Side = Http1Side;

  Side& SideOf(Direction direction) { return sides_[Index(direction)]; }
  // `fed`: the other reading that has had these bytes already, if it has.
  void Run(Direction direction, ByteView bytes, const ObjectConsumer* fed = nullptr);
  std::size_t Step(Direction direction, ByteView bytes);
  std::size_t StepHead(Direction direction, ByteView bytes);
  bool ProbeResponse(Side& side, char next);
  bool NoResponse(Side& side);
  void OnStartLine(Direction direction);
  std::size_t StepBody(Direction direction, ByteView bytes);
  std::size_t StepAwaitedBody(ByteView bytes);
  void TakeAwaitedBody();
  std::size_t StepChunkSize(Direction direction, ByteView bytes);
  std::size_t StepTrailers(Side& side, ByteView bytes);
  std::size_t StepResume(Direction direction, ByteView bytes);
  std::size_t StepHeld(Side& side, ByteView bytes);
  void OnHead(Direction direction);
  void EndUnfinishedHead(Direction direction);
  void NextHead(Side& side);
  void OnRequest(const Http1Head& head);
  void OnResponse(const Http1Head& head);
  void OnAnswer(int status);
  void OnChunkLine(Direction direction);
  void BeginBody(Direction direction, const Http1Head& head, std::string step, const Http1PendingRequest& request);
  std::shared_ptr<const ExchangeFacts> BeginExchange(const Http1Head& head);
  void Await(const Http1PendingRequest& request);
  ObjectInfo BodyOf(const Http1PendingRequest& request) const;
  void NotChunked(Direction direction);
  void Deliver(Direction direction, ByteView bytes);
  void OpenBody(Direction direction);
  void EndBody(Side& side, ObjectEnd end);
  void OpenWhole(Direction direction);
  void EndWhole(Side& side);
  void NextMessage(Side& side);
  void Resume(Direction direction);
  void Malformed(Direction direction) {
    context_.anomalies.OnAnomaly(AnomalyCode::http_malformed);
    Resume(direction);
  }

  ParserContext context_;
  std::array<Side, 2> sides_;
  std::deque<Http1PendingRequest> pending_;
  std::uint64_t unmatched_ = 0;  // requests behind those of pending_ that wait for their responses too
  bool any_exchange_ = false;
  ParserAnswer answer_ = ParserAnswer::kContinue;
  Bytes server_rest_;
};

}  // namespace spanwatch::protocol
