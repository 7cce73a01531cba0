#include "supervisor/supervisor.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "alert/alert_document.h"
#include "base/hex.h"
#include "config/in_force.h"
#include "process/message_codec.h"
#include "supervisor/event_document.h"
#include "supervisor/operator_requests.h"
#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

constexpr std::size_t kBatchMessages = 1000;
constexpr std::size_t kMessagesWaitingMax = 100'000;
constexpr std::size_t kDocumentsAtOnce = 2000;
constexpr std::chrono::minutes kRefusalLogInterval{1};
constexpr std::size_t kDigestShown = 12;  // hexadecimal digits of a digest in the log
constexpr std::string_view kRulesChangedId = "2f6f1c0a-9f0e-4d0b-8a0e-7b6e0c5d9a41";

Counter CounterOf(RuleChange change) {
  constexpr Counter kCountersOf[] = {Counter::rules_fewer, Counter::rules_other, Counter::rules_unsigned};
  return kCountersOf[static_cast<std::size_t>(change)];
}

std::uint64_t RandomNumber() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Names may come from the wire and need not be UTF-8.
std::string LineOf(const nlohmann::json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

// What the supervisor holds of one inspector.
struct Supervisor::Inspector {
  Inspector(process::RingReader opened, process::MappedSharedBlock mapped, std::uint64_t incarnation_of_ring)
      : ring(std::move(opened)), block(std::move(mapped)), incarnation(incarnation_of_ring) {}

  process::RingReader ring;
  process::MappedSharedBlock block;
  std::uint64_t incarnation;
  std::uint64_t release_through = 0;
  bool alive = true;
  bool ran = true;  // at any time since this supervisor began
};

Supervisor::Supervisor(boost::asio::io_context& io, Settings settings) : io_(io), settings_(std::move(settings)) {}
Supervisor::~Supervisor() = default;

Result<std::unique_ptr<Supervisor>> Supervisor::Start(boost::asio::io_context& io, Settings settings,
                                                      std::vector<InspectorLink> inspectors) {
  std::unique_ptr<Supervisor> supervisor(new Supervisor(io, std::move(settings)));
  if (Status status = supervisor->Open(std::move(inspectors)); !status) return Fail(status.error());
  return supervisor;
}

Status Supervisor::Open(std::vector<InspectorLink> inspectors) {
  const std::string path =
      config_.state_directory.empty() ? ":memory:" : (config_.state_directory / "state.db").string();
  auto state = state::State::Open(path, config_.limits, counters_);
  if (!state) return Fail(state.error());
  state_ = std::move(*state);
  if (!config_.state_directory.empty()) {
    if (Status status = PrepareRequests(config_.state_directory); !status) return status;
  }
  auto history = RuleHistory::Open(config_.state_directory);
  if (!history) return Fail(history.error());
  rule_history_ = std::move(*history);
  auto policy = LoadPolicy(settings_);
  if (!policy) return Fail(policy.error());
  policy_ = std::move(*policy);
  EnterRules();
  quarantine_ = std::make_unique<FloodQuarantine>(state_->quarantine());
  book_ = std::make_unique<alert::AlertBook>(config_.sensor_name, config_.limits, state_->alerts(), counters_);
  if (Status status = book_->Load(); !status) return status;
  if (Status status = OpenSinks(); !status) return status;
  metrics_ = std::make_unique<MetricsExporter>(SPANWATCH_VERSION, [this] { return Figures(); });
  metrics_->AddCounters(counters_);
  merger_ = std::make_unique<EventMerger>(inspectors.size(), kMessagesWaitingMax);
  for (InspectorLink& link : inspectors) {
    auto ring = process::RingReader::Open(link.ring.get());
    if (!ring) return Fail(ring.error());
    auto block = process::MapSharedBlock(link.shared_block.get());
    if (!block) return Fail(block.error());
    // The state file keeps signed numbers.
    const std::uint64_t incarnation = link.incarnation != 0 ? link.incarnation : RandomNumber() >> 1;
    inspectors_.push_back(std::make_unique<Inspector>(std::move(*ring), std::move(*block), incarnation));
    inspectors_.back()->alive = inspectors_.back()->ran = link.running;
    if (!link.running) merger_->End(inspectors_.size() - 1);
    metrics_->AddInspector(*inspectors_.back()->block);
  }
  if (Status status = Listen(); !status) return status;
  ready_ = true;
  return outbox_->Start();
}

Result<std::unique_ptr<policy::Policy>> Supervisor::LoadPolicy(const Settings& settings) {
  const config::Config& config = settings.config;
  policy::PolicySource source;
  source.directory = config.rules_directory;
  source.folder = settings.rules ? &*settings.rules : nullptr;
  source.allow_unsigned_authorisations = config.allow_unsigned_authorisations;
  source.trusted_keys = settings.trusted_keys;
  auto policy = policy::Policy::Load(source, state_->correlations());
  if (!policy) return policy;
  if (Status status = rule_history_.Admit((*policy)->facts(), config.rules_directory.string()); !status)
    return Fail(status.error());
  return policy;
}

void Supervisor::LogInForce() const {
  const policy::PolicyFacts facts = policy_->facts();
  const bool embedded = config_.rules_directory.empty();
  Log(LogLevel::kInfo, "Rules in force",
      "source={} detections={} correlations={} filters={} authorisations={} signer={} serial={} digest={}",
      embedded ? "embedded" : config_.rules_directory.string(), facts.detections, facts.correlations, facts.filters,
      facts.authorisations,
      !facts.signer.empty() ? facts.signer
      : embedded            ? "the-program"
                            : "nobody-trusted",
      facts.serial, facts.digest.substr(0, kDigestShown));
  std::vector<std::string> sinks;
  for (const config::WebhookConfig& webhook : config_.webhooks)
    sinks.push_back("webhook:" + webhook.name + (webhook.owner ? "(owner)" : ""));
  if (!config_.events_file.empty()) sinks.push_back("events:" + config_.events_file);
  Log(LogLevel::kInfo, "Sinks in force", "sinks=\"{}\" state={} metrics={}", fmt::join(sinks, " "),
      config_.state_directory.string(), config_.metrics_listen);
}

// The policy is in force: says what is other than before.
void Supervisor::EnterRules() {
  const policy::PolicyFacts facts = policy_->facts();
  if (!facts.unsigned_files.empty()) {
    Log(LogLevel::kWarning,
        "Rules were added that nobody trusted has signed; they shape only what the operator is told", "files=\"{}\"",
        fmt::join(facts.unsigned_files, " "));
  }
  auto changes = rule_history_.Enter(facts);
  if (!changes) {
    Log(LogLevel::kError, "The rules in force could not be noted, a later change may go unnoticed", "reason=\"{}\"",
        changes.error().message);
    return;
  }
  for (const RuleChange change : *changes) {
    counters_.Add(CounterOf(change));
    Log(LogLevel::kWarning, "Other rules than before are in force", "change={}", ToString(change));
  }
  rule_changes_ = std::move(*changes);
}

// An event, and an alert of its own: whoever weakens the rules is not to be the only one who knows.
Status Supervisor::TellRuleChanges(PacketTime time) {
  const std::vector<RuleChange> changes = std::exchange(rule_changes_, {});
  std::vector<std::string_view> names;
  for (const RuleChange change : changes) names.push_back(ToString(change));
  const bool weaker = std::ranges::any_of(changes, [](RuleChange change) { return change != RuleChange::kOther; });
  Verdict verdict;
  verdict.matches.push_back(
      {.rule_id = std::string(kRulesChangedId),
       .rule_name = fmt::format("The rules in force are other than before: {}", fmt::join(names, ", ")),
       .severity = weaker                        ? Severity::kHigh
                   : policy_->facts().all_signed ? Severity::kInformational
                                                 : Severity::kMedium,
       .rule_signed = true,
       .tags = {},
       .group = {{"spanwatch.rules", "changed"}}});
  const InspectorMessage report = AnomalyReport{time, std::string(ToString(AnomalyCode::rules_changed)), 1, {}};
  nlohmann::json document = EventDocument(config_.sensor_name, report, WallClockNow());
  const std::string id = document["event"]["id"].get<std::string>();
  auto number = state_->events().NumberEvent(id, time, "spanwatch.anomaly");
  if (!number) return Fail(number.error());
  if (!*number) return {};
  AddVerdict(document, verdict);
  document["event"]["sequence"] = **number;
  Count(report, verdict);
  if (Status status = state_->events().KeepDocument(**number, LineOf(document)); !status) return status;
  return RaiseOf(id, report, verdict);
}

Result<std::unique_ptr<alert::Outbox>> Supervisor::MakeOutbox(const config::Config& config) {
  auto outbox = std::make_unique<alert::Outbox>(io_, state_->outbox(), config_.limits);
  for (const auto& webhook : config.webhooks) {
    auto sink = alert::MakeWebhook(io_, config_.limits, webhook);
    if (!sink) return Fail(sink.error());
    outbox->Add(std::move(*sink), webhook.owner ? alert::Audience::kOwner : alert::Audience::kOperator);
  }
  return outbox;
}

Status Supervisor::OpenSinks() {
  auto outbox = MakeOutbox(config_);
  if (!outbox) return Fail(outbox.error());
  outbox_ = std::move(*outbox);
  if (config_.events_file.empty()) return {};
  auto events = alert::JsonLinesWriter::Open(config_.events_file);
  if (!events) return Fail(events.error());
  events_ = std::move(*events);
  return {};
}

Status Supervisor::Listen() {
  if (config_.metrics_listen.empty()) return {};
  const auto where = config::ParseListenAddress(config_.metrics_listen);
  if (!where) return Fail(where.error().In("metrics.listen"));
  HttpRoutes routes;
  routes["/metrics"] = [this] {
    return HttpReply{200, "text/plain; version=0.0.4; charset=utf-8", metrics_->Render()};
  };
  routes["/healthz"] = [] { return HttpReply{200, "text/plain; charset=utf-8", "ok\n"}; };
  routes["/readyz"] = [this] {
    const bool capturing = std::ranges::any_of(inspectors_, [](const auto& inspector) { return inspector->alive; });
    return capturing && ready_ ? HttpReply{200, "text/plain; charset=utf-8", "ready\n"}
                               : HttpReply{503, "text/plain; charset=utf-8", "no inspector runs\n"};
  };
  auto listener = HttpListener::Start(io_, config_.limits, counters_, *where, std::move(routes));
  if (!listener) return Fail(listener.error());
  listener_ = std::move(*listener);
  return {};
}

std::size_t Supervisor::TakeFromRings() {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < inspectors_.size(); ++i) {
    Inspector& inspector = *inspectors_[i];
    for (std::size_t n = 0; n < kBatchMessages; ++n) {
      auto message = inspector.ring.Take();
      if (!message) break;
      ++taken;
      if (auto decoded = process::DecodeMessage(message->payload)) {
        merger_->Add({i, message->sequence, message->end, std::move(*decoded)});
      } else {
        OnRefused(i);
      }
    }
    summary_.ring_corruptions = std::max(summary_.ring_corruptions, inspector.ring.corruptions());
  }
  return taken;
}

