#include "alert/alert_book.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/hex.h"

namespace spanwatch::alert {
namespace {

constexpr std::size_t kExamples = 8;  // design.md section 9.3: repeats add provenances, up to 8
constexpr std::size_t kRules = 32;
constexpr std::size_t kCollections = 32;
constexpr std::size_t kTags = 32;

std::string AlertId(const std::string& sensor, const std::string& group_key, const std::string& event_id) {
  const std::string text =
      fmt::format("alert\n{}:{}\n{}:{}\n{}", sensor.size(), sensor, group_key.size(), group_key, event_id);
  Sha256Digest digest;
  SHA256(AsBytes(text).data(), text.size(), digest.data());
  return ToHex(ByteView(digest).first(16));
}

PacketTime TimeOf(const InspectorMessage& message) {
  return std::visit([](const auto& value) { return value.time; }, message);
}

template <typename T>
void AddOnce(std::vector<T>& values, const T& value, std::size_t limit) {
  if (values.size() < limit && std::ranges::find(values, value) == values.end()) values.push_back(value);
}

// True when the alert's severity rose.
bool AddRule(Alert& alert, const RuleMatch& match) {
  auto rule = std::ranges::find(alert.rules, match.rule_id, &AlertRule::id);
  if (rule == alert.rules.end()) {
    if (alert.rules.size() >= kRules && match.severity <= alert.severity) return false;
    if (alert.rules.size() >= kRules) alert.rules.pop_back();
    rule = alert.rules.insert(
        alert.rules.end(),
        AlertRule{match.rule_id, match.rule_name, match.severity, match.rule_signed, 0, {}, match.muted});
  }
  rule->muted = rule->muted && match.muted;
  rule->count = std::max(rule->count, match.count);
  rule->severity = std::max(rule->severity, match.severity);
  for (const std::string& tag : match.tags) AddOnce(rule->tags, tag, kTags);
  // By severity, then by id: the order in which rules were met says nothing.
  std::ranges::sort(alert.rules, [](const AlertRule& a, const AlertRule& b) {
    return a.severity != b.severity ? a.severity > b.severity : a.id < b.id;
  });
  if (alert.rules.front().severity <= alert.severity) return false;
  alert.severity = alert.rules.front().severity;
  return true;
}

// A sure example takes the place of a weak one when there is no more room.
void AddExample(Alert& alert, AlertExample example) {
  if (alert.examples.size() < kExamples) {
    alert.examples.push_back(std::move(example));
    return;
  }
  if (example.confidence != Confidence::kSure) return;
  const auto weak = std::ranges::find(alert.examples, Confidence::kWeak, &AlertExample::confidence);
  if (weak != alert.examples.end()) *weak = std::move(example);
}

void DescribeFlow(Alert& alert, const FlowSummary& flow) {
  alert.source = flow.source;
  alert.destination = flow.destination;
  alert.server_name = flow.facts.exchange.server_name;
  alert.protocol = flow.facts.protocol;
  alert.crossing = flow.crossing;
}

const FlowSummary* FlowOf(const InspectorMessage& message) {
  if (const auto* sighting = std::get_if<Sighting>(&message)) return &sighting->flow;
  if (const auto* transfer = std::get_if<TransferSummary>(&message)) return &transfer->flow;
  if (const auto* anomaly = std::get_if<AnomalyReport>(&message)) return anomaly->flow ? &*anomaly->flow : nullptr;
  return nullptr;
}

std::string FlowKey(const FlowSummary& flow) { return fmt::format("{:016x}", flow.flow_id); }

}  // namespace

Status AlertBook::Load() {
  by_last_.clear();
  due_.clear();
  changed_.clear();
  open_.clear();
  auto alerts = store_.OpenAlerts();
  if (!alerts) return Fail(alerts.error());
  for (Alert& alert : *alerts) {
    if (alert.live == live_) Schedule(Insert(std::move(alert)));
  }
  return {};
}

AlertBook::Entry& AlertBook::Insert(Alert alert) {
  std::string key = GroupKey(alert.group);
  const auto place = open_.try_emplace(std::move(key)).first;
  place->second.key = place->first;
  place->second.alert = std::move(alert);
  return place->second;
}

Result<std::vector<AlertTransition>> AlertBook::OnVerdict(const std::string& event_id, const InspectorMessage& message,
                                                          const Verdict& verdict) {
  const PacketTime time = TimeOf(message);
  auto advanced = Advance(time);
  if (!advanced) return advanced;
  std::vector<AlertTransition> transitions = std::move(*advanced);
  std::vector<Group> groups;  // of this event, each once
  for (const RuleMatch& match : verdict.matches) AddOnce(groups, match.group, verdict.matches.size());
  for (const Group& group : groups) {
    auto found = FindOrOpen(group, event_id, message, transitions);
    if (!found) return Fail(found.error());
    Entry& entry = **found;
    const bool heard = OperatorHears(entry.alert);
    bool rose = false;
    for (const RuleMatch& match : verdict.matches) {
      if (match.group == group) rose = AddRule(entry.alert, match) || rose;
    }
    if (Status status = AddEvent(entry, event_id, message, verdict); !status) return Fail(status.error());
    if (entry.alert.transition == 0) {
      Tell(entry, AlertState::kOpened, time, transitions);
    } else if (rose || heard != OperatorHears(entry.alert)) {
      Tell(entry, AlertState::kUpdated, std::max(time, entry.alert.told), transitions);
    }
    Schedule(entry);
  }
  return transitions;
}

Result<AlertBook::Entry*> AlertBook::FindOrOpen(const Group& group, const std::string& event_id,
                                                const InspectorMessage& message,
                                                std::vector<AlertTransition>& transitions) {
  const std::string key = GroupKey(group);
  if (const auto found = open_.find(key); found != open_.end()) return &found->second;
  if (open_.size() >= limits_.alert_open_alerts) {
    const auto quietest = open_.find(by_last_.begin()->second);
    counters_.Add(Counter::alerts_closed_at_limit);
    const PacketTime time = std::max(TimeOf(message), quietest->second.alert.told);
    if (Status status = CloseEntry(quietest, time, "limit", transitions); !status) return Fail(status.error());
  }
  Alert alert;
  alert.id = AlertId(sensor_, key, event_id);
  alert.sensor = sensor_;
  alert.live = live_;
  alert.group = group;
  alert.transition = 0;
  alert.opened = alert.first = alert.last = TimeOf(message);
  alert.opening_event_id = event_id;
  if (const FlowSummary* flow = FlowOf(message)) DescribeFlow(alert, *flow);
  return &Insert(std::move(alert));
}

Status AlertBook::AddEvent(Entry& entry, const std::string& event_id, const InspectorMessage& message,
                           const Verdict& verdict) {
  Alert& alert = entry.alert;
  changed_.insert(entry.key);
  alert.untold = true;
  const PacketTime time = TimeOf(message);
  alert.first = std::min(alert.first, time);
  alert.last = std::max(alert.last, time);
  ++alert.totals.events;
  alert.authorised = alert.authorised && verdict.authorised;
  if (alert.near_miss.empty()) alert.near_miss = verdict.near_miss;
  if (const FlowSummary* flow = FlowOf(message)) {
    if (Status status = AddFlow(entry, *flow); !status) return status;
  }
  if (const auto* sighting = std::get_if<Sighting>(&message)) return AddSighting(entry, event_id, *sighting);
  if (const auto* transfer = std::get_if<TransferSummary>(&message)) return AddTransfer(entry, event_id, *transfer);
  return {};
}

Status AlertBook::AddSighting(Entry& entry, const std::string& event_id, const Sighting& sighting) {
  Alert& alert = entry.alert;
  std::vector<std::string> items;
  std::vector<std::string> plates;
  for (const SightedItem& item : sighting.items) {
    items.push_back(ToHex(item.id));
    if (item.method == Method::kRecord) plates.push_back(items.back());
    AddOnce(alert.methods, item.method, std::size_t{8});
    if (item.confidence == Confidence::kSure) alert.weak_only = false;
  }
  std::ranges::sort(alert.methods);
  if (sighting.confidence == Confidence::kSure) alert.weak_only = false;
  AddOnce(alert.collections, sighting.collection, kCollections);
  for (std::size_t i = 0; i < std::min(items.size(), kExamples); ++i) {
    const bool known = std::ranges::find(alert.examples, items[i], &AlertExample::item) != alert.examples.end();
    const SightedItem& item = sighting.items[i];
    if (!known) AddExample(alert, {event_id, items[i], item.method, item.confidence, sighting.provenance});
  }
  const auto item_count = store_.AddDistinct(alert.id, AlertSet::kItems, items);
  if (!item_count) return Fail(item_count.error());
  alert.totals.items = *item_count;
  const auto plate_count = store_.AddDistinct(alert.id, AlertSet::kPlates, plates);
  if (!plate_count) return Fail(plate_count.error());
  alert.totals.plates = *plate_count;
  const std::string object = fmt::format("{}/{}", FlowKey(sighting.flow), sighting.object_id);
  return SetBytes(entry, AlertSet::kObjectBytes, object, sighting.object_size);
}

Status AlertBook::AddTransfer(Entry& entry, const std::string& event_id, const TransferSummary& transfer) {
  const std::string key = fmt::format("{}/{}", FlowKey(transfer.flow), transfer.flow.from_client ? 0 : 1);
  if (entry.alert.examples.empty()) {
    AddExample(entry.alert, {event_id, "", Method::kExact, Confidence::kWeak, {}});
  }
  return SetBytes(entry, AlertSet::kTransferBytes, key, transfer.counters.delivered_bytes);
}

Status AlertBook::AddFlow(Entry& entry, const FlowSummary& flow) {
  Alert& alert = entry.alert;
  const std::string flow_key[] = {FlowKey(flow)};
  const auto flows = store_.AddDistinct(alert.id, AlertSet::kFlows, flow_key);
  if (!flows) return Fail(flows.error());
  alert.totals.flows = *flows;
  const std::string address[] = {ToString(flow.destination.address)};
  const auto destinations = store_.AddDistinct(alert.id, AlertSet::kDestinations, address);
  if (!destinations) return Fail(destinations.error());
  alert.totals.destinations = *destinations;
  return {};
}

Status AlertBook::SetBytes(Entry& entry, AlertSet set, const std::string& key, std::uint64_t amount) {
  const auto sum = store_.AddAmount(entry.alert.id, set, key, amount);
  if (!sum) return Fail(sum.error());
  // Each of the two sums only grows, so that the greater of them does.
  entry.alert.totals.bytes = std::max(entry.alert.totals.bytes, *sum);
  return {};
}

Result<std::vector<AlertTransition>> AlertBook::Advance(PacketTime now) {
  std::vector<AlertTransition> transitions;
  std::vector<std::string_view> keys;
  for (auto due = due_.begin(); due != due_.end() && due->first <= now; ++due) keys.push_back(due->second);
  std::ranges::sort(keys);
  for (const std::string_view key : keys) {
    const auto entry = open_.find(key);
    Alert& alert = entry->second.alert;
    if (now >= alert.last + QuietTime()) {
      const PacketTime time = std::max(alert.last + QuietTime(), alert.told);
      if (Status status = CloseEntry(entry, time, "quiet", transitions); !status) return Fail(status.error());
    } else {
      if (alert.untold && now >= alert.told + UpdateInterval()) {
        Tell(entry->second, AlertState::kUpdated, now, transitions);
      }
      Schedule(entry->second);
    }
  }
  return transitions;
}

Result<std::vector<AlertTransition>> AlertBook::TellAll(PacketTime now) {
  std::vector<AlertTransition> transitions;
  for (auto& [key, entry] : open_) {
    if (!entry.alert.untold) continue;
    Tell(entry, AlertState::kUpdated, std::max(now, entry.alert.told), transitions);
    Schedule(entry);
  }
  return transitions;
}

Result<std::vector<AlertTransition>> AlertBook::CloseAll(PacketTime now) {
  std::vector<AlertTransition> transitions;
  while (!open_.empty()) {
    const PacketTime time = std::max(now, open_.begin()->second.alert.told);
    if (Status status = CloseEntry(open_.begin(), time, "end", transitions); !status) return Fail(status.error());
  }
  return transitions;
}

Result<std::vector<AlertTransition>> AlertBook::Close(const std::string& alert_id, PacketTime now) {
  std::vector<AlertTransition> transitions;
  const auto entry = std::ranges::find_if(open_, [&](const auto& one) { return one.second.alert.id == alert_id; });
  if (entry == open_.end()) return transitions;
  const PacketTime time = std::max(now, entry->second.alert.told);
  if (Status status = CloseEntry(entry, time, "operator", transitions); !status) return Fail(status.error());
  return transitions;
}

Status AlertBook::CloseEntry(Open::iterator entry, PacketTime time, std::string_view reason,
                             std::vector<AlertTransition>& transitions) {
  entry->second.alert.close_reason = reason;
  Tell(entry->second, AlertState::kClosed, time, transitions);
  if (Status status = store_.Save(entry->second.alert); !status) return status;
  changed_.erase(entry->second.key);
  if (entry->second.last) by_last_.erase({*entry->second.last, entry->second.key});
  if (entry->second.due) due_.erase({*entry->second.due, entry->second.key});
  open_.erase(entry);
  return {};
}

void AlertBook::Tell(Entry& entry, AlertState state, PacketTime time, std::vector<AlertTransition>& transitions) {
  entry.alert.state = state;
  entry.alert.told = time;
  ++entry.alert.transition;
  changed_.insert(entry.key);
  entry.alert.untold = false;
  transitions.push_back({time, entry.alert});
}

Status AlertBook::Save() {
  for (const std::string_view key : changed_) {
    if (Status status = store_.Save(open_.find(key)->second.alert); !status) return status;
  }
  changed_.clear();
  return {};
}

void AlertBook::Schedule(Entry& entry) {
  const auto move = [&](ByTime& order, std::optional<PacketTime>& known, PacketTime time) {
    if (known == time) return;
    if (known) order.erase({*known, entry.key});
    order.insert({time, entry.key});
    known = time;
  };
  PacketTime due = entry.alert.last + QuietTime();
  if (entry.alert.untold) due = std::min(due, entry.alert.told + UpdateInterval());
  move(by_last_, entry.last, entry.alert.last);
  move(due_, entry.due, due);
}

Duration AlertBook::QuietTime() const { return std::chrono::seconds(limits_.alert_quiet_seconds); }
Duration AlertBook::UpdateInterval() const { return std::chrono::seconds(limits_.alert_update_interval_seconds); }

}  // namespace spanwatch::alert
