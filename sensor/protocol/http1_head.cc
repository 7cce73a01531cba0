#include "protocol/http1_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/ascii.h"

namespace spanwatch::protocol {
namespace {

// Methods of the IANA registry and of WebDAV, UPnP and RTSP that are met; others count when the version follows.
constexpr std::string_view kMethods[] = {
    "GET",          "POST",       "PUT",      "HEAD",      "OPTIONS",         "DELETE",    "PATCH",
    "CONNECT",      "TRACE",      "PROPFIND", "PROPPATCH", "MKCOL",           "COPY",      "MOVE",
    "LOCK",         "UNLOCK",     "REPORT",   "SEARCH",    "MERGE",           "SUBSCRIBE", "NOTIFY",
    "M-SEARCH",     "MKCALENDAR", "CHECKOUT", "CHECKIN",   "VERSION-CONTROL", "BPROPFIND", "RPC_IN_DATA",
    "RPC_OUT_DATA", "SOURCE",     "PURGE",    "DESCRIBE",
};
constexpr std::size_t kLongestMethod = 32;
constexpr std::size_t kLongestProbedLine = 8192;

bool IsTokenCharacter(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool StartsIgnoringCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && EqualsIgnoringCase(text.substr(0, prefix.size()), prefix);
}

// White space and control characters, which evasions put around names and values.
bool IsBlank(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }
std::string_view TrimBlank(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the text up to the separator (or all) off the front.
std::string_view TakeUntil(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

bool IsKnown(std::string_view method) { return std::ranges::find(kMethods, method) != std::end(kMethods); }
// Origin, asterisk or absolute form (RFC 9112 section 3.2).
bool LooksLikeTarget(std::string_view target) {
  return target.starts_with('/') || target.starts_with('*') || StartsIgnoringCase(target, "http");
}

// "HTTP/1.1", "RTSP/1.0": a name, a slash, digits.
bool IsVersion(std::string_view text) {
  return text.size() >= 6 && (StartsIgnoringCase(text, "HTTP/") || text.starts_with("RTSP/")) && IsDigit(text[5]);
}

bool ParseRequestLine(std::string_view line, Http1Head& head) {
  line = TrimBlank(line);
  const std::size_t method_end = line.find_first_of(" \t");
  if (method_end == 0 || method_end == std::string_view::npos || method_end > kLongestMethod) return false;
  head.method = line.substr(0, method_end);
  if (!std::ranges::all_of(head.method, IsTokenCharacter)) return false;
  std::string_view rest = TrimBlank(line.substr(method_end));
  const std::size_t version = rest.find_last_of(" \t");
  if (version != std::string_view::npos && IsVersion(rest.substr(version + 1))) {
    head.target = TrimBlank(rest.substr(0, version));
    return true;
  }
  head.versioned = false;
  head.target = rest;
  return head.method == "GET" && !rest.empty() && rest.find_first_of(" \t") == std::string_view::npos;
}

bool ParseStatusLine(std::string_view line, Http1Head& head) {
  line = TrimBlank(line);
  if (!IsVersion(line) && !line.starts_with("ICY")) return false;
  const std::size_t space = line.find_first_of(" \t");
  if (space == std::string_view::npos) {
    head.status = 200;
    return true;
  }
  const std::string_view rest = TrimBlank(line.substr(space));
  std::size_t digits = 0;
  while (digits < rest.size() && digits < 4 && IsDigit(rest[digits])) ++digits;
  head.status = 200;  // browsers go on when there is no number
  if (digits == 3) std::from_chars(rest.data(), rest.data() + digits, head.status);
  return true;
}

// One field, with the lines that are folded into it; some readers fold at any control character.
std::string_view TakeField(std::string_view& text) {
  std::size_t end = 0;
  do {
    const std::size_t line_feed = text.find('\n', end);
    end = line_feed == std::string_view::npos ? text.size() : line_feed + 1;
  } while (end < text.size() && IsBlank(text[end]) && text[end] != '\r' && text[end] != '\n');
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end);
  return field;
}

void ReadContentLength(std::string_view value, Http1Head& head) {
  if (value.find(',') != std::string_view::npos) head.framing_conflict = true;
  while (!value.empty()) {
    std::string_view part = TrimBlank(TakeUntil(value, ','));
    if (part.starts_with('+')) part.remove_prefix(1);
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), length);
    if (error != std::errc() || end == part.data() || length > (1ULL << 62)) {
      head.framing_conflict = true;
      continue;
    }
    if (end != part.data() + part.size()) head.framing_conflict = true;
    if (head.content_length && *head.content_length != length) head.framing_conflict = true;
    if (!head.content_length) head.content_length = length;
  }
}

// The codings of a list; each element's best word, since evasions surround it with other words and characters.
void ReadCodings(std::string_view value, std::vector<std::string>& codings) {
  constexpr std::string_view kKnown[] = {"gzip", "x-gzip",   "deflate", "x-deflate",   "br",
                                         "zstd", "compress", "chunked", "aws-chunked", "base64"};
  constexpr std::size_t kMaxCodings = 16;
  while (!value.empty()) {
    std::string_view element = TakeUntil(value, ',');
    std::string chosen;
    while (!element.empty() && chosen.empty()) {
      const auto begin = std::ranges::find_if(element, IsTokenCharacter);
      const auto end = std::find_if_not(begin, element.end(), IsTokenCharacter);
      const std::string word = Lower(std::string_view(begin, end));
      if (std::ranges::find(kKnown, word) != std::end(kKnown)) chosen = word;
      element = std::string_view(end, element.end());
    }
    if (!chosen.empty() && codings.size() < kMaxCodings) codings.push_back(chosen);
  }
}

// The value of `name=value` or `name="value"` among the parameters of a field; nothing when it is not there.
std::optional<std::string> Parameter(std::string_view value, std::string_view name) {
  bool first = true;
  while (!value.empty()) {
    // A semicolon inside quotes separates nothing.
    std::size_t end = 0;
    bool quoted = false;
    for (; end < value.size() && (quoted || value[end] != ';'); ++end) {
      if (value[end] == '\\' && quoted)
        ++end;
      else if (value[end] == '"')
        quoted = !quoted;
    }
    std::string_view parameter = value.substr(0, std::min(end, value.size()));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (std::exchange(first, false) && parameter.find('=') == std::string_view::npos) continue;
    const std::string_view key = TrimBlank(TakeUntil(parameter, '='));
    if (!EqualsIgnoringCase(key, name)) continue;
    parameter = TrimBlank(parameter);
    if (!parameter.starts_with('"')) return std::string(parameter);
    std::string text;
    for (std::size_t i = 1; i < parameter.size() && parameter[i] != '"'; ++i) {
      // Browsers send Windows paths unescaped: a backslash counts only before a quote or itself.
      if (parameter[i] == '\\' && i + 1 < parameter.size() && (parameter[i + 1] == '"' || parameter[i + 1] == '\\'))
        ++i;
      text += parameter[i];
    }
    return text;
  }
  return std::nullopt;
}

// RFC 6266: filename* (charset'language'percent-encoded) goes before filename.
std::string FileNameOf(std::string_view disposition) {
  if (const auto extended = Parameter(disposition, "filename*")) {
    const std::size_t quote = extended->find('\'');
    const std::size_t second = quote == std::string::npos ? quote : extended->find('\'', quote + 1);
    if (second != std::string::npos) return PercentDecoded(std::string_view(*extended).substr(second + 1));
  }
  return Parameter(disposition, "filename").value_or("");
}

// "bytes 0-499/1234", "bytes 500-999/*".
std::optional<ByteRange> ParseContentRange(std::string_view value) {
  value = TrimBlank(value);
  if (!StartsIgnoringCase(value, "bytes")) return std::nullopt;
  value.remove_prefix(5);
  while (!value.empty() && !IsDigit(value.front())) value.remove_prefix(1);
  ByteRange range;
  if (std::from_chars(value.data(), value.data() + value.size(), range.offset).ec != std::errc()) return std::nullopt;
  TakeUntil(value, '/');
  std::uint64_t total = 0;
  if (std::from_chars(value.data(), value.data() + value.size(), total).ec == std::errc()) range.total = total;
  return range;
}

// Whether the field has that name, control characters inside it passed over as some readers do.
bool IsNamed(const Http1Field& field, std::string_view name) {
  std::size_t at = 0;
  for (const char c : field.name) {
    if (static_cast<unsigned char>(c) < 0x20) continue;
    if (at == name.size() || Lower(c) != name[at++]) return false;
  }
  return at == name.size();
}

// `text`: all that stands behind the colon, with the line end.
bool IsUnusual(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text.starts_with(':') || std::ranges::any_of(text, [](char c) {
           return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || static_cast<unsigned char>(c) >= 0x7f;
         });
}

void ReadField(const Http1Field& field, std::vector<std::string>& transfer_codings, Http1Head& head) {
  const auto is = [&](std::string_view name) { return IsNamed(field, name); };
  if (is("content-length")) return ReadContentLength(field.value, head);
  // The second is a field of mail, which clients that upload the parts of one send as well.
  if (is("content-encoding") || is("content-transfer-encoding")) return ReadCodings(field.value, head.encodings);
  if (is("transfer-encoding")) {
    if (field.unusual || !transfer_codings.empty()) head.framing_conflict = true;
    return ReadCodings(field.value, transfer_codings);
  }
  if (is("content-type") && head.media_type.empty()) {
    std::string_view rest = field.value;
    head.media_type = Lower(TrimBlank(TakeUntil(rest, ';')).substr(0, 128));
    head.boundary = Parameter(field.value, "boundary").value_or("").substr(0, 256);
  } else if (is("content-disposition")) {
    head.file_name = FileNameOf(field.value);
  } else if (is("content-range")) {
    head.range = ParseContentRange(field.value);
  } else if (is("host")) {
    head.host = field.value;
  } else if (is("user-agent")) {
    head.user_agent = field.value;
  } else if (is("expect")) {
    head.expects_continue = StartsIgnoringCase(field.value, "100-continue");
  }
}

// The last method name that stands before `end` with what follows it looking like a target, or it beginning the line.
std::optional<std::size_t> FindMethod(std::string_view text, std::size_t line, std::size_t end) {
  for (std::size_t at = end; at-- > line;) {
    if (text[at] < 'A' || text[at] > 'Z') continue;
    for (const std::string_view method : kMethods) {
      if (!text.substr(at, end - at).starts_with(method)) continue;
      const std::string_view rest = text.substr(at + method.size(), end - at - method.size());
      if (rest.size() < 2 || rest[0] != ' ' || rest[1] == ' ') continue;
      if (at == line || method == "CONNECT" || LooksLikeTarget(rest.substr(1))) return at;
    }
  }
  return std::nullopt;
}

}  // namespace

