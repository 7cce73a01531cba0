#include "protocol/http1_texts.h"

#include <algorithm>

namespace spanwatch::protocol {
namespace {

constexpr std::size_t kShortestText = 65;  // what is shorter holds no export worth a search of its own

void OpenText(const ParserContext& context, Direction direction, std::string step, std::string_view text) {
  ObjectInfo info;
  info.kind = ObjectKind::kText;
  info.step = std::move(step);
  info.size = text.size();
  const auto consumer = context.objects.Open(direction, std::move(info));
  consumer->OnData(AsBytes(text));
  consumer->OnEnd(ObjectEnd::kComplete);
}

}  // namespace

void OpenHttp1Texts(const ParserContext& context, Direction direction, const Http1Head& head, const std::string& step) {
  // Fields that are long in ordinary traffic and say what programs are, not what is carried.
  constexpr std::string_view kOrdinary[] = {
      "user-agent", "accept", "content-security-policy", "permissions-policy",       "p3p",
      "report-to",  "nel",    "accept-language",         "strict-transport-security"};
  std::uint64_t room = context.limits.protocol_http_text_objects;
  const auto open = [&](std::string_view what, std::string_view text) {
    if (text.size() < kShortestText) return;
    if (room == 0) return context.counters.Add(Counter::http_texts_over_limit);
    --room;
    OpenText(context, direction, (step + " ").append(what).substr(0, kLongestFact), text);
  };
  if (head.target.size() >= kShortestText) open("url", PercentDecoded(head.target));
  for (const Http1Field& field : head.fields) {
    if (field.value.size() < kShortestText) continue;
    std::string name(field.name.substr(0, 64));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (std::ranges::find(kOrdinary, name) == std::end(kOrdinary)) open("header " + name, field.value);
  }
}

}  // namespace spanwatch::protocol
