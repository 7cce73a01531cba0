#include "state/alert_codec.h"

#include <nlohmann/json.hpp>

namespace spanwatch::state {
namespace {

using nlohmann::json;

json EncodeEndpoint(const Endpoint& endpoint) { return {{"ip", ToString(endpoint.address)}, {"port", endpoint.port}}; }

Endpoint DecodeEndpoint(const json& value) {
  Endpoint endpoint;
  if (auto address = ParseIpAddress(value.at("ip").get<std::string>())) endpoint.address = *address;
  endpoint.port = value.at("port").get<std::uint16_t>();
  return endpoint;
}

json EncodeRule(const AlertRule& rule) {
  return {{"id", rule.id},
          {"name", rule.name},
          {"severity", static_cast<int>(rule.severity)},
          {"signed", rule.rule_signed},
          {"count", rule.count},
          {"tags", rule.tags},
          {"muted", rule.muted}};
}

// A number of an enumeration; out of range is a damaged file.
template <typename Enum>
Enum DecodeEnum(const json& value) {
  const auto known = EnumFrom<Enum>(value.get<std::uint64_t>());
  if (!known) throw json::other_error::create(501, "number out of range", &value);
  return *known;
}

AlertRule DecodeRule(const json& value) {
  AlertRule rule;
  value.at("id").get_to(rule.id);
  value.at("name").get_to(rule.name);
  rule.severity = DecodeEnum<Severity>(value.at("severity"));
  value.at("signed").get_to(rule.rule_signed);
  value.at("count").get_to(rule.count);
  value.at("tags").get_to(rule.tags);
  rule.muted = value.value("muted", false);
  return rule;
}

json EncodeExample(const AlertExample& example) {
  return {{"event_id", example.event_id},
          {"item", example.item},
          {"method", static_cast<int>(example.method)},
          {"confidence", static_cast<int>(example.confidence)},
          {"provenance", example.provenance}};
}

AlertExample DecodeExample(const json& value) {
  AlertExample example;
  value.at("event_id").get_to(example.event_id);
  value.at("item").get_to(example.item);
  example.method = DecodeEnum<Method>(value.at("method"));
  example.confidence = DecodeEnum<Confidence>(value.at("confidence"));
  value.at("provenance").get_to(example.provenance);
  return example;
}

PacketTime DecodeTime(const json& value) { return PacketTimeFromNanoseconds(value.get<std::int64_t>()); }

Alert Decode(const json& value) {
  Alert alert;
  value.at("id").get_to(alert.id);
  value.at("sensor").get_to(alert.sensor);
  value.at("group").get_to(alert.group);
  alert.state = DecodeEnum<AlertState>(value.at("state"));
  value.at("transition").get_to(alert.transition);
  alert.severity = DecodeEnum<Severity>(value.at("severity"));
  alert.opened = DecodeTime(value.at("opened"));
  alert.first = DecodeTime(value.at("first"));
  alert.last = DecodeTime(value.at("last"));
  alert.told = DecodeTime(value.at("told"));
  value.at("opening_event_id").get_to(alert.opening_event_id);
  value.at("close_reason").get_to(alert.close_reason);
  for (const json& rule : value.at("rules")) alert.rules.push_back(DecodeRule(rule));
  const json& totals = value.at("totals");
  alert.totals = {totals.at("events"), totals.at("items"),        totals.at("plates"),
                  totals.at("flows"),  totals.at("destinations"), totals.at("bytes")};
  value.at("collections").get_to(alert.collections);
  for (const json& method : value.at("methods")) alert.methods.push_back(DecodeEnum<Method>(method));
  value.at("authorized").get_to(alert.authorised);
  value.at("near_miss").get_to(alert.near_miss);
  value.at("weak_only").get_to(alert.weak_only);
  value.at("untold").get_to(alert.untold);
  alert.live = value.value("live", true);
  alert.source = DecodeEndpoint(value.at("source"));
  alert.destination = DecodeEndpoint(value.at("destination"));
  value.at("server_name").get_to(alert.server_name);
  value.at("protocol").get_to(alert.protocol);
  alert.crossing = DecodeEnum<Crossing>(value.at("crossing"));
  for (const json& example : value.at("examples")) alert.examples.push_back(DecodeExample(example));
  return alert;
}

}  // namespace

std::string EncodeAlert(const Alert& alert) {
  json rules = json::array(), examples = json::array(), methods = json::array();
  for (const AlertRule& rule : alert.rules) rules.push_back(EncodeRule(rule));
  for (const AlertExample& example : alert.examples) examples.push_back(EncodeExample(example));
  for (const Method method : alert.methods) methods.push_back(static_cast<int>(method));
  const json value = {
      {"id", alert.id},
      {"sensor", alert.sensor},
      {"group", alert.group},
      {"state", static_cast<int>(alert.state)},
      {"transition", alert.transition},
      {"severity", static_cast<int>(alert.severity)},
      {"opened", Nanoseconds(alert.opened)},
      {"first", Nanoseconds(alert.first)},
      {"last", Nanoseconds(alert.last)},
      {"told", Nanoseconds(alert.told)},
      {"opening_event_id", alert.opening_event_id},
      {"close_reason", alert.close_reason},
      {"rules", rules},
      {"totals",
       {{"events", alert.totals.events},
        {"items", alert.totals.items},
        {"plates", alert.totals.plates},
        {"flows", alert.totals.flows},
        {"destinations", alert.totals.destinations},
        {"bytes", alert.totals.bytes}}},
      {"collections", alert.collections},
      {"methods", methods},
      {"authorized", alert.authorised},
      {"near_miss", alert.near_miss},
      {"weak_only", alert.weak_only},
      {"untold", alert.untold},
      {"live", alert.live},
      {"source", EncodeEndpoint(alert.source)},
      {"destination", EncodeEndpoint(alert.destination)},
      {"server_name", alert.server_name},
      {"protocol", alert.protocol},
      {"crossing", static_cast<int>(alert.crossing)},
      {"examples", examples},
  };
  // Names come from the wire and need not be UTF-8.
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Alert> DecodeAlert(std::string_view text) {
  try {
    return Decode(json::parse(text));
  } catch (const json::exception& error) {
    return Fail(ErrorCode::kCorrupt, "state file: an alert cannot be read: {}", error.what());
  }
}

}  // namespace spanwatch::state
