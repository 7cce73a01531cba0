// HTTP/1.x (RFC 9110, RFC 9112), both directions: bodies become objects, long queries and fields become texts.
#include <algorithm>
#include <cstring>
#include <deque>

#include "protocol/http1_head.h"
#include "protocol/parsers.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::protocol {
namespace {

constexpr std::size_t kLongestFact = 256;
constexpr std::size_t kLongestName = 1024;
constexpr std::size_t kLongestChunkLine = 16384;
constexpr std::size_t kShortestText = 65;     // what is shorter holds no export worth a search of its own
constexpr std::size_t kResumeSlice = 4096;

// A request that waits for its response.
struct PendingRequest {
  std::string target;
  bool head = false;
  bool connect = false;
  bool versioned = true;
};

enum class State : std::uint8_t {
  kHead,          // start line and fields
  kLengthBody,
  kEndlessBody,   // until the direction ends
  kChunkSize,
  kChunkData,
  kTrailers,
  kResume,        // looking for the next message
  kHeld,          // after a CONNECT request: whose the bytes are, its response tells
};

// One direction.
struct Side {
  State state = State::kHead;
  std::string text;             // of the head, the chunk line or what is held
  std::size_t line = 0;         // where the line that is being collected begins in `text`
  bool probed = false;          // the start line is known to be one
  bool ended = false;
  bool heads_seen = false;
  ObjectInfo info;              // of the message's body, until it is opened
  std::unique_ptr<ObjectConsumer> object;
  bool wanted = false;
  bool missing = false;         // bytes of the body were lost
  bool first_chunk = false;
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
    for (Side& side : sides_) EndBody(side, ObjectEnd::kTruncated);
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
  Side& SideOf(Direction direction) { return sides_[Index(direction)]; }
  void Run(Direction direction, ByteView bytes);
  std::size_t Step(Direction direction, ByteView bytes);
  std::size_t StepHead(Direction direction, ByteView bytes);
  bool ProbeResponse(Side& side, char next);
  void OnStartLine(Direction direction);
  std::size_t StepBody(Direction direction, ByteView bytes);
  std::size_t StepChunkSize(Direction direction, ByteView bytes);
  std::size_t StepTrailers(Side& side, ByteView bytes);
  std::size_t StepResume(Direction direction, ByteView bytes);
  std::size_t StepHeld(Side& side, ByteView bytes);
  void OnHead(Direction direction);
  void OnRequest(const Http1Head& head);
  void OnResponse(const Http1Head& head);
  void OnChunkLine(Direction direction);
  void BeginBody(Direction direction, const Http1Head& head, std::string step, std::string_view target);
  void NotChunked(Direction direction);
  void OpenTexts(Direction direction, const Http1Head& head, const std::string& step);
  void OpenText(Direction direction, std::string step, std::string_view text);
  void Deliver(Direction direction, ByteView bytes);
  void OpenBody(Direction direction);
  void EndBody(Side& side, ObjectEnd end);
  void NextMessage(Side& side);
  void Resume(Direction direction);
  void Malformed(Direction direction) {
    context_.anomalies.OnAnomaly(AnomalyCode::http_malformed);
    Resume(direction);
  }

  ParserContext context_;
  std::array<Side, 2> sides_;
  std::deque<PendingRequest> pending_;
  ParserAnswer answer_ = ParserAnswer::kContinue;
  Bytes server_rest_;
};

void Http1Parser::Run(Direction direction, ByteView bytes) {
  while (!bytes.empty() && answer_ == ParserAnswer::kContinue) bytes = bytes.subspan(Step(direction, bytes));
  if (answer_ == ParserAnswer::kHandOver && direction == Direction::kFromServer) {
    server_rest_.assign(bytes.begin(), bytes.end());
  }
}

// Returns how many bytes it took; a step that takes none changes the state.
std::size_t Http1Parser::Step(Direction direction, ByteView bytes) {
  switch (SideOf(direction).state) {
    case State::kHead: return StepHead(direction, bytes);
    case State::kLengthBody:
    case State::kEndlessBody:
    case State::kChunkData: return StepBody(direction, bytes);
    case State::kChunkSize: return StepChunkSize(direction, bytes);
    case State::kTrailers: return StepTrailers(SideOf(direction), bytes);
    case State::kResume: return StepResume(direction, bytes);
    case State::kHeld: return StepHeld(SideOf(direction), bytes);
  }
  return bytes.size();
}

// How much of `bytes` belongs to the line that is being collected.
std::size_t LineLength(ByteView bytes) {
  const void* line_feed = std::memchr(bytes.data(), '\n', bytes.size());
  if (line_feed == nullptr) return bytes.size();
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(line_feed) - bytes.data()) + 1;
}