std::size_t LineLength(ByteView bytes) {
  const void* line_feed = std::memchr(bytes.data(), '\n', bytes.size());
  if (line_feed == nullptr) return bytes.size();
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(line_feed) - bytes.data()) + 1;
}

ProbeAnswer ProbeRequestLine(std::string_view text) {
  while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
  std::size_t method = 0;
  while (method < text.size() && IsTokenCharacter(text[method])) ++method;
  if (method > kLongestMethod) return ProbeAnswer::kNo;
  if (method == text.size()) return ProbeAnswer::kMaybe;
  if (method == 0 || text[method] != ' ') return ProbeAnswer::kNo;
  const std::size_t line_feed = text.find('\n');
  if (line_feed == std::string_view::npos) {
    return text.size() > kLongestProbedLine ? ProbeAnswer::kNo : ProbeAnswer::kMaybe;
  }
  Http1Head head;
  if (!ParseRequestLine(text.substr(0, line_feed), head)) return ProbeAnswer::kNo;
  return ProbeAnswer::kYes;
}

ProbeAnswer ProbeStatusLine(std::string_view text) {
  while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
  for (const std::string_view prefix : {"HTTP/", "RTSP/", "ICY "}) {
    const std::size_t length = std::min(prefix.size(), text.size());
    if (!StartsIgnoringCase(text, prefix.substr(0, length))) continue;
    return length == prefix.size() ? ProbeAnswer::kYes : ProbeAnswer::kMaybe;
  }
  return ProbeAnswer::kNo;
}

