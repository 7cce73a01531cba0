#include "supervisor/event_document.h"

#include <xxhash.h>

#include "base/byte_writer.h"
#include "base/hex.h"

namespace spanwatch::supervisor {
namespace {

using nlohmann::json;

constexpr std::size_t kItemsListed = 32;
constexpr std::size_t kProvenanceStepsListed = 16;

void SetText(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

json EndpointDocument(const Endpoint& endpoint) {
  json document{{"ip", ToString(endpoint.address)}};
  if (endpoint.port != 0) document["port"] = endpoint.port;
  return document;
}

json ObserverDocument(const std::string& sensor, const FlowSummary* flow) {
  json observer{{"name", sensor}, {"vendor", "Spanwatch"}, {"type", "sensor"}};
  if (flow == nullptr) return observer;
  json ingress = json::object();
  if (!flow->interface_name.empty()) ingress["interface"]["name"] = flow->interface_name;
  if (flow->vlan[0] != 0) ingress["vlan"]["id"] = std::to_string(flow->vlan[0]);
  if (!ingress.empty()) observer["ingress"] = std::move(ingress);
  return observer;
}

// source, destination, network, tls and user_agent of the flow.
void AddFlow(json& document, const FlowSummary& flow) {
  document["source"] = EndpointDocument(flow.source);
  document["destination"] = EndpointDocument(flow.destination);
  const FlowFacts& facts = flow.facts;
  // The server's name belongs to whichever side is the server.
  const bool to_server = flow.from_client != facts.roles_reversed;
  SetText(document[to_server ? "destination" : "source"], "domain", facts.exchange.server_name);
  json& network = document["network"];
  network["transport"] = ToString(flow.transport);
  network["type"] = flow.source.address.v6() ? "ipv6" : "ipv4";
  network["direction"] = ToString(flow.crossing);
  SetText(network, "protocol", facts.protocol);
  SetText(network, "community_id", flow.community_id);
  if (flow.ip_protocol != 0) network["iana_number"] = std::to_string(flow.ip_protocol);
  if (flow.vlan[0] != 0) network["vlan"]["id"] = std::to_string(flow.vlan[0]);
  if (flow.vlan[1] != 0) network["inner"]["vlan"]["id"] = std::to_string(flow.vlan[1]);
  if (!facts.tls_version.empty()) document["tls"]["version"] = facts.tls_version;
  if (!facts.tls_alpn.empty()) document["tls"]["next_protocol"] = facts.tls_alpn;
  if (!facts.tls_ja4.empty()) document["tls"]["client"]["ja4"] = facts.tls_ja4;
  if (facts.protocol == "tls" && !facts.exchange.server_name.empty())
    document["tls"]["client"]["server_name"] = facts.exchange.server_name;
  SetText(document["spanwatch"], "ssh_client", facts.ssh_client_banner);
  SetText(document["spanwatch"], "ssh_server", facts.ssh_server_banner);
  if (!facts.exchange.user_agent.empty()) document["user_agent"]["original"] = facts.exchange.user_agent;
  document["spanwatch"]["flow_id"] = fmt::format("{:016x}", flow.flow_id);
  document["spanwatch"]["visibility"] = ToString(facts.visibility);
}

void AddSighting(json& document, const Sighting& sighting) {
  json& file = document["file"];
  SetText(file, "name", sighting.object_name);
  if (sighting.object_size != 0) file["size"] = sighting.object_size;
  SetText(file, "mime_type", sighting.media_type);
  if (sighting.sha256) file["hash"]["sha256"] = ToHex(*sighting.sha256);
  if (file.is_null()) document.erase("file");
  json& own = document["spanwatch"];
  own["phase"] = sighting.phase == SightingPhase::kFirst ? "first" : "complete";
  own["collection"] = sighting.collection;
  own["hashset"] = {{"name", sighting.hashset_name}, {"serial", sighting.hashset_serial}};
  own["method"] = ToString(sighting.method);
  own["confidence"] = ToString(sighting.confidence);
  own["item_count"] = sighting.items.size();
  own["object"] = {{"id", sighting.object_id}, {"complete", sighting.object_complete}};
  own["evasive"] = sighting.evasive;
  json& provenance = own["provenance"] = json::array();
  for (const std::string& step : sighting.provenance) {
    if (provenance.size() < kProvenanceStepsListed) provenance.push_back(step);
  }
  json& items = own["items"] = json::array();
  for (const SightedItem& item : sighting.items) {
    if (items.size() < kItemsListed) items.push_back(ToHex(item.id));
  }
  if (sighting.items.empty()) return;
  const SightedItem& best = sighting.items.front();
  if (sighting.method == Method::kPerceptual) {
    own["distance"] = best.distance;
    own["view"] = ToString(best.view);
  }
  if (sighting.method == Method::kFragment) own["coverage"] = best.coverage;
  if (sighting.records) {
    own["records"] = {{"distinct_plates", sighting.records->distinct_plates},
                      {"supported_plates", sighting.records->supported_plates},
                      {"distinct_tokens", sighting.records->distinct_tokens},
                      {"probability", sighting.records->probability},
                      {"structured", sighting.records->structured}};
  }
  if (sighting.pictures) {
    own["pictures"] = {{"seen", sighting.pictures->pictures_seen},
                       {"alike", sighting.pictures->pictures_alike},
                       {"probability", sighting.pictures->probability}};
  }
  if (sighting.archive) {
    own["archive"] = {{"entries_listed", sighting.archive->entries_listed},
                      {"entries_matched", sighting.archive->entries_matched},
                      {"sizes_matched", sighting.archive->sizes_matched},
                      {"probability", sighting.archive->probability}};
  }
}

void AddTransfer(json& document, const TransferSummary& transfer) {
  document["event"]["start"] = FormatRfc3339(transfer.start);
  document["event"]["end"] = FormatRfc3339(transfer.time);
  document["event"]["duration"] = (transfer.time - transfer.start).count();
  document["source"]["bytes"] = transfer.counters.payload_bytes;
  document["source"]["packets"] = transfer.counters.packets;
  json& own = document["spanwatch"];
  own["objects"] = transfer.objects;
  own["delivered_bytes"] = transfer.counters.delivered_bytes;
  own["gap_bytes"] = transfer.counters.gap_bytes;
  own["lost_before_sensor_bytes"] = transfer.counters.lost_before_sensor_bytes;
  own["lost_unsure_bytes"] = transfer.counters.lost_unsure_bytes;
  own["retransmitted_bytes"] = transfer.counters.retransmitted_bytes;
  own["duplicate_frames"] = transfer.counters.duplicate_frames;
  own["opaque_bytes"] = transfer.opaque_bytes;
  own["lpr_structure"] = transfer.lpr_structure;
  own["encrypted_archive"] = transfer.encrypted_archive;
  own["evasive"] = transfer.evasive;
  own["final"] = transfer.final;
  if (!transfer.flood) return;
  own["flood"] = {{"kind", ToString(transfer.flood->flood)},
                  {"conversations", transfer.flood->conversations},
                  {"sources", ToString(transfer.flood->sources)},
                  {"destinations", ToString(transfer.flood->destinations)}};
}

void AddToHash(ByteWriter& writer, const FlowSummary& flow) {
  writer.Le(flow.flow_id);
  writer.Le(static_cast<std::uint8_t>(flow.from_client));
}

void FlattenInto(const json& value, const std::string& name, FlatEvent& event) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) FlattenInto(inner, name.empty() ? key : name + "." + key, event);
  } else if (value.is_array()) {
    event.fields.try_emplace(name);
    for (const auto& inner : value) FlattenInto(inner, name, event);
  } else if (value.is_string()) {
    event.fields[name].emplace_back(value.get<std::string>());
  } else if (value.is_boolean()) {
    event.fields[name].emplace_back(value.get<bool>());
  } else if (value.is_number_integer()) {
    event.fields[name].emplace_back(value.get<std::int64_t>());
  } else if (value.is_number_float()) {
    event.fields[name].emplace_back(value.get<double>());
  } else {
    event.fields[name].emplace_back(std::monostate());
  }
}