std::size_t Http1Parser::StepHead(Direction direction, ByteView bytes) {
  Side& side = SideOf(direction);
  if (side.text.empty() && (bytes[0] == '\r' || bytes[0] == '\n')) return 1;
  if (direction == Direction::kFromServer && !side.probed) {
    if (!ProbeResponse(side, static_cast<char>(bytes[0]))) Resume(direction);
    return 1;
  }
  const std::size_t room = context_.limits.protocol_http_head_bytes - std::min<std::size_t>(
      side.text.size(), context_.limits.protocol_http_head_bytes);
  if (room == 0) {
    context_.counters.Add(Counter::http_heads_over_limit);
    context_.anomalies.OnAnomaly(AnomalyCode::http_head_limit);
    Resume(direction);
    return 0;
  }
  const std::size_t length = LineLength(bytes.first(std::min(bytes.size(), room)));
  side.text.append(AsText(bytes.first(length)));
  if (side.text.back() != '\n') return length;
  const std::string_view line = std::string_view(side.text).substr(side.line);
  if (line.find_first_not_of("\r\n") == std::string_view::npos) {
    OnHead(direction);
  } else if (side.line == 0) {
    OnStartLine(direction);
  } else {
    side.line = side.text.size();
  }
  return length;
}

// Collects the first bytes of a response; false when they begin none. A body without a head (HTTP/0.9) is taken where the
// request asked for it, or at the very beginning of the flow.
bool Http1Parser::ProbeResponse(Side& side, char next) {
  side.text += next;
  const ProbeAnswer answer = ProbeStatusLine(side.text);
  side.probed = answer == ProbeAnswer::kYes;
  if (answer != ProbeAnswer::kNo) return true;
  if (pending_.empty() || (side.heads_seen && pending_.front().versioned)) return false;
  side.info = ObjectInfo();
  side.info.step = ("http " + pending_.front().target).substr(0, kLongestFact);
  side.info.name = NameOfTarget(pending_.front().target).substr(0, kLongestName);
  pending_.pop_front();
  side.heads_seen = true;
  side.state = State::kEndlessBody;
  const std::string begun = std::move(side.text);
  side.text.clear();
  Deliver(Direction::kFromServer, AsBytes(begun));
  return true;
}

void Http1Parser::OnStartLine(Direction direction) {
  Side& side = SideOf(direction);
  const bool request = direction == Direction::kFromClient;
  std::optional<Http1Head> head = ParseHttp1Head(side.text, request);
  if (!head) {
    const auto beginning = FindBeginning(side.text, request);
    if (!beginning) return Malformed(direction);
    side.text.erase(0, beginning->begin);
    head = ParseHttp1Head(side.text, request);
    if (!head) return Malformed(direction);
  }
  side.line = side.text.size();
  if (!head->versioned) OnHead(direction);
}

void Http1Parser::OnHead(Direction direction) {
  Side& side = SideOf(direction);
  const std::string text = std::move(side.text);
  NextMessage(side);
  side.heads_seen = true;
  const auto head = ParseHttp1Head(text, direction == Direction::kFromClient);
  if (!head) return Malformed(direction);
  if (head->framing_conflict) context_.anomalies.OnAnomaly(AnomalyCode::http_framing_conflict);
  if (head->request) OnRequest(*head);
  else OnResponse(*head);
}

void Http1Parser::OnRequest(const Http1Head& head) {
  context_.counters.Add(Counter::http_requests);
  if (!head.host.empty()) context_.facts.server_name = head.host.substr(0, kLongestFact);
  if (!head.user_agent.empty()) context_.facts.user_agent = head.user_agent.substr(0, kLongestFact);
  const std::string_view path = head.target.substr(0, head.target.find('?'));
  if (pending_.size() >= context_.limits.protocol_http_pipelined_requests) {
    context_.counters.Add(Counter::http_requests_unmatched);
    pending_.pop_front();
  }
  const bool connect = head.method == "CONNECT";
  pending_.push_back({std::string(path.substr(0, kLongestName)), head.method == "HEAD", connect, head.versioned});
  std::string step = "http ";
  step.append(head.method).append(" ").append(path);
  step.resize(std::min(step.size(), kLongestFact));
  OpenTexts(Direction::kFromClient, head, step);
  if (connect) {
    SideOf(Direction::kFromClient).state = State::kHeld;
  } else {
    BeginBody(Direction::kFromClient, head, std::move(step), path);
  }
}

