// Parser, ParserSpec, ParserContext: what a protocol parser is. One parser is one file and one line in parsers.def:
// `PARSER(Tls)` declares `const ParserSpec kTlsParser`, which tls_parser.cc defines.
//
// Made by FlowProtocol when the protocol of a flow was recognised by its bytes; lives as long as the flow or until it
// answers that it is done. One inspector thread; owns no thread, clock or socket; keeps no view of what it is given.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "config/limits.h"
#include "model/anomaly.h"
#include "model/flow.h"
#include "model/flow_facts.h"
#include "model/object.h"
#include "telemetry/counters.h"

namespace spanwatch::protocol {

// Every reference outlives the parser.
struct ParserContext {
  const FlowInfo& flow;
  FlowFacts& facts;
  ObjectSink& objects;
  AnomalySink& anomalies;
  Counters& counters;
  const config::Limits& limits;
};

enum class ParserAnswer : std::uint8_t {
  kContinue,
  kDone,      // nothing more to learn of this flow; objects that were open are ended
  kNotMine,   // it only looked like this protocol; the flow is unknown
  kHandOver,  // what follows in both directions is another protocol (CONNECT): TakeRest, then identify again
};

// Per direction: (OnData | OnGap)* OnEnd. After an answer other than kContinue nothing more is called but TakeRest.
// The same objects come out for every split of a direction's bytes. A parser that is destroyed ends its open objects.
class Parser {
 public:
  virtual ~Parser() = default;
  virtual ParserAnswer OnData(Direction direction, ByteView bytes) noexcept = 0;
  // `length` bytes are missing; 0: unknown how many (the capture began in the middle).
  virtual ParserAnswer OnGap(Direction direction, std::uint64_t length) noexcept = 0;
  virtual ParserAnswer OnEnd(Direction direction) noexcept = 0;
  // After kHandOver: the bytes of this direction that belong to the inner protocol.
  virtual Bytes TakeRest([[maybe_unused]] Direction direction) noexcept { return {}; }
};

enum class ProbeAnswer : std::uint8_t { kNo, kMaybe, kYes };

struct ParserSpec {
  std::string_view name;
  std::string_view help;
  // `first`: the first bytes of this direction, more at each call. No and yes are final.
  ProbeAnswer (*probe)(ByteView first, Direction direction);
  // Where the first message that begins somewhere in `bytes` is known for one, for flows whose beginning is missing:
  // how many bytes it takes to tell. None begins in the first `searched` of them. Null: cannot be found so.
  std::optional<std::size_t> (*begins_within)(ByteView bytes, std::size_t searched, Direction direction);
  std::unique_ptr<Parser> (*create)(const ParserContext& context);
};

std::span<const ParserSpec* const> Parsers();

}  // namespace spanwatch::protocol
