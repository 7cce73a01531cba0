#include "protocol/identifier.h"

#include <algorithm>

namespace spanwatch::protocol {
namespace {

constexpr Direction kDirections[] = {Direction::kFromClient, Direction::kFromServer};
constexpr std::uint8_t kMaxHandOvers = 4;  // tunnels inside tunnels of one flow

}  // namespace

FlowProtocol::FlowProtocol(const ParserContext& context) : context_(context) {
  if (context.flow.transport != Transport::kTcp) state_ = State::kFinished;
  for (Side& side : sides_) side.lost = context.flow.midstream;
}

void FlowProtocol::OnData(Direction direction, ByteView bytes) noexcept {
  if (state_ == State::kParsing) {
    if (!Act(parser_->OnData(direction, bytes))) Identify();
  } else if (state_ == State::kIdentifying) {
    Side& side = sides_[Index(direction)];
    // SOCKS (RFC 1928) talks before the protocol that it carries: what begins is looked for in the midst of the bytes.
    if (direction == Direction::kFromClient && side.bytes.empty() && (bytes[0] == 4 || bytes[0] == 5)) {
      for (Side& each : sides_) each.lost = true;
    }
    side.bytes.insert(side.bytes.end(), bytes.begin(), bytes.end());
    Identify();
    if (state_ == State::kIdentifying) Trim(side);
  }
}

void FlowProtocol::OnGap(Direction direction, std::uint64_t length) noexcept {
  if (state_ == State::kParsing) {
    if (!Act(parser_->OnGap(direction, length))) Identify();
  } else if (state_ == State::kIdentifying) {
    Side& side = sides_[Index(direction)];
    side.bytes.clear();
    side.searched = 0;
    side.lost = true;
    side.cut = false;
  }
}

void FlowProtocol::OnEnd(Direction direction) noexcept {
  sides_[Index(direction)].ended = true;
  if (state_ == State::kParsing) {
    if (!Act(parser_->OnEnd(direction))) Identify();
  } else if (state_ == State::kIdentifying && sides_[0].ended && sides_[1].ended) {
    context_.counters.Add(Counter::protocol_flows_unknown);
    Finish();
  }
}

// A loop, not a recursion: a hand-over brings back the state of identifying.
void FlowProtocol::Identify() noexcept {
  while (state_ == State::kIdentifying) {
    const ParserSpec* spec = Recognised();
    if (spec == nullptr) {
      for (Side& side : sides_) side.searched = side.lost ? side.bytes.size() : 0;
      if (Hopeless()) {
        context_.counters.Add(Counter::protocol_flows_unknown);
        Finish();
      }
      return;
    }
    context_.counters.Add(Counter::protocol_flows_identified);
    parser_ = spec->create(context_);
    state_ = State::kParsing;
    if (Replay()) return;
  }
}

const ParserSpec* FlowProtocol::Recognised() const {
  for (const ParserSpec* spec : Parsers()) {
    for (const Direction direction : kDirections) {
      const Side& side = sides_[Index(direction)];
      if (side.bytes.empty()) continue;
      if (!side.cut && spec->probe(side.bytes, direction) == ProbeAnswer::kYes) return spec;
      const bool within = side.lost && spec->begins_within != nullptr;
      if (within && spec->begins_within(side.bytes, side.searched, direction)) return spec;
    }
  }
  return nullptr;
}

// Both directions were seen from their beginning, and no parser wants either.
bool FlowProtocol::Hopeless() const {
  return std::ranges::all_of(kDirections, [&](Direction direction) {
    const Side& side = sides_[Index(direction)];
    if (side.lost || side.bytes.empty()) return false;
    return std::ranges::all_of(
        Parsers(), [&](const ParserSpec* spec) { return spec->probe(side.bytes, direction) == ProbeAnswer::kNo; });
  });
}

// False when the parser handed over.
bool FlowProtocol::Replay() noexcept {
  std::array<Bytes, 2> kept = {std::move(sides_[0].bytes), std::move(sides_[1].bytes)};
  for (Side& side : sides_) side.searched = 0;
  for (Side& side : sides_) side.bytes = Bytes();
  for (const Direction direction : kDirections) {
    const Side& side = sides_[Index(direction)];
    const Bytes& bytes = kept[Index(direction)];
    ParserAnswer answer = side.lost ? parser_->OnGap(direction, 0) : ParserAnswer::kContinue;
    if (answer == ParserAnswer::kContinue && !bytes.empty()) answer = parser_->OnData(direction, bytes);
    if (answer == ParserAnswer::kContinue && side.ended) answer = parser_->OnEnd(direction);
    if (answer == ParserAnswer::kContinue) continue;
    const bool parsing = Act(answer);
    // A tunnel that the client's bytes alone gave away: what the server said meanwhile goes to the inner protocol.
    if (!parsing && direction == Direction::kFromClient) sides_[1].bytes = std::move(kept[1]);
    return parsing;
  }
  return true;
}

bool FlowProtocol::Act(ParserAnswer answer) noexcept {
  switch (answer) {
    case ParserAnswer::kContinue:
      return true;
    case ParserAnswer::kDone:
      Finish();
      return true;
    case ParserAnswer::kNotMine:
      context_.counters.Add(Counter::protocol_flows_unknown);
      Finish();
      return true;
    case ParserAnswer::kHandOver:
      HandOver();
      return state_ == State::kFinished;
  }
  return true;
}

void FlowProtocol::HandOver() noexcept {
  context_.facts.visibility = Visibility::kUnknown;
  if (++hand_overs_ > kMaxHandOvers) return Finish();
  for (const Direction direction : kDirections) {
    Side& side = sides_[Index(direction)];
    side.bytes = parser_->TakeRest(direction);
    side.searched = 0;
    side.lost = false;
    side.cut = false;
  }
  parser_.reset();
  state_ = State::kIdentifying;
}

void FlowProtocol::Finish() noexcept {
  parser_.reset();
  for (Side& side : sides_) side.bytes = Bytes();
  state_ = State::kFinished;
}

// What is over the limit cannot be replayed: from here on the beginning counts as missing.
void FlowProtocol::Trim(Side& side) {
  const std::size_t limit = context_.limits.protocol_identify_bytes;
  if (side.bytes.size() <= limit) return;
  if (!side.lost) context_.counters.Add(Counter::protocol_identification_limited);
  side.searched -= std::min(side.searched, side.bytes.size() - limit);
  side.bytes.erase(side.bytes.begin(), side.bytes.end() - static_cast<std::ptrdiff_t>(limit));
  side.lost = true;
  side.cut = true;
}

}  // namespace spanwatch::protocol