void Http1Parser::OnResponse(const Http1Head& head) {
  context_.counters.Add(Counter::http_responses);
  if (head.status == 101) {  // another protocol from here on (WebSocket)
    answer_ = ParserAnswer::kDone;
    return;
  }
  if (head.status >= 100 && head.status < 200) return;
  PendingRequest request;
  if (!pending_.empty()) {
    request = std::move(pending_.front());
    pending_.pop_front();
  }
  std::string step = "http " + std::to_string(head.status) + " " + request.target;
  if (request.target.empty()) step.pop_back();
  step.resize(std::min(step.size(), kLongestFact));
  OpenTexts(Direction::kFromServer, head, step);
  if (request.connect && head.status < 300) {
    answer_ = ParserAnswer::kHandOver;
    return;
  }
  if (!request.head && head.status != 204 && head.status != 304) {
    BeginBody(Direction::kFromServer, head, std::move(step), request.target);
  }
  Side& client = SideOf(Direction::kFromClient);
  if (request.connect && client.state == State::kHeld) {  // refused: the client goes on with requests
    const std::string held = std::move(client.text);
    NextMessage(client);
    Run(Direction::kFromClient, AsBytes(held));
  }
}

void Http1Parser::BeginBody(Direction direction, const Http1Head& head, std::string step, std::string_view target) {
  Side& side = SideOf(direction);
  side.info = ObjectInfo();
  side.info.step = std::move(step);
  side.info.name = head.file_name.empty() ? NameOfTarget(target) : head.file_name;
  side.info.name.resize(std::min(side.info.name.size(), kLongestName));
  side.info.media_type = head.media_type;
  side.info.boundary = head.boundary;
  side.info.encodings = head.encodings;
  side.info.range = head.range;
  if (head.chunked) {
    side.state = State::kChunkSize;
    side.first_chunk = true;
    side.fallback_length = head.content_length;
  } else if (head.content_length) {
    side.info.size = head.content_length;
    side.remaining = *head.content_length;
    if (side.remaining > 0) side.state = State::kLengthBody;
  } else if (!head.request) {
    side.state = State::kEndlessBody;
  }
}

