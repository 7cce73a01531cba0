// Bodies of HTTP/1.x in the chunked transfer coding (RFC 9112 section 7.1), and what is sent in its place.
#include <algorithm>
#include <utility>

#include "protocol/http1_parser.h"

namespace spanwatch::protocol {
namespace {

constexpr std::size_t kLongestChunkLine = 16384;
constexpr std::size_t kShortestStartLine = 12;  // "A / HTTP/1.1"

}  // namespace

std::size_t Http1Parser::StepChunkSize(Direction direction, ByteView bytes) {
  Side& side = SideOf(direction);
  // The line end after a chunk, and empty lines that browsers pass over.
  if (side.text.empty() && (bytes[0] == '\r' || bytes[0] == '\n')) return 1;
  const std::size_t length = LineLength(bytes.first(std::min(bytes.size(), kLongestChunkLine - side.text.size())));
  side.text.append(AsText(bytes.first(length)));
  if (side.text.back() == '\n' || side.text.size() == kLongestChunkLine) OnChunkLine(direction);
  return length;
}

void Http1Parser::OnChunkLine(Direction direction) {
  Side& side = SideOf(direction);
  const bool request = direction == Direction::kFromClient;
  const bool start_line = side.text.size() > kShortestStartLine && IsStartLine(side.text, request);
  // A body that was refused before it began is not sent at all: the next request is.
  if (start_line && request && side.first_chunk) return NextHead(side);
  const auto size = start_line ? std::nullopt : ParseChunkSize(side.text);
  if (side.first_chunk) {
    const std::size_t begin = side.text.find_first_not_of(" \t");
    const std::size_t after = side.text.find_first_not_of("0123456789abcdefABCDEFxX", begin);
    const bool plain =
        after != std::string::npos && std::string_view(" \t\r\n;\v\f").find(side.text[after]) != std::string_view::npos;
    if (!size || !plain) return NotChunked(direction);
  }
  side.first_chunk = false;
  if (!size) {
    // The last chunk may be missing, and the next message begin here.
    const std::string text = std::move(side.text);
    Malformed(direction);
    if (!start_line) return;
    side.text = text;
    return NextHead(side);
  }
  side.text.clear();
  side.remaining = *size;
  side.state = State::kChunkData;
  if (*size == 0) {
    EndBody(side, ObjectEnd::kComplete);
    side.state = State::kTrailers;
  }
}

// Declared as chunked, and is not: the body is what the other ways of framing say.
void Http1Parser::NotChunked(Direction direction) {
  Side& side = SideOf(direction);
  context_.anomalies.OnAnomaly(AnomalyCode::http_framing_conflict);
  const std::string text = std::move(side.text);
  side.text.clear();
  side.first_chunk = false;
  if (direction == Direction::kFromClient && !side.fallback_length) return Malformed(direction);
  Deliver(direction, AsBytes(text).first(static_cast<std::size_t>(
                         std::min<std::uint64_t>(text.size(), side.fallback_length.value_or(text.size())))));
  if (!side.fallback_length) {
    side.state = State::kEndlessBody;
  } else if (*side.fallback_length > text.size()) {
    side.remaining = *side.fallback_length - text.size();
    side.state = State::kLengthBody;
  } else {
    EndBody(side, ObjectEnd::kComplete);
    Resume(direction);
  }
}

std::size_t Http1Parser::StepTrailers(Side& side, ByteView bytes) {
  const std::size_t length = LineLength(bytes);
  // Only whether the line is empty matters: what it says is not kept.
  const std::string_view line = AsText(bytes.first(length));
  if (side.text.empty() && line.find_first_not_of("\r\n") != std::string_view::npos) side.text = "x";
  if (line.back() == '\n') {
    if (side.text.empty()) NextMessage(side);
    side.text.clear();
  }
  return length;
}

}  // namespace spanwatch::protocol