// What the inspector told is lost: each is counted, and the log says so at most once in kRefusalLogInterval.
void Supervisor::OnRefused(std::size_t inspector) {
  ++summary_.messages_refused;
  const auto now = std::chrono::steady_clock::now();
  if (refusal_logged_ && now - *refusal_logged_ < kRefusalLogInterval) return;
  refusal_logged_ = now;
  Log(LogLevel::kError, "A message of an inspector could not be read and is lost", "index={} refused_in_all={}",
      inspector, summary_.messages_refused);
}

Result<std::size_t> Supervisor::Drain() {
  const std::size_t taken = TakeFromRings();
  while (true) {
    std::size_t judged = 0;
    if (Status status = state_->Begin(); !status) return Fail(status.error());
    for (; judged < kBatchMessages; ++judged) {
      const auto next = merger_->Next();
      if (!next) break;
      if (Status status = Judge(*next); !status) return Fail(status.error());
    }
    if (Status status = CommitBatch(); !status) return Fail(status.error());
    if (judged < kBatchMessages) break;
  }
  return taken;
}

Status Supervisor::Judge(const MergedMessage& merged) {
  Inspector& inspector = *inspectors_[merged.inspector];
  inspector.release_through = merged.ring_end;
  if (!rule_changes_.empty()) {
    if (Status status = TellRuleChanges(EventTime(merged.message)); !status) return status;
  }
  // A watermark changes nothing, so that an idle link writes nothing.
  if (std::holds_alternative<Watermark>(merged.message)) return {};
  // The ring's own sequence goes on over restarts of the inspector, so the ring is the incarnation.
  if (!state_->events().TakeRingMessage(inspector.incarnation, merged.sequence)) return {};
  return JudgeEvent(merged.message);
}

