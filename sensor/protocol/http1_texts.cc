#include "protocol/http1_texts.h"

#include <algorithm>

#include "base/ascii.h"

namespace spanwatch::protocol {
namespace {

constexpr std::size_t kShortestText = 65;  // what is shorter holds no export worth a search of its own
// Of a plate: letters and digits, and what may stand between them.
constexpr std::size_t kFewestCharacters = 3;
constexpr std::size_t kMostCharacters = 8;
constexpr std::size_t kMostSeparators = 3;

// Fields that say what programs are and how they transfer, not what is carried.
constexpr std::string_view kOrdinary[] = {"accept",
                                          "accept-encoding",
                                          "accept-language",
                                          "accept-ranges",
                                          "age",
                                          "alt-svc",
                                          "cache-control",
                                          "connection",
                                          "content-encoding",
                                          "content-language",
                                          "content-length",
                                          "content-range",
                                          "content-security-policy",
                                          "content-transfer-encoding",
                                          "content-type",
                                          "date",
                                          "etag",
                                          "expires",
                                          "host",
                                          "if-match",
                                          "if-modified-since",
                                          "if-none-match",
                                          "if-range",
                                          "keep-alive",
                                          "last-modified",
                                          "nel",
                                          "origin",
                                          "p3p",
                                          "permissions-policy",
                                          "pragma",
                                          "range",
                                          "report-to",
                                          "server",
                                          "strict-transport-security",
                                          "te",
                                          "transfer-encoding",
                                          "upgrade",
                                          "user-agent",
                                          "vary",
                                          "via"};
static_assert(std::ranges::is_sorted(kOrdinary));

// The name of a field that may hold a plate of letters or of digits alone.
bool MayNamePlate(std::string_view name) {
  constexpr std::string_view kMarks[] = {"plat", "lic", "lpr", "tag", "vr", "reg"};
  const std::string lower = Lower(name);
  return std::ranges::any_of(kMarks, [&](std::string_view mark) { return lower.contains(mark); });
}

// What may be a plate as a whole, though nothing names it as one. Letters of other scripts count as letters.
bool MayBePlate(std::string_view value) {
  std::size_t letters = 0, digits = 0, separators = 0;
  for (const char c : value) {
    const bool letter = IsLetter(c) || (static_cast<unsigned char>(c) & 0xC0) == 0xC0;
    const bool continuation = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    (IsDigit(c) ? digits : letter ? letters : separators) += continuation ? 0 : 1;
  }
  return letters > 0 && digits > 0 && letters + digits >= kFewestCharacters && letters + digits <= kMostCharacters &&
         separators <= kMostSeparators;
}

std::string_view Before(std::string_view text, char end) { return text.substr(0, text.find(end)); }
std::string_view Behind(std::string_view text, char begin) {
  const std::size_t at = text.find(begin);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
}

// Calls `take` with each part of `text` between any of `separators`.
template <typename Take>
void ForEachPart(std::string_view text, std::string_view separators, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Lines `name=value` of the short values that may hold a plate; what cannot is turned away here, so that an ordinary
// request opens nothing.
class FieldLines {
 public:
  void Add(std::string_view name, std::string_view encoded) {
    if (encoded.size() >= kShortestText || encoded.size() < kFewestCharacters) return;
    std::string value = PercentDecoded(encoded);
    std::ranges::replace(value, '\n', ' ');
    if (name.starts_with("x-")) name.remove_prefix(2);
    const bool holds_pairs = value.find_first_of("=:") != std::string::npos;  // JSON in a query, for one
    if (MayNamePlate(name) || (holds_pairs && MayNamePlate(value))) {
      AddLine(name, value);
    } else {
      // Each value of a list, of a filter or key of OData, of JSON.
      ForEachPart(value, ",;|:=\"'()[]{}", [&](std::string_view part) {
        if (MayBePlate(Trim(part))) AddLine(name, Trim(part));
      });
    }
  }

  void AddPairs(std::string_view pairs, std::string_view separators) {
    ForEachPart(pairs, separators, [&](std::string_view pair) {
      if (!pair.contains('=')) return Add("", Trim(pair));
      Add(Trim(Before(pair, '=')), Trim(Behind(pair, '=')));
    });
  }

  // A target or a whole URL: its path (RFC 3986 section 3.3), parameters of its segments, query and fragment.
  void AddUrl(std::string_view url) {
    if (const std::size_t scheme = url.find("://"); scheme < url.find_first_of("/?#")) {
      url.remove_prefix(scheme + 3);
      url.remove_prefix(std::min(url.find_first_of("/?#"), url.size()));
    }
    const std::size_t path_end = std::min(url.find_first_of("?#"), url.size());
    std::string_view before;
    ForEachPart(url.substr(0, path_end), "/", [&](std::string_view segment) {
      const std::string_view own = Before(segment, ';');
      Add(before, WithoutExtension(own));
      AddPairs(Behind(segment, ';'), ";,");
      AddPairs(own.contains('=') ? own : std::string_view(), ",");
      before = own;
    });
    AddPairs(url.substr(path_end), "?#&;");
  }

  std::string Take() { return std::move(lines_); }

 private:
  void AddLine(std::string_view name, std::string_view value) {
    lines_.append(PercentDecoded(name.substr(0, kShortestText))).append("=").append(value).append("\n");
  }
  static std::string_view WithoutExtension(std::string_view name) {
    constexpr std::size_t kLongestExtension = 5;
    const std::size_t dot = name.rfind('.');
    return dot != std::string_view::npos && dot > 0 && name.size() - dot <= kLongestExtension ? name.substr(0, dot)
                                                                                              : name;
  }

  std::string lines_;
};

// Opens the texts of one head.
class HeadTexts {
 public:
  HeadTexts(const ParserContext& context, Direction direction, const Http1Head& head, const std::string& step,
            const std::shared_ptr<const ExchangeFacts>& exchange)
      : context_(context),
        direction_(direction),
        head_(head),
        step_(step),
        exchange_(exchange),
        room_(context.limits.protocol_http_text_objects) {}

  void OpenTarget() {
    if (head_.method == "CONNECT") return;  // a host and its port
    FieldLines lines;
    lines.AddUrl(head_.target);
    std::string text = lines.Take();
    if (head_.target.size() >= kShortestText) {
      text.insert(0, PercentDecoded(head_.target) + (text.empty() ? "" : "\n"));
    }
    const bool has_body = head_.chunked || head_.content_length.value_or(0) > 0;
    std::string name;
    if (!has_body) name = NameOfTarget(Before(head_.target, '?'));
    if (!std::ranges::any_of(name, IsDigit)) name.clear();  // it names no plate
    if (!text.empty() || !name.empty()) Open("url", std::move(name), text.empty() ? "\n" : text, true);
  }

  void OpenFields() {
    FieldLines lines;
    for (const Http1Field& field : head_.fields) {
      const std::string name = Lower(field.name.substr(0, kShortestText - 1));
      if (std::ranges::binary_search(kOrdinary, name)) continue;
      if (field.value.size() >= kShortestText) Open("header " + name, "", field.value, false);
      if (name == "content-disposition") continue;  // its name is the object's, and judged as such
      if (name == "cookie" || name == "set-cookie") {
        lines.AddPairs(field.value, ";");
      } else if (field.value.contains("://") || field.value.starts_with('/')) {  // Referer, Location, Destination
        lines.AddUrl(field.value);
      } else {
        lines.Add(name, field.value);
      }
    }
    if (const std::string text = lines.Take(); !text.empty()) Open("fields", "", text, true);
  }

 private:
  void Open(std::string_view what, std::string name, std::string_view text, bool fields) {
    if (room_ == 0) return context_.counters.Add(Counter::http_texts_over_limit);
    --room_;
    ObjectInfo info;
    info.kind = ObjectKind::kText;
    info.step = (step_ + " ").append(what).substr(0, kLongestFact);
    info.name = std::move(name);
    info.fields = fields;
    info.exchange = exchange_;
    info.size = text.size();
    const auto consumer = context_.objects.Open(direction_, std::move(info));
    consumer->OnData(AsBytes(text));
    consumer->OnEnd(ObjectEnd::kComplete);
  }

  const ParserContext& context_;
  Direction direction_;
  const Http1Head& head_;
  const std::string& step_;
  const std::shared_ptr<const ExchangeFacts>& exchange_;
  std::uint64_t room_;
};

}  // namespace

void OpenHttp1Texts(const ParserContext& context, Direction direction, const Http1Head& head, const std::string& step,
                    const std::shared_ptr<const ExchangeFacts>& exchange) {
  HeadTexts texts(context, direction, head, step, exchange);
  if (head.request) texts.OpenTarget();
  texts.OpenFields();
}

}  // namespace spanwatch::protocol
