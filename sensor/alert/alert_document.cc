#include "alert/alert_document.h"

namespace spanwatch::alert {
namespace {

using nlohmann::json;

constexpr std::size_t kBodyLimit = 20'000;  // Standard Webhooks: keep the body under 20 kB

json RuleJson(const AlertRule& rule) {
  json value = {{"id", rule.id}, {"name", rule.name}, {"level", ToString(rule.severity)}, {"signed", rule.rule_signed}};
  if (rule.count > 0) value["count"] = rule.count;
  if (!rule.tags.empty()) value["tags"] = rule.tags;
  if (rule.muted) value["muted"] = true;
  return value;
}

json ExampleJson(const AlertExample& example) {
  json value = {{"event_id", example.event_id}};
  if (example.item.empty()) return value;
  value["item"] = example.item;
  value["method"] = ToString(example.method);
  value["confidence"] = ToString(example.confidence);
  value["provenance"] = example.provenance;
  return value;
}

json SpanwatchJson(const Alert& alert) {
  json group = json::object(), rules = json::array(), methods = json::array(), examples = json::array();
  for (const auto& [field, value] : alert.group) group[field] = value;
  for (const AlertRule& rule : alert.rules) rules.push_back(RuleJson(rule));
  for (const Method method : alert.methods) methods.push_back(ToString(method));
  for (const AlertExample& example : alert.examples) examples.push_back(ExampleJson(example));
  json value = {
      {"id", alert.id},
      {"state", ToString(alert.state)},
      {"transition", alert.transition},
      {"severity", ToString(alert.severity)},
      {"opened", FormatRfc3339(alert.opened)},
      {"first", FormatRfc3339(alert.first)},
      {"last", FormatRfc3339(alert.last)},
      {"opening_event_id", alert.opening_event_id},
      {"group", group},
      {"rules", rules},
      {"totals",
       {{"events", alert.totals.events},
        {"items", alert.totals.items},
        {"plates", alert.totals.plates},
        {"flows", alert.totals.flows},
        {"destinations", alert.totals.destinations},
        {"bytes", alert.totals.bytes}}},
      {"examples", examples},
  };
  if (alert.state == AlertState::kClosed) value["close_reason"] = alert.close_reason;
  json own = {{"alert", value}, {"authorized", alert.authorised}};
  if (!alert.collections.empty()) own["collection"] = alert.collections;
  if (!alert.methods.empty()) {
    own["method"] = methods;
    own["confidence"] = ToString(alert.weak_only ? Confidence::kWeak : Confidence::kSure);
  }
  if (!alert.near_miss.empty()) own["near_miss"] = alert.near_miss;
  return own;
}

json EndpointJson(const Endpoint& endpoint) {
  json value = {{"ip", ToString(endpoint.address)}};
  if (endpoint.port != 0) value["port"] = endpoint.port;
  return value;
}

// Names may come from the wire and need not be UTF-8.
std::string Dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

int SeverityNumber(Severity severity) {
  constexpr int kNumbers[] = {1, 21, 47, 73, 99};
  return kNumbers[static_cast<std::size_t>(severity)];
}

nlohmann::json AlertDocument(const AlertTransition& transition, PacketTime created) {
  const Alert& alert = transition.alert;
  json document = {
      {"@timestamp", FormatRfc3339(transition.time)},
      {"ecs", {{"version", "8.11.0"}}},
      {"event",
       {{"kind", "alert"},
        {"category", {"network"}},
        {"dataset", "spanwatch.alert"},
        {"id", IdempotencyKey(alert)},
        {"created", FormatRfc3339(created)},
        {"start", FormatRfc3339(alert.first)},
        {"end", FormatRfc3339(alert.last)},
        {"severity", SeverityNumber(alert.severity)}}},
      {"observer", {{"name", alert.sensor}}},
      {"spanwatch", SpanwatchJson(alert)},
  };
  if (!alert.rules.empty()) document["rule"] = {{"id", alert.rules.front().id}, {"name", alert.rules.front().name}};
  if (!alert.source.address.none()) {
    document["source"] = EndpointJson(alert.source);
    document["destination"] = EndpointJson(alert.destination);
    document["network"] = {{"direction", ToString(alert.crossing)}};
    if (!alert.server_name.empty()) document["destination"]["domain"] = alert.server_name;
    if (!alert.protocol.empty()) document["network"]["protocol"] = alert.protocol;
  }
  return document;
}

std::string WebhookType(const AlertTransition& transition) {
  return fmt::format("spanwatch.alert.{}", ToString(transition.alert.state));
}

std::string WebhookBody(const AlertTransition& transition, PacketTime created) {
  json body = {{"type", WebhookType(transition)},
               {"timestamp", FormatRfc3339(transition.time)},
               {"data", AlertDocument(transition, created)}};
  json& own = body["data"]["spanwatch"];
  json& alert = own["alert"];
  std::string text = Dump(body);
  // Lists go from the least to the most telling; what is left has a fixed shape and short values.
  for (json* list : {&alert["examples"], &alert["rules"], &own["collection"]}) {
    while (text.size() >= kBodyLimit && list->is_array() && !list->empty()) {
      list->erase(list->size() - 1);
      alert["shortened"] = true;
      text = Dump(body);
    }
  }
  if (text.size() >= kBodyLimit) {
    alert["group"] = json::object();
    text = Dump(body);
  }
  return text;
}

}  // namespace spanwatch::alert