bool IsStartLine(std::string_view line, bool request) {
  Http1Head head;
  if (!request) return IsVersion(line) && ParseStatusLine(line, head);
  if (line.empty() || line[0] < 'A' || line[0] > 'Z') return false;
  return ParseRequestLine(line, head) && head.versioned && (IsKnown(head.method) || LooksLikeTarget(head.target));
}

bool MayBeginRequest(std::string_view text) {
  return std::ranges::any_of(kMethods, [&](std::string_view method) {
    const std::size_t length = std::min(method.size(), text.size());
    if (text.substr(0, length) != method.substr(0, length)) return false;
    if (text.size() <= method.size()) return true;
    if (text[method.size()] != ' ') return false;
    const std::string_view target = text.substr(method.size() + 1);
    return method == "CONNECT" || LooksLikeTarget(target) || StartsIgnoringCase("http", target);
  });
}

std::optional<Http1Beginning> FindBeginning(std::string_view text, bool request, std::size_t searched) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kUndecided = 16;  // a version so near to the end was not decided on
  for (std::size_t at = text.find(kVersion, searched - std::min(searched, kUndecided)); at != std::string_view::npos;
       at = text.find(kVersion, at + 1)) {
    const std::size_t after = at + kVersion.size();
    if (request) {
      if (after + 1 >= text.size()) return std::nullopt;
      if (at == 0 || text[at - 1] != ' ' || !IsDigit(text[after])) continue;
      if (text[after + 1] != '\r' && text[after + 1] != '\n') continue;
      const std::size_t nearest = at > kLongestFoundLine ? at - kLongestFoundLine : 0;
      const std::size_t line_feed = text.substr(0, at).find_last_of("\r\n");
      const std::size_t line = line_feed == std::string_view::npos ? nearest : std::max(nearest, line_feed + 1);
      if (const auto method = FindMethod(text, line, at)) return Http1Beginning{*method, after + 1};
    } else {
      if (after + 5 > text.size()) return std::nullopt;
      if (IsDigit(text[after]) && text[after + 1] == ' ' && text[after + 2] >= '1' && text[after + 2] <= '5' &&
          IsDigit(text[after + 3]) && IsDigit(text[after + 4])) {
        return Http1Beginning{at, after + 5};
      }
    }
  }
  return std::nullopt;
}

