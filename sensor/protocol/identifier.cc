#include "protocol/identifier.h"

#include <algorithm>

namespace spanwatch::protocol {
namespace {

constexpr Direction kDirections[] = {Direction::kFromClient, Direction::kFromServer};
constexpr std::uint8_t kMaxHandOvers = 4;  // tunnels inside tunnels of one flow

}  // namespace

FlowProtocol::FlowProtocol(const ParserContext& context)
    : objects_(context.objects),
      context_{context.flow, context.facts, *this, context.anomalies, context.counters, context.limits},
      roles_known_(!context.flow.midstream && !context.flow.roles_doubtful) {
  if (context.flow.transport != Transport::kTcp) state_ = State::kFinished;
  for (Side& side : sides_) side.lost = context.flow.midstream;
}

void FlowProtocol::OnData(Direction direction, ByteView bytes) noexcept {
  if (state_ == State::kParsing) {
    if (!refutable_ || !Settle(direction, bytes)) Parse(direction, bytes);
  } else if (state_ == State::kIdentifying) {
    Side& side = sides_[Index(direction)];
    // SOCKS (RFC 1928) talks before the protocol that it carries: what begins is looked for in the midst of the bytes.
    if (direction == Direction::kFromClient && side.bytes.empty() && (bytes[0] == 4 || bytes[0] == 5)) {
      for (Side& each : sides_) each.lost = true;
    }
    side.seen = true;
    side.bytes.Append(bytes);
    Identify();
    if (state_ == State::kIdentifying) Trim(side);
  }
}

void FlowProtocol::OnGap(Direction direction, std::uint64_t length) noexcept {
  Release(direction);
  Side& side = sides_[Index(direction)];
  side.seen = true;
  if (state_ == State::kParsing) {
    if (!Act(parser_->OnGap(Role(direction, reversed_), length))) Identify();
  } else if (state_ == State::kIdentifying) {
    side.bytes.Put({});
    side.searched = 0;
    side.lost = true;
    side.cut = false;
  }
}

void FlowProtocol::OnEnd(Direction direction) noexcept {
  Release(direction);
  sides_[Index(direction)].ended = true;
  if (state_ == State::kParsing) {
    if (!Act(parser_->OnEnd(Role(direction, reversed_)))) Identify();
  } else if (state_ == State::kIdentifying && sides_[0].ended && sides_[1].ended) {
    context_.counters.Add(Counter::protocol_flows_unknown);
    Finish();
  }
}

void FlowProtocol::Parse(Direction direction, ByteView bytes) noexcept {
  if (!Act(parser_->OnData(Role(direction, reversed_), bytes))) Identify();
}

// Looks at the first bytes of the direction that was silent when the roles were found. True when it took them.
bool FlowProtocol::Settle(Direction direction, ByteView bytes) noexcept {
  Side& side = sides_[Index(direction)];
  if (side.seen && side.bytes.empty()) return false;
  side.seen = true;
  side.bytes.Append(bytes);
  const ProbeAnswer fits = spec_->probe(side.bytes, Role(direction, reversed_));
  const ProbeAnswer refutes = spec_->probe(side.bytes, Role(direction, !reversed_));
  if (fits != ProbeAnswer::kYes && refutes == ProbeAnswer::kYes) {
    Begin({spec_, !reversed_, true});
    if (!Replay()) Identify();
  } else if (fits != ProbeAnswer::kMaybe && refutes != ProbeAnswer::kMaybe) {
    Release(direction);
  } else if (fits == ProbeAnswer::kYes || side.bytes.size() > context_.limits.protocol_identify_bytes) {
    Release(direction);
  }
  return true;
}

// What Settle kept goes to the parser; the roles stay.
void FlowProtocol::Release(Direction direction) noexcept {
  Side& side = sides_[Index(direction)];
  if (!refutable_ || (side.seen && side.bytes.empty())) return;
  refutable_ = false;
  const Bytes kept = side.bytes.Take();
  if (!kept.empty()) Parse(direction, kept);
}

// A loop, not a recursion: a hand-over brings back the state of identifying.
void FlowProtocol::Identify() noexcept {
  while (state_ == State::kIdentifying) {
    const std::optional<Recognition> found = Recognised();
    if (!found) {
      for (Side& side : sides_) side.searched = side.lost ? side.bytes.size() : 0;
      if (Hopeless()) {
        context_.counters.Add(Counter::protocol_flows_unknown);
        Finish();
      }
      return;
    }
    context_.counters.Add(Counter::protocol_flows_identified);
    Begin(*found);
    if (Replay()) return;
  }
}

void FlowProtocol::Begin(const Recognition& found) noexcept {
  refutable_ = !roles_known_ && !found.proved && !(sides_[0].seen && sides_[1].seen);
  roles_known_ = true;
  reversed_ = found.reversed;
  context_.facts.roles_reversed = found.reversed;
  parser_.reset();
  spec_ = found.spec;
  parser_ = spec_->create(context_);
  state_ = State::kParsing;
}

std::optional<FlowProtocol::Recognition> FlowProtocol::Recognised() const {
  if (roles_known_) {
    const auto found = RecogniseBeginning(reversed_);
    return found ? found : RecogniseWithin();
  }
  for (const bool reversed : {false, true}) {
    if (const auto found = RecogniseBeginning(reversed)) return found;
  }
  return RecogniseWithin();
}

std::optional<FlowProtocol::Recognition> FlowProtocol::RecogniseBeginning(bool reversed) const {
  for (const ParserSpec* spec : Parsers()) {
    for (const Direction direction : kDirections) {
      const Side& side = sides_[Index(direction)];
      if (side.bytes.empty() || side.cut) continue;
      if (spec->probe(side.bytes, Role(direction, reversed)) == ProbeAnswer::kYes) return {{spec, reversed, true}};
    }
  }
  return std::nullopt;
}

// Of several, what is complete first, so that it does not matter how the bytes were cut into calls.
std::optional<FlowProtocol::Recognition> FlowProtocol::RecogniseWithin() const {
  std::optional<Recognition> found;
  std::size_t nearest = SIZE_MAX;
  for (const Direction direction : kDirections) {
    const Side& side = sides_[Index(direction)];
    if (side.bytes.empty() || !side.lost) continue;
    for (const ParserSpec* spec : Parsers()) {
      for (const bool reversed : {false, true}) {
        if (spec->begins_within == nullptr || (roles_known_ && reversed != reversed_)) continue;
        const auto end = spec->begins_within(side.bytes, side.searched, Role(direction, reversed));
        if (!end || *end >= nearest) continue;
        nearest = *end;
        found = {spec, reversed, false};
      }
    }
  }
  return found;
}

// Both directions were seen from their beginning, and no parser wants either.
bool FlowProtocol::Hopeless() const {
  return std::ranges::all_of(kDirections, [&](Direction direction) {
    const Side& side = sides_[Index(direction)];
    if (side.lost || side.bytes.empty()) return false;
    return std::ranges::all_of(Parsers(), [&](const ParserSpec* spec) {
      return spec->probe(side.bytes, Role(direction, reversed_)) == ProbeAnswer::kNo;
    });
  });
}

// Gives the parser what was kept, the client's bytes first. False when it handed over.
bool FlowProtocol::Replay() noexcept {
  std::array<Bytes, 2> kept = {sides_[0].bytes.Take(), sides_[1].bytes.Take()};
  for (Side& side : sides_) side.searched = 0;
  ParserAnswer answer = ParserAnswer::kContinue;
  // Before any byte: what is missing came before all that was kept.
  for (const Direction role : kDirections) {
    if (sides_[Index(Role(role, reversed_))].lost && answer == ParserAnswer::kContinue)
      answer = parser_->OnGap(role, 0);
  }
  for (const Direction role : kDirections) {
    const Direction direction = Role(role, reversed_);
    const Side& side = sides_[Index(direction)];
    const Bytes& bytes = kept[Index(direction)];
    if (answer == ParserAnswer::kContinue && !bytes.empty()) answer = parser_->OnData(role, bytes);
    if (answer == ParserAnswer::kContinue && side.ended) answer = parser_->OnEnd(role);
    if (answer == ParserAnswer::kContinue) continue;
    const bool parsing = Act(answer);
    // A tunnel that the client's bytes alone gave away: what the server said meanwhile goes to the inner protocol.
    if (!parsing && role == Direction::kFromClient) {
      const std::size_t other = Index(Opposite(direction));
      sides_[other].bytes.Put(std::move(kept[other]));
    }
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
    side.bytes.Put(parser_->TakeRest(Role(direction, reversed_)));
    side.searched = 0;
    side.lost = false;
    side.cut = false;
  }
  parser_.reset();
  state_ = State::kIdentifying;
}

void FlowProtocol::Finish() noexcept {
  parser_.reset();
  for (Side& side : sides_) side.bytes.Put({});
  state_ = State::kFinished;
}

// What is over the limit cannot be replayed: from here on the beginning counts as missing.
void FlowProtocol::Trim(Side& side) {
  const std::size_t limit = context_.limits.protocol_identify_bytes;
  if (side.bytes.size() <= limit) return;
  if (!side.lost) context_.counters.Add(Counter::protocol_identification_limited);
  side.searched -= std::min(side.searched, side.bytes.size() - limit);
  side.bytes.DropFront(side.bytes.size() - limit);
  side.lost = true;
  side.cut = true;
}

}  // namespace spanwatch::protocol
