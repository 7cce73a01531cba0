// HTTP/1.x (RFC 9110, RFC 9112), both directions: bodies become objects, long queries and fields become texts.
#include "protocol/http1_parser.h"

#include <algorithm>
#include <utility>

#include "protocol/http1_texts.h"
#include "protocol/parsers.h"

namespace spanwatch::protocol {
namespace {

constexpr std::size_t kLongestName = 1024;
constexpr std::size_t kResumeSlice = 4096;

// Behind the first line of nothing but blanks, which some readers take for the empty line; npos when there is none.
std::size_t AfterBlankLine(std::string_view text) {
  for (std::size_t line = text.find('\n') + 1; line != 0 && line < text.size();) {
    const std::size_t end = text.find('\n', line);
    if (end == std::string_view::npos) break;
    if (text.substr(line, end - line).find_first_not_of(" \t\r\v\f") == std::string_view::npos) return end + 1;
    line = end + 1;
  }
  return std::string_view::npos;
}

}  // namespace

void Http1Parser::Run(Direction direction, ByteView bytes, const ObjectConsumer* fed) {
  while (!bytes.empty() && answer_ == ParserAnswer::kContinue) {
    ObjectConsumer* whole = SideOf(direction).whole.get();
    const std::size_t taken = Step(direction, bytes);
    // Opened within the step: it has had what belongs to it. Closed within the step: the next head begins.
    if (whole != nullptr && whole != fed && whole == SideOf(direction).whole.get()) whole->OnData(bytes.first(taken));
    bytes = bytes.subspan(taken);
  }
  if (answer_ == ParserAnswer::kHandOver && direction == Direction::kFromServer) {
    server_rest_.assign(bytes.begin(), bytes.end());
  }
}

// Returns how many bytes it took; a step that takes none changes the state.
std::size_t Http1Parser::Step(Direction direction, ByteView bytes) {
  switch (SideOf(direction).state) {
    case State::kHead:
      return StepHead(direction, bytes);
    case State::kLengthBody:
    case State::kEndlessBody:
    case State::kChunkData:
      return StepBody(direction, bytes);
    case State::kChunkSize:
      return StepChunkSize(direction, bytes);
    case State::kTrailers:
      return StepTrailers(SideOf(direction), bytes);
    case State::kResume:
      return StepResume(direction, bytes);
    case State::kHeld:
      return StepHeld(SideOf(direction), bytes);
  }
  return bytes.size();
}

std::size_t Http1Parser::StepHead(Direction direction, ByteView bytes) {
  Side& side = SideOf(direction);
  if (side.text.empty() && (bytes[0] == '\r' || bytes[0] == '\n')) return 1;
  if (direction == Direction::kFromServer && !side.probed) {
    if (!ProbeResponse(side, static_cast<char>(bytes[0]))) {
      const std::string begun = std::move(side.text);
      Resume(direction);
      side.text = begun;
    }
    return 1;
  }
  const std::size_t room = context_.limits.protocol_http_head_bytes -
                           std::min<std::size_t>(side.text.size(), context_.limits.protocol_http_head_bytes);
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
  if (line == "\r\n" || line == "\n") {
    OnHead(direction);
  } else if (side.line == 0) {
    OnStartLine(direction);
  } else {
    side.line = side.text.size();
  }
  return length;
}

// Collects the first bytes of a response; false when they begin none.
bool Http1Parser::ProbeResponse(Side& side, char next) {
  side.text += next;
  const ProbeAnswer answer = ProbeStatusLine(side.text);
  side.probed = answer == ProbeAnswer::kYes;
  return answer != ProbeAnswer::kNo || NoResponse(side);
}

// Bytes where a response should begin. They are a body where the latest head announced one that it may not have, or
// where the request asked for a body without a head (HTTP/0.9); at the very beginning of the flow they may be either
// that or junk.
bool Http1Parser::NoResponse(Side& side) {
  if (side.unexpected) {
    context_.anomalies.OnAnomaly(AnomalyCode::http_framing_conflict);
    side.state = *std::exchange(side.unexpected, std::nullopt);
    const std::string begun = std::exchange(side.text, {});
    Run(Direction::kFromServer, AsBytes(begun));
    return true;
  }
  if (pending_.empty() || (side.heads_seen && pending_.front().versioned)) return false;
  side.info = BodyOf(pending_.front());
  side.whole_info = side.info;
  side.heads_seen = true;
  if (pending_.front().versioned) {
    OpenWhole(Direction::kFromServer);
    side.whole->OnData(AsBytes(side.text));
    return false;
  }
  pending_.pop_front();
  side.state = State::kEndlessBody;
  const std::string begun = std::exchange(side.text, {});
  Deliver(Direction::kFromServer, AsBytes(begun));
  return true;
}

void Http1Parser::OnStartLine(Direction direction) {
  Side& side = SideOf(direction);
  const bool request = direction == Direction::kFromClient;
  std::optional<Http1Head> head = ParseHttp1Head(side.text, request);
  if (!head) {
    const auto beginning = FindBeginning(side.text, request);
    if (!beginning) {
      // What follows a message that announced no body, and is no message: the body that it did not announce.
      if (side.heads_seen && !side.whole) {
        OpenWhole(direction);
        side.whole->OnData(AsBytes(side.text));
      }
      return Malformed(direction);
    }
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
  EndWhole(side);
  side.heads_seen = true;
  const auto head = ParseHttp1Head(text, direction == Direction::kFromClient);
  if (!head) return Malformed(direction);
  if (head->framing_conflict) context_.anomalies.OnAnomaly(AnomalyCode::http_framing_conflict);
  const std::size_t early_end = head->framing_conflict ? std::string::npos : AfterBlankLine(text);
  if (head->request)
    OnRequest(*head);
  else
    OnResponse(*head);
  if (early_end < text.size() && answer_ == ParserAnswer::kContinue) {
    context_.anomalies.OnAnomaly(AnomalyCode::http_framing_conflict);
    OpenWhole(direction);
    side.whole->OnData(AsBytes(text).subspan(early_end));
  }
}

// The stream ends and no empty line came: the first line of blanks was meant as one, or the head is all there is.
void Http1Parser::EndUnfinishedHead(Direction direction) {
  Side& side = SideOf(direction);
  context_.anomalies.OnAnomaly(AnomalyCode::http_malformed);
  const std::string body = side.text.substr(std::min(AfterBlankLine(side.text), side.text.size()));
  side.text.resize(side.text.size() - body.size());
  OnHead(direction);
  Run(direction, AsBytes(body));
}

void Http1Parser::OnRequest(const Http1Head& head) {
  context_.counters.Add(Counter::http_requests);
  const std::string_view path = head.target.substr(0, head.target.find('?'));
  const bool connect = head.method == "CONNECT";
  const Http1PendingRequest request{std::string(path.substr(0, kLongestName)), BeginExchange(head),
                                    head.method == "HEAD", connect, head.versioned};
  Await(request);
  std::string step = "http ";
  step.append(head.method).append(" ").append(path);
  step.resize(std::min(step.size(), kLongestFact));
  OpenHttp1Texts(context_, Direction::kFromClient, head, step, request.exchange);
  Side& side = SideOf(Direction::kFromClient);
  if (connect) {
    side.state = State::kHeld;
  } else {
    BeginBody(Direction::kFromClient, head, std::move(step), request);
    side.may_lack_body = head.expects_continue;
  }
}

// Once more requests wait than the limit allows, the later ones are only counted until all before them are answered:
// their answers have no name, and no answer has that of another.
void Http1Parser::Await(const Http1PendingRequest& request) {
  if (pending_.size() < context_.limits.protocol_http_pipelined_requests && unmatched_ == 0) {
    pending_.push_back(request);
  } else {
    context_.counters.Add(Counter::http_requests_unmatched);
    ++unmatched_;
  }
}

// The facts of a request and its response; those of the connection are what all of its exchanges share.
std::shared_ptr<const ExchangeFacts> Http1Parser::BeginExchange(const Http1Head& head) {
  auto exchange = std::make_shared<ExchangeFacts>();
  exchange->server_name = head.host.substr(0, kLongestFact);
  exchange->user_agent = head.user_agent.substr(0, kLongestFact);
  if (any_exchange_) {
    context_.facts.exchange.KeepShared(*exchange);
  } else {
    context_.facts.exchange = *exchange;
  }
  any_exchange_ = true;
  return exchange;
}

// The body of a response of which nothing but the request is known.
ObjectInfo Http1Parser::BodyOf(const Http1PendingRequest& request) const {
  ObjectInfo info;
  info.step = ("http " + request.target).substr(0, kLongestFact);
  info.name = NameOfTarget(request.target).substr(0, kLongestName);
  info.asked_name = true;
  info.exchange = request.exchange;
  return info;
}

void Http1Parser::OnResponse(const Http1Head& head) {
  Side& side = SideOf(Direction::kFromServer);
  context_.counters.Add(Counter::http_responses);
  if (head.status == 101) {  // another protocol from here on (WebSocket)
    answer_ = ParserAnswer::kDone;
    return;
  }
  OnAnswer(head.status);
  if (head.status >= 100 && head.status < 200) {
    if (head.content_length || head.chunked) {
      const auto exchange = pending_.empty() ? nullptr : pending_.front().exchange;
      BeginBody(Direction::kFromServer, head, "http " + std::to_string(head.status),
                {.target = "", .exchange = exchange});
    }
    if (side.state != State::kHead) side.unexpected = std::exchange(side.state, State::kHead);
    return;
  }
  Http1PendingRequest request;
  if (!pending_.empty()) {
    request = std::move(pending_.front());
    pending_.pop_front();
  } else if (unmatched_ > 0) {
    --unmatched_;
  }
  std::string step = "http " + std::to_string(head.status) + " " + request.target;
  if (request.target.empty()) step.pop_back();
  step.resize(std::min(step.size(), kLongestFact));
  OpenHttp1Texts(context_, Direction::kFromServer, head, step, request.exchange);
  if (request.connect && head.status < 300) {
    answer_ = ParserAnswer::kHandOver;
    return;
  }
  const bool bodiless = request.head || head.status == 204 || head.status == 304;
  if (!bodiless || head.content_length || head.chunked) {
    BeginBody(Direction::kFromServer, head, std::move(step), request);
    if (bodiless && side.state != State::kHead) side.unexpected = std::exchange(side.state, State::kHead);
  }
  Side& client = SideOf(Direction::kFromClient);
  if (request.connect && client.state == State::kHeld) {  // refused: the client goes on with requests
    const std::string held = std::move(client.text);
    NextMessage(client);
    Run(Direction::kFromClient, AsBytes(held));
  }
}

// The latest request was answered while nothing of its body had come: 100 asks for the body, and after a final status
// (401, 413, 417, a redirection) the client may do without it and go on with its next request.
void Http1Parser::OnAnswer(int status) {
  Side& client = SideOf(Direction::kFromClient);
  if (status == 100) {
    if (client.may_lack_body) TakeAwaitedBody();
  } else if (status >= 200 && pending_.size() <= 1 && !client.object) {
    client.may_lack_body = client.may_lack_body || client.state == State::kLengthBody;
  }
}

// `request`: of the same exchange.
void Http1Parser::BeginBody(Direction direction, const Http1Head& head, std::string step,
                            const Http1PendingRequest& request) {
  Side& side = SideOf(direction);
  side.info = ObjectInfo();
  side.info.step = std::move(step);
  side.info.name = head.file_name.empty() ? NameOfTarget(request.target) : head.file_name;
  side.info.asked_name = head.file_name.empty() && direction == Direction::kFromServer;
  side.info.exchange = request.exchange;
  side.info.name.resize(std::min(side.info.name.size(), kLongestName));
  side.info.media_type = head.media_type;
  side.info.boundary = head.boundary;
  side.info.encodings = head.encodings;
  side.info.range = head.range;
  side.whole_info = side.info;
  if (head.framing_conflict) OpenWhole(direction);
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

// Collects what may be the start line of the next request instead of the body.
std::size_t Http1Parser::StepAwaitedBody(ByteView bytes) {
  Side& side = SideOf(Direction::kFromClient);
  const std::size_t room = kLongestFoundLine - std::min(kLongestFoundLine, side.text.size());
  const std::size_t length = LineLength(bytes.first(std::min(bytes.size(), room)));
  side.text.append(AsText(bytes.first(length)));
  const bool may_begin = length != 0 && MayBeginRequest(side.text);
  if (may_begin && side.text.back() == '\n' && IsStartLine(side.text, true)) {
    NextHead(side);
  } else if (!may_begin || side.text.back() == '\n') {
    TakeAwaitedBody();
  }
  return length;
}

// The body comes after all; what was collected is its beginning.
void Http1Parser::TakeAwaitedBody() {
  Side& side = SideOf(Direction::kFromClient);
  side.may_lack_body = false;
  if (side.state != State::kLengthBody) return;
  const std::string begun = std::exchange(side.text, {});
  Run(Direction::kFromClient, AsBytes(begun), side.whole.get());
}

// `text` holds the start line of the next message where a body was expected.
void Http1Parser::NextHead(Side& side) {
  std::string line = std::move(side.text);
  NextMessage(side);
  side.text = std::move(line);
  side.line = side.text.size();
  side.probed = true;
}

std::size_t Http1Parser::StepBody(Direction direction, ByteView bytes) {
  Side& side = SideOf(direction);
  if (side.state == State::kLengthBody && side.may_lack_body) return StepAwaitedBody(bytes);
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
  if (side.seek_head_end) {
    // The head was torn; what follows its empty line is its body, however long that was to be.
    if (const std::size_t end = side.text.find("\r\n\r\n"); end != std::string::npos) {
      side.seek_head_end = false;
      side.whole_info = ObjectInfo();
      side.whole_info.step = "http";
      if (!request && !pending_.empty()) side.whole_info = BodyOf(pending_.front());
      OpenWhole(direction);
      side.whole->OnData(AsBytes(side.text).subspan(end + 4));
    }
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

void Http1Parser::OpenWhole(Direction direction) {
  Side& side = SideOf(direction);
  if (side.whole) return;
  ObjectInfo info = side.whole_info;
  info.size.reset();
  side.whole = context_.objects.Open(direction, std::move(info));
}

void Http1Parser::EndWhole(Side& side) {
  if (side.whole) side.whole->OnEnd(ObjectEnd::kTruncated);  // where it ends is what nobody knows
  side.whole.reset();
}

void Http1Parser::NextMessage(Side& side) {
  side.unexpected.reset();
  side.seek_head_end = false;
  side.state = State::kHead;
  side.text.clear();
  side.line = 0;
  side.probed = false;
  side.may_lack_body = false;
}

void Http1Parser::Resume(Direction direction) {
  Side& side = SideOf(direction);
  context_.counters.Add(Counter::http_resynchronisations);
  EndBody(side, ObjectEnd::kAborted);
  NextMessage(side);
  side.state = State::kResume;
  side.heads_seen = true;
  // Without pipelining, the next response is that of the latest request; those before lost theirs.
  if (direction == Direction::kFromServer) {
    if (pending_.size() > 1) pending_.erase(pending_.begin(), pending_.end() - 1);
    unmatched_ = 0;
  }
}

ParserAnswer Http1Parser::OnGap(Direction direction, std::uint64_t length) noexcept {
  Side& side = SideOf(direction);
  if (side.may_lack_body) TakeAwaitedBody();
  if (side.whole) side.whole->OnGap(length);
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
    const bool in_head = side.state == State::kHead && side.probed && !side.whole;
    EndBody(side, ObjectEnd::kTruncated);
    Resume(direction);
    side.seek_head_end = in_head;
  }
  return answer_;
}

ParserAnswer Http1Parser::OnEnd(Direction direction) noexcept {
  Side& side = SideOf(direction);
  side.ended = true;
  if (side.may_lack_body) TakeAwaitedBody();
  if (side.state == State::kHead && side.line > 0) {
    EndUnfinishedHead(direction);
  } else if (side.state == State::kHead && side.heads_seen && !side.text.empty() && !side.whole) {
    OpenWhole(direction);
    side.whole->OnData(AsBytes(side.text));
  }
  if (side.state == State::kChunkSize && side.first_chunk && !side.text.empty()) NotChunked(direction);
  EndWhole(side);
  EndBody(side, side.state == State::kEndlessBody ? ObjectEnd::kComplete : ObjectEnd::kTruncated);
  if (answer_ == ParserAnswer::kContinue && sides_[0].ended && sides_[1].ended) answer_ = ParserAnswer::kDone;
  return answer_;
}

namespace {

ProbeAnswer ProbeHttp1(ByteView first, Direction direction) {
  const std::string_view text = AsText(first);
  return direction == Direction::kFromClient ? ProbeRequestLine(text) : ProbeStatusLine(text);
}

std::optional<std::size_t> BeginsWithin(ByteView bytes, std::size_t searched, Direction direction) {
  const auto beginning = FindBeginning(AsText(bytes), direction == Direction::kFromClient, searched);
  return beginning ? std::optional(beginning->end) : std::nullopt;
}

}  // namespace

const ParserSpec kHttp1Parser = {
    .name = "http1",
    .help =
        "HTTP/1.x, HTTP/0.9 and their look-alikes: bodies of requests and responses, long queries and header fields.",
    .probe = ProbeHttp1,
    .begins_within = BeginsWithin,
    .create = [](const ParserContext& context) -> std::unique_ptr<Parser> {
      return std::make_unique<Http1Parser>(context);
    },
};

}  // namespace spanwatch::protocol