Status Supervisor::JudgeEvent(const InspectorMessage& message) {
  nlohmann::json document = EventDocument(config_.sensor_name, message, WallClockNow());
  const std::string id = document["event"]["id"].get<std::string>();
  auto number = state_->events().NumberEvent(id, EventTime(message), document["event"]["dataset"].get<std::string>());
  if (!number) return Fail(number.error());
  if (!*number) return {};  // told before
  const auto* sighting = std::get_if<Sighting>(&message);
  const std::vector<SightedItem> held = sighting ? quarantine_->HeldOf(*sighting) : std::vector<SightedItem>();
  const bool all_held = !held.empty() && held.size() == sighting->items.size();
  AddQuarantine(document, held);
  FlatEvent event = Flatten(document, message);
  // One item that is not in quarantine is enough for the sighting to be judged as any other.
  auto verdict = all_held ? Result<Verdict>(policy_->Authorise(event)) : policy_->Evaluate(event);
  if (!verdict) return Fail(verdict.error());
  std::optional<QuarantineAlert> quarantine;
  if (sighting) quarantine = quarantine_->OnSighting(*sighting, held, *verdict);
  Verdict shown = *verdict;
  if (quarantine)
    shown.matches.insert(shown.matches.end(), quarantine->verdict.matches.begin(), quarantine->verdict.matches.end());
  AddVerdict(document, shown);
  document["event"]["sequence"] = **number;
  if (sighting) {
    auto added = state_->sightings().Add(id, *sighting, verdict->authorised, held.size());
    if (!added) return Fail(added.error());
  } else if (const auto* transfer = std::get_if<TransferSummary>(&message)) {
    if (Status status = state_->sightings().AddTransfer(id, *transfer); !status) return status;
  }
  if (all_held) counters_.Add(Counter::quarantine_held_sightings);
  Count(message, *verdict);
  counters_.Add(Counter::rule_matches_muted,
                static_cast<std::uint64_t>(std::ranges::count_if(verdict->matches, &RuleMatch::muted)));
  if (Status status = state_->events().KeepDocument(**number, LineOf(document)); !status) return status;
  if (Status status = RaiseOf(id, message, *verdict); !status || !quarantine) return status;
  return RaiseOf(id, quarantine->sighting, quarantine->verdict);
}