std::string_view DatasetOf(const InspectorMessage& message) {
  constexpr std::string_view kNames[] = {"spanwatch.sighting", "spanwatch.transfer", "spanwatch.anomaly",
                                         "spanwatch.watermark"};
  return kNames[message.index()];
}

}  // namespace

PacketTime EventTime(const InspectorMessage& message) {
  return std::visit([](const auto& alternative) { return alternative.time; }, message);
}

std::string EventId(const std::string& sensor, const InspectorMessage& message) {
  ByteWriter writer;
  writer.Text(sensor);
  writer.Le(static_cast<std::uint8_t>(message.index()));
  if (const auto* sighting = std::get_if<Sighting>(&message)) {
    AddToHash(writer, sighting->flow);
    writer.Le(sighting->object_id);
    writer.Le(static_cast<std::uint8_t>(sighting->phase));
    writer.Le(static_cast<std::uint8_t>(sighting->method));
    writer.Le(static_cast<std::uint8_t>(sighting->confidence));
    writer.Text(sighting->collection);
    for (const SightedItem& item : sighting->items) writer.Raw(item.id);
  } else if (const auto* transfer = std::get_if<TransferSummary>(&message)) {
    AddToHash(writer, transfer->flow);
    writer.Le(Nanoseconds(transfer->time));
    writer.Le(static_cast<std::uint8_t>(transfer->final));
  } else if (const auto* anomaly = std::get_if<AnomalyReport>(&message)) {
    if (anomaly->flow) AddToHash(writer, *anomaly->flow);
    writer.Text(anomaly->code);
    writer.Le(Nanoseconds(anomaly->time));
  }
  const XXH128_hash_t hash = XXH3_128bits(writer.bytes().data(), writer.bytes().size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

json EventDocument(const std::string& sensor, const InspectorMessage& message, PacketTime created) {
  json document;
  document["@timestamp"] = FormatRfc3339(EventTime(message));
  document["ecs"]["version"] = "8.11.0";
  document["event"] = {{"kind", "event"},
                       {"category", json::array({"network"})},
                       {"dataset", DatasetOf(message)},
                       {"id", EventId(sensor, message)},
                       {"created", FormatRfc3339(created)}};
  document["spanwatch"] = json::object();
  if (const auto* sighting = std::get_if<Sighting>(&message)) {
    document["observer"] = ObserverDocument(sensor, &sighting->flow);
    AddFlow(document, sighting->flow);
    AddSighting(document, *sighting);
  } else if (const auto* transfer = std::get_if<TransferSummary>(&message)) {
    document["observer"] = ObserverDocument(sensor, &transfer->flow);
    AddFlow(document, transfer->flow);
    AddTransfer(document, *transfer);
  } else if (const auto* anomaly = std::get_if<AnomalyReport>(&message)) {
    document["observer"] = ObserverDocument(sensor, anomaly->flow ? &*anomaly->flow : nullptr);
    if (anomaly->flow) AddFlow(document, *anomaly->flow);
    document["spanwatch"]["anomaly"] = {{"code", anomaly->code}, {"count", anomaly->count}};
  }
  return document;
}

void AddVerdict(json& document, const Verdict& verdict) {
  json& own = document["spanwatch"];
  own["authorized"] = verdict.authorised;
  own["authorization"] = nullptr;
  if (!verdict.authorisations.empty()) {
    const AuthorisationMatch& first = verdict.authorisations.front();
    own["authorization"] = {
        {"name", first.name}, {"reference", first.reference}, {"signed", first.authorisation_signed}};
  }
  SetText(own, "authorization_near_miss", verdict.near_miss);
  json rules = json::array();
  for (const RuleMatch& match : verdict.matches) {
    rules.push_back({{"id", match.rule_id}, {"level", ToString(match.severity)}, {"signed", match.rule_signed}});
    if (match.muted) rules.back()["muted"] = true;
  }
  if (!rules.empty()) own["rules"] = std::move(rules);
}

void AddQuarantine(json& document, std::span<const SightedItem> items) {
  if (items.empty()) return;
  json& own = document["spanwatch"];
  own["quarantined_count"] = items.size();
  json& listed = own["quarantined"] = json::array();
  for (const SightedItem& item : items.first(std::min(items.size(), kItemsListed))) listed.push_back(ToHex(item.id));
}

FlatEvent Flatten(const json& document, const InspectorMessage& message) {
  FlatEvent event;
  FlattenInto(document, "", event);
  event.id = document["event"]["id"].get<std::string>();
  event.time = EventTime(message);
  if (const auto* sighting = std::get_if<Sighting>(&message)) {
    auto& items = event.fields["spanwatch.items"];
    items.clear();
    for (const SightedItem& item : sighting->items) items.emplace_back(ToHex(item.id));
  }
  return event;
}

}  // namespace spanwatch::supervisor