std::size_t Http1Parser::StepBody(Direction direction, ByteView bytes) {
  Side& side = SideOf(direction);
  if (side.state == State::kEndlessBody) {
    Deliver(direction, bytes);
    return bytes.size();
  }
  const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), side.remaining));
  Deliver(direction, bytes.first(length));
  side.remaining -= length;
  if (side.remaining > 0) return length;
  if (side.state == State::kChunkData) {
    side.state = State::kChunkSize;
  } else {
    EndBody(side, ObjectEnd::kComplete);
    NextMessage(side);
  }
  return length;
}

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
  const auto size = ParseChunkSize(side.text);
  if (side.first_chunk) {
    const std::size_t begin = side.text.find_first_not_of(" \t");
    const std::size_t after = side.text.find_first_not_of("0123456789abcdefABCDEFxX", begin);
    const bool plain = after != std::string::npos && std::string_view(" \t\r\n;\v\f").find(side.text[after]) != std::string_view::npos;
    if (!size || !plain) return NotChunked(direction);
  }
  side.first_chunk = false;
  if (!size) {
    // The last chunk may be missing, and the next message begin here.
    const std::string text = std::move(side.text);
    Malformed(direction);
    if (!ParseHttp1Head(text, direction == Direction::kFromClient)) return;
    NextMessage(side);
    side.text = text;
    side.line = side.text.size();
    side.probed = true;
    return;
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

std::size_t Http1Parser::StepResume(Direction direction, ByteView bytes) {
  Side& side = SideOf(direction);
  const bool request = direction == Direction::kFromClient;
  const std::size_t length = std::min(bytes.size(), kResumeSlice);
  const std::size_t before = side.text.size();
  side.text.append(AsText(bytes.first(length)));
  if (const auto beginning = FindBeginning(side.text, request)) {
    side.text.resize(beginning->end);
    side.text.erase(0, beginning->begin);
    side.state = State::kHead;
    side.line = 0;
    side.probed = true;
    return beginning->end > before ? beginning->end - before : 0;
  }
  const std::size_t keep = request ? kLongestFoundLine + 16 : 16;
  if (side.text.size() > keep) side.text.erase(0, side.text.size() - keep);
  return length;
}

std::size_t Http1Parser::StepHeld(Side& side, ByteView bytes) {
  const std::size_t limit = context_.limits.protocol_identify_bytes;
  const std::size_t length = std::min(bytes.size(), limit - std::min(limit, side.text.size()));
  side.text.append(AsText(bytes.first(length)));
  // No answer in sight: the tunnel is taken for open.
  if (side.text.size() >= limit) answer_ = ParserAnswer::kHandOver;
  return bytes.size();
}

void Http1Parser::OpenTexts(Direction direction, const Http1Head& head, const std::string& step) {
  // Fields that are long in ordinary traffic and say what programs are, not what is carried.
  constexpr std::string_view kOrdinary[] = {"user-agent", "accept", "content-security-policy", "permissions-policy",
                                            "p3p", "report-to", "nel", "accept-language", "strict-transport-security"};
  std::uint64_t room = context_.limits.protocol_http_text_objects;
  const auto open = [&](std::string_view what, std::string_view text) {
    if (text.size() < kShortestText) return;
    if (room == 0) return context_.counters.Add(Counter::http_texts_over_limit);
    --room;
    OpenText(direction, (step + " ").append(what).substr(0, kLongestFact), text);
  };
  if (head.target.size() >= kShortestText) open("url", PercentDecoded(head.target));
  for (const Http1Field& field : head.fields) {
    if (field.value.size() < kShortestText) continue;
    std::string name(field.name.substr(0, 64));
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (std::ranges::find(kOrdinary, name) == std::end(kOrdinary)) open("header " + name, field.value);
  }
}

void Http1Parser::OpenText(Direction direction, std::string step, std::string_view text) {
  ObjectInfo info;
  info.kind = ObjectKind::kText;
  info.step = std::move(step);
  info.size = text.size();
  const auto consumer = context_.objects.Open(direction, std::move(info));
  consumer->OnData(AsBytes(text));
  consumer->OnEnd(ObjectEnd::kComplete);
}

void Http1Parser::OpenBody(Direction direction) {
  Side& side = SideOf(direction);
  if (side.object) return;
  side.object = context_.objects.Open(direction, std::move(side.info));
  side.wanted = true;
}

void Http1Parser::Deliver(Direction direction, ByteView bytes) {
  if (bytes.empty()) return;
  OpenBody(direction);
  Side& side = SideOf(direction);
  if (side.wanted) side.wanted = side.object->OnData(bytes);
}

void Http1Parser::EndBody(Side& side, ObjectEnd end) {
  if (side.object) side.object->OnEnd(end == ObjectEnd::kComplete && side.missing ? ObjectEnd::kTruncated : end);
  side.object.reset();
  side.missing = false;
}

void Http1Parser::NextMessage(Side& side) {
  side.state = State::kHead;
  side.text.clear();
  side.line = 0;
  side.probed = false;
}

void Http1Parser::Resume(Direction direction) {
  Side& side = SideOf(direction);
  context_.counters.Add(Counter::http_resynchronisations);
  EndBody(side, ObjectEnd::kAborted);
  NextMessage(side);
  side.state = State::kResume;
  side.heads_seen = true;
  // Without pipelining, the next response is that of the latest request; those before lost theirs.
  if (direction == Direction::kFromServer && pending_.size() > 1) pending_.erase(pending_.begin(), pending_.end() - 1);
}

ParserAnswer Http1Parser::OnGap(Direction direction, std::uint64_t length) noexcept {
  Side& side = SideOf(direction);
  const bool body = side.state == State::kLengthBody || side.state == State::kChunkData;
  if (side.state == State::kEndlessBody || body) {
    const std::uint64_t inside = body ? std::min(length, side.remaining) : length;
    OpenBody(direction);
    side.missing = true;
    if (side.wanted) side.object->OnGap(inside);
    if (!body) return answer_;
    side.remaining -= inside;
    if (side.remaining > 0) return answer_;
    if (side.state == State::kLengthBody) {
      EndBody(side, ObjectEnd::kTruncated);
      NextMessage(side);
    } else {
      side.state = State::kChunkSize;
    }
    if (inside == length) return answer_;
  }
  if (side.state != State::kHeld) {
    EndBody(side, ObjectEnd::kTruncated);
    Resume(direction);
  }
  return answer_;
}

ParserAnswer Http1Parser::OnEnd(Direction direction) noexcept {
  Side& side = SideOf(direction);
  side.ended = true;
  if (side.state == State::kChunkSize && side.first_chunk && !side.text.empty()) NotChunked(direction);
  EndBody(side, side.state == State::kEndlessBody ? ObjectEnd::kComplete : ObjectEnd::kTruncated);
  if (answer_ == ParserAnswer::kContinue && sides_[0].ended && sides_[1].ended) answer_ = ParserAnswer::kDone;
  return answer_;
}

ProbeAnswer Probe(ByteView first, Direction direction) {
  const std::string_view text = AsText(first);
  return direction == Direction::kFromClient ? ProbeRequestLine(text) : ProbeStatusLine(text);
}

bool BeginsWithin(ByteView bytes, Direction direction) {
  return FindBeginning(AsText(bytes), direction == Direction::kFromClient).has_value();
}

}  // namespace

const ParserSpec kHttp1Parser = {
    .name = "http1",
    .help = "HTTP/1.x, HTTP/0.9 and their look-alikes: bodies of requests and responses, long queries and header fields.",
    .probe = Probe,
    .begins_within = BeginsWithin,
    .create = [](const ParserContext& context) -> std::unique_ptr<Parser> { return std::make_unique<Http1Parser>(context); },
};

}  // namespace spanwatch::protocol