Status Supervisor::RaiseOf(const std::string& event_id, const InspectorMessage& message, const Verdict& verdict) {
  auto transitions = book_->OnVerdict(event_id, message, verdict);
  if (!transitions) return Fail(transitions.error());
  return Raise(std::move(*transitions));
}

Status Supervisor::Raise(std::vector<AlertTransition> transitions) {
  const PacketTime created = WallClockNow();
  if (Status status = outbox_->Enter(transitions, created); !status) return status;
  for (const AlertTransition& transition : transitions) {
    nlohmann::json document = alert::AlertDocument(transition, created);
    auto number = state_->events().NumberEvent(IdempotencyKey(transition.alert), transition.time, "spanwatch.alert");
    if (!number) return Fail(number.error());
    if (!*number) continue;
    document["event"]["sequence"] = **number;
    if (Status status = state_->events().KeepDocument(**number, LineOf(document)); !status) return status;
    metrics_->CountEvent(EventDataset::kAlert);
    if (transition.alert.state == AlertState::kOpened) metrics_->CountAlert(transition.alert.severity);
    if (summary_.alerts.contains(transition.alert.id) || summary_.alerts.size() < Summary::kAlertsRemembered) {
      summary_.alerts[transition.alert.id] = transition.alert;
    }
  }
  return {};
}

Status Supervisor::CommitBatch() {
  auto transitions = book_->Advance(merger_->watermark());
  if (!transitions) return Fail(transitions.error());
  if (Status status = Raise(std::move(*transitions)); !status) return status;
  if (Status status = book_->Save(); !status) return status;
  if (Status status = state_->Commit(); !status) return status;
  for (const auto& inspector : inspectors_) {
    if (inspector->release_through != 0) inspector->ring.ReleaseThrough(inspector->release_through);
  }
  if (Status status = WriteDocuments(); !status) return status;
  outbox_->Wake();
  return {};
}