std::optional<Http1Head> ParseHttp1Head(std::string_view text, bool request) {
  constexpr std::size_t kMaxFields = 1024;
  Http1Head head;
  head.request = request;
  const std::string_view line = TakeUntil(text, '\n');
  if (!(request ? ParseRequestLine(line, head) : ParseStatusLine(line, head))) return std::nullopt;
  std::vector<std::string> transfer_codings;
  while (!text.empty() && head.fields.size() < kMaxFields) {
    std::string_view value = TakeField(text);
    // A line that begins with a colon: the name stands before it, on no line of this head.
    const std::string_view name = TrimBlank(TakeUntil(value, ':'));
    const bool unusual = IsUnusual(value);
    while (!value.empty() && (IsBlank(value.front()) || value.front() == ':')) value.remove_prefix(1);
    head.fields.push_back({name, TrimBlank(value), unusual});
    ReadField(head.fields.back(), transfer_codings, head);
  }
  for (std::string& coding : transfer_codings) {
    if (coding == "chunked")
      head.chunked = true;
    else
      head.encodings.push_back(std::move(coding));
  }
  if (head.chunked && head.content_length) head.framing_conflict = true;
  if (head.host.empty() && head.target.find("://") != std::string_view::npos) {  // absolute form
    std::string_view rest = head.target.substr(head.target.find("://") + 3);
    head.host = TakeUntil(rest, '/');
  }
  return head;
}

std::optional<std::uint64_t> ParseChunkSize(std::string_view line) {
  line = TrimBlank(line);
  if (StartsIgnoringCase(line, "0x")) line.remove_prefix(2);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error != std::errc() || size > (1ULL << 62)) return std::nullopt;
  return size;
}

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::string NameOfTarget(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    if (target.find('/') == std::string_view::npos) return {};
  }
  const std::size_t slash = target.rfind('/');
  if (slash != std::string_view::npos) target.remove_prefix(slash + 1);
  return target == "*" ? std::string() : PercentDecoded(target);
}

}  // namespace spanwatch::protocol