Status Supervisor::WriteDocuments() {
  while (true) {
    const auto documents = state_->events().UnwrittenDocuments(kDocumentsAtOnce);
    if (!documents) return Fail(documents.error());
    if (documents->empty()) return {};
    if (events_) {
      for (const auto& document : *documents) {
        if (Status status = events_->Write(document.document); !status) return status;
      }
      if (Status status = events_->Flush(); !status) return status;
    }
    if (Status status = state_->Begin(); !status) return status;
    state_->events().ConfirmWritten(documents->back().sequence);
    if (Status status = state_->Commit(); !status) return status;
  }
}

void Supervisor::Count(const InspectorMessage& message, const Verdict& verdict) {
  if (const auto* sighting = std::get_if<Sighting>(&message)) {
    metrics_->CountEvent(EventDataset::kSighting);
    if (sighting->phase == SightingPhase::kComplete) {
      metrics_->CountSighting(sighting->method, sighting->confidence, verdict.authorised, sighting->flow.crossing);
    }
    ++summary_.sightings;
    zones_.OnSighting(sighting->flow.crossing);
    if (verdict.authorised) ++summary_.authorised_sightings;
  } else if (const auto* transfer = std::get_if<TransferSummary>(&message)) {
    metrics_->CountEvent(EventDataset::kTransfer);
    ++summary_.transfers;
    if (transfer->final && transfer->flow.crossing == Crossing::kEgress) {
      summary_.egress_bytes[std::string(ToString(transfer->flow.facts.visibility))] +=
          transfer->counters.delivered_bytes;
      summary_.egress_bytes["lost"] += transfer->counters.gap_bytes;
    }
  } else if (const auto* anomaly = std::get_if<AnomalyReport>(&message)) {
    metrics_->CountEvent(EventDataset::kAnomaly);
    ++summary_.anomalies;
    summary_.anomaly_counts[anomaly->code] += anomaly->count;
  }
}

void Supervisor::OnInspectorEnded(std::size_t inspector) {
  inspectors_[inspector]->alive = false;
  merger_->End(inspector);
}

void Supervisor::OnInspectorStarted(std::size_t inspector) {
  Inspector& started = *inspectors_[inspector];
  if (started.ran) ++restarts_;
  started.alive = started.ran = true;
  merger_->Resume(inspector);
}

Status Supervisor::AddLauncherBlock(UniqueFd shared_block) {
  auto block = process::MapSharedBlock(shared_block.get());
  if (!block) return Fail(block.error());
  launcher_block_ = std::move(*block);
  metrics_->AddCounters(launcher_block_->counters);
  return {};
}

Status Supervisor::Purge() {
  // Before the first event there is no packet time to count from.
  if (merger_->watermark() == PacketTime::min()) return {};
  return state_->Purge(merger_->watermark());
}

Status Supervisor::Finish(bool close_alerts) {
  for (std::size_t i = 0; i < inspectors_.size(); ++i) merger_->End(i);
  while (true) {
    auto taken = Drain();
    if (!taken) return Fail(taken.error());
    if (*taken == 0) break;
  }
  if (close_alerts) {
    if (Status status = state_->Begin(); !status) return status;
    auto transitions = book_->CloseAll(merger_->watermark());
    if (!transitions) return Fail(transitions.error());
    if (Status status = Raise(std::move(*transitions)); !status) return status;
    if (Status status = CommitBatch(); !status) return status;
  }
  return {};
}

Status Supervisor::StartPulling(std::function<void()> on_pulled) {
  puller_ =
      std::make_unique<HashSetPuller>(io_, config_.limits, counters_, config_.state_directory, std::move(on_pulled));
  return puller_->Configure(config_.hashsets);
}

Status Supervisor::HandleRequests() {
  if (config_.state_directory.empty()) return {};
  const TakenRequests requests = TakeRequests(config_.state_directory);
  if (requests.refused > 0) Log(LogLevel::kWarning, "A request was not understood", "count={}", requests.refused);
  for (const ItemId& item : requests.releases) {
    if (Status status = state_->Begin(); !status) return status;
    const std::size_t released = state_->quarantine().Release(item);
    if (Status status = state_->Commit(); !status) return status;
    Log(LogLevel::kInfo, "An item was let out of quarantine", "item={} entries={}", ToHex(item), released);
  }
  return {};
}

// All of a reload that can fail. What is there stays untouched.
Status Supervisor::PrepareReload(const Settings& settings, std::unique_ptr<policy::Policy>& policy,
                                 std::unique_ptr<alert::Outbox>& outbox,
                                 std::optional<alert::JsonLinesWriter>& events) {
  auto loaded = LoadPolicy(settings);
  if (!loaded) return Fail(loaded.error());
  policy = std::move(*loaded);
  auto made = MakeOutbox(settings.config);
  if (!made) return Fail(made.error());
  outbox = std::move(*made);
  if (!settings.config.events_file.empty() && settings.config.events_file != config_.events_file) {
    auto opened = alert::JsonLinesWriter::Open(settings.config.events_file);
    if (!opened) return Fail(opened.error());
    events = std::move(*opened);
  } else if (events_ && !settings.config.events_file.empty()) {
    if (Status status = events_->Reopen(); !status) return status;
  }
  return puller_ ? puller_->Configure(settings.config.hashsets) : Status();
}

Status Supervisor::Reload(Settings settings) {
  reloaded_ = WallClockNow();
  std::unique_ptr<policy::Policy> policy;
  std::unique_ptr<alert::Outbox> outbox;
  std::optional<alert::JsonLinesWriter> events;
  if (Status status = PrepareReload(settings, policy, outbox, events); !status) {
    reload_succeeded_ = false;
    Log(LogLevel::kError, "The reload was not possible, all stays as it was", "reason=\"{}\"", status.error().message);
    return status;
  }
  const bool other_sinks = config::ShowWebhooks(config_) != config::ShowWebhooks(settings.config);
  const bool other_zones = config::ShowInside(config_) != config::ShowInside(settings.config);
  if (events || settings.config.events_file.empty()) events_ = std::move(events);
  std::swap(settings_, settings);
  policy_ = std::move(policy);
  EnterRules();
  if (other_zones) zones_ = ZoneWatch(ZoneWatch::Clock::now());
  // The same sinks go on with what they send, and read their secrets again; others take over what waits for them.
  if (other_sinks) outbox_ = std::move(outbox);
  if (Status status = outbox_->Reload(); !status) {
    Log(LogLevel::kError, "A webhook's files could not be read again", "reason=\"{}\"", status.error().message);
  }
  reload_succeeded_ = true;
  return {};
}

Summary Supervisor::summary() const {
  Summary summary = summary_;
  if (zones_.CrossedNothing()) summary.crossed_nothing = zones_.Reason();
  return summary;
}

void Supervisor::OnReloadRefused() {
  reload_succeeded_ = false;
  reloaded_ = WallClockNow();
}

SupervisorFigures Supervisor::Figures() {
  SupervisorFigures figures;
  for (const auto& endpoint : outbox_->Figures()) {
    figures.webhook_delivered += endpoint.delivered;
    figures.webhook_retried += endpoint.retried;
    figures.webhook_refused += endpoint.refused;
    figures.webhook_gone += endpoint.gone;
    figures.webhook_queue_length += endpoint.pending;
    figures.webhook_dead_letters += endpoint.dead;
    figures.webhook_oldest_pending_age_seconds =
        std::max(figures.webhook_oldest_pending_age_seconds, endpoint.oldest_pending_age_seconds);
  }
  figures.alerts_open = book_->open_count();
  figures.inspectors_alive =
      static_cast<std::uint64_t>(std::ranges::count_if(inspectors_, [](const auto& one) { return one->alive; }));
  figures.inspector_restarts = restarts_;
  figures.ring_messages_undecodable = summary_.messages_refused;
  figures.ring_corruptions = summary_.ring_corruptions;
  const policy::PolicyFacts rules = policy_->facts();
  figures.rules_detections = rules.detections;
  figures.rules_correlations = rules.correlations;
  figures.rules_filters = rules.filters;
  figures.rules_authorisations = rules.authorisations;
  figures.rules_signed = rules.all_signed;
  figures.rules_serial = rules.serial;
  figures.crossed_nothing = zones_.CrossedNothing();
  figures.last_reload_successful = reload_succeeded_;
  figures.last_reload_timestamp_seconds = static_cast<double>(Nanoseconds(reloaded_)) / 1e9;
  figures.state_bytes = state_->database().size_bytes();
  figures.hashsets = settings_.hashsets;
  figures.generation = settings_.generation;
  figures.settings_that_need_restart = settings_.needs_restart.size();
  figures.inspectors_of_other_generation =
      static_cast<std::uint64_t>(std::ranges::count_if(inspectors_, [&](const auto& one) {
        return one->alive && one->block->generation.load(std::memory_order_relaxed) != settings_.generation;
      }));
  return figures;
}

}  // namespace spanwatch::supervisor
