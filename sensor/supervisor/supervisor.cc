#include "supervisor/supervisor.h"

#include <algorithm>
#include <chrono>

#include "alert/alert_document.h"
#include "base/hex.h"
#include "config/in_force.h"
#include "supervisor/event_document.h"
#include "supervisor/operator_requests.h"
#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

constexpr std::size_t kBatchMessages = 1000;
constexpr std::size_t kDocumentsAtOnce = 2000;
constexpr std::size_t kDigestShown = 12;  // hexadecimal digits of a digest in the log

Counter CounterOf(RuleChange change) {
  constexpr Counter kCountersOf[] = {Counter::rules_fewer, Counter::rules_other, Counter::rules_unsigned};
  return kCountersOf[static_cast<std::size_t>(change)];
}

// Names may come from the wire and need not be UTF-8.
std::string LineOf(const nlohmann::json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Numbers the document and keeps it for the event file; false: it was told before.
Result<bool> KeepNew(state::EventTable& events, const std::string& id, PacketTime time, nlohmann::json document) {
  auto number = events.NumberEvent(id, time, document["event"]["dataset"].get<std::string>());
  if (!number) return Fail(number.error());
  if (!*number) return false;
  document["event"]["sequence"] = **number;
  if (Status status = events.KeepDocument(**number, LineOf(document)); !status) return Fail(status.error());
  return true;
}

}  // namespace

Supervisor::Supervisor(boost::asio::io_context& io, SupervisorMode mode, Settings settings)
    : io_(io), mode_(mode), settings_(std::move(settings)) {}
Supervisor::~Supervisor() = default;

Result<std::unique_ptr<Supervisor>> Supervisor::Start(boost::asio::io_context& io, SupervisorMode mode,
                                                      Settings settings, std::vector<InspectorLink> inspectors) {
  std::unique_ptr<Supervisor> supervisor(new Supervisor(io, mode, std::move(settings)));
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
  book_ = std::make_unique<alert::AlertBook>(config_.sensor_name, config_.limits, state_->alerts(), counters_,
                                             mode_ == SupervisorMode::kLive);
  if (Status status = book_->Load(); !status) return status;
  kept_sequence_ = state_->events().last_sequence();
  if (Status status = OpenSinks(); !status) return status;
  metrics_ = std::make_unique<MetricsExporter>(SPANWATCH_VERSION, [this] { return Figures(); });
  metrics_->AddCounters(counters_);
  auto feed = InspectorFeed::Open(mode_, config_.limits, std::move(inspectors));
  if (!feed) return Fail(feed.error());
  feed_ = std::move(*feed);
  for (std::size_t i = 0; i < feed_->size(); ++i) metrics_->AddInspector(feed_->block(i));
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
  for (const RuleChange change : rule_history_.Enter(facts)) {
    counters_.Add(CounterOf(change));
    Log(LogLevel::kWarning, "Other rules than before are in force", "change={}", ToString(change));
    rule_changes_.push_back(change);
  }
  if (Status status = rule_history_.Keep(); !status) {
    Log(LogLevel::kError, "The rules in force could not be noted, a later change may go unnoticed", "reason=\"{}\"",
        status.error().message);
  }
}

// An event, and an alert of its own: whoever weakens the rules is not to be the only one who knows.
Status Supervisor::TellRuleChanges(PacketTime time) {
  const std::vector<RuleChange> changes = std::exchange(rule_changes_, {});
  rule_changes_told_.insert(rule_changes_told_.end(), changes.begin(), changes.end());
  const Verdict verdict = VerdictOf(changes, policy_->facts().all_signed);
  const InspectorMessage report = AnomalyReport{time, std::string(ToString(AnomalyCode::rules_changed)), 1, {}};
  nlohmann::json document = EventDocument(config_.sensor_name, report, WallClockNow());
  const std::string id = document["event"]["id"].get<std::string>();
  AddVerdict(document, verdict);
  const auto kept = KeepNew(state_->events(), id, time, std::move(document));
  if (!kept) return Fail(kept.error());
  if (!*kept) return {};
  Count(report, verdict);
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
    const std::string reason = NotReadyReason();
    return reason.empty() ? HttpReply{200, "text/plain; charset=utf-8", "ready\n"}
                          : HttpReply{503, "text/plain; charset=utf-8", reason + "\n"};
  };
  auto listener = HttpListener::Start(io_, config_.limits, counters_, *where, std::move(routes));
  if (!listener) return Fail(listener.error());
  listener_ = std::move(*listener);
  return {};
}

Result<std::size_t> Supervisor::Drain() {
  if (mode_ == SupervisorMode::kReplay) return JudgeWaiting();
  const auto now = std::chrono::steady_clock::now();
  if (now < state_retry_at_) {
    feed_->Pause();
    return 0;
  }
  if (state_->database().holding()) feed_->Pause();
  auto taken = JudgeWaiting();
  if (!taken) {
    OnStateFailed(taken.error());
    return 0;
  }
  if (told_holding_ != state_->database().holding()) TellHolding();
  state_retry_delay_ = kStateRetryFirst;
  return taken;
}

void Supervisor::TellHolding() {
  told_holding_ = state_->database().holding();
  if (told_holding_) {
    Log(LogLevel::kError,
        "The disk of the state is full: what is found waits in memory and in the rings, alerts go out all the same; it "
        "is kept once there is room",
        "folder={}", config_.state_directory.string());
  } else {
    Log(LogLevel::kInfo, "There is room again on the disk of the state: what waited is kept");
  }
}

// Nothing that was taken since the last commit is freed: all of it comes again.
void Supervisor::OnStateFailed(const Error& error) {
  state_retry_at_ = std::chrono::steady_clock::now() + state_retry_delay_;
  state_retry_delay_ = std::min(state_retry_delay_ * 2, kStateRetryLongest);
  Log(LogLevel::kError, "The state could not be written; what was found is judged again", "reason=\"{}\"",
      error.message);
  state_->Rollback();
  counts_.clear();
  documents_handed_ = std::min(documents_handed_, state_->events().last_sequence());
  std::ranges::copy(std::exchange(rule_changes_told_, {}), std::back_inserter(rule_changes_));
  feed_->Rewind();
  if (Status status = book_->Load(); !status) {
    Log(LogLevel::kError, "The open alerts could not be read", "reason=\"{}\"", status.error().message);
  }
}

Result<std::size_t> Supervisor::JudgeWaiting() {
  // At the end there is no later: all is taken, so that alerts leave and the event file has it.
  const bool full = !ending_ && state_->database().held_bytes() > config_.limits.state_held_bytes;
  const std::size_t taken = full ? 0 : feed_->Take();
  while (true) {
    std::size_t judged = 0;
    if (Status status = state_->Begin(); !status) return Fail(status.error());
    for (; judged < kBatchMessages && !full; ++judged) {
      const auto next = feed_->Next();
      if (!next) break;
      if (Status status = Judge(*next); !status) return Fail(status.error());
    }
    if (Status status = CommitBatch(); !status) return Fail(status.error());
    if (judged < kBatchMessages) break;
  }
  return taken;
}

Status Supervisor::Judge(const MergedMessage& merged) {
  feed_->Judged(merged);
  if (!rule_changes_.empty()) {
    if (Status status = TellRuleChanges(EventTime(merged.message)); !status) return status;
  }
  // A watermark changes nothing, so that an idle link writes nothing.
  if (std::holds_alternative<Watermark>(merged.message)) return {};
  // The ring's own sequence goes on over restarts of the inspector, so the ring is the incarnation.
  if (!state_->events().TakeRingMessage(merged.incarnation, merged.sequence)) return {};
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
  raised_ = raised_ || !transitions.empty();
  for (const AlertTransition& transition : transitions) {
    const auto kept = KeepNew(state_->events(), IdempotencyKey(transition.alert), transition.time,
                              alert::AlertDocument(transition, created));
    if (!kept) return Fail(kept.error());
    if (*kept) counts_.push_back([this, alert = transition.alert] { CountAlert(alert); });
  }
  return {};
}

void Supervisor::CountAlert(const Alert& alert) {
  metrics_->CountEvent(EventDataset::kAlert);
  if (alert.state == AlertState::kOpened) metrics_->CountAlert(alert.severity);
  if (summary_.alerts.contains(alert.id) || summary_.alerts.size() < Summary::kAlertsRemembered) {
    summary_.alerts[alert.id] = alert;
  }
}

Status Supervisor::CommitBatch() {
  auto transitions = book_->Advance(feed_->watermark());
  if (!transitions) return Fail(transitions.error());
  if (Status status = Raise(std::move(*transitions)); !status) return status;
  if (Status status = book_->Save(); !status) return status;
  if (Status status = state_->Commit(); !status) return status;
  if (!holding()) {
    kept_sequence_ = state_->events().last_sequence();
    feed_->Release();
    rule_changes_told_.clear();
  }
  for (const auto& count : std::exchange(counts_, {})) count();
  if (Status status = WriteDocuments(); !status) return status;
  if (std::exchange(raised_, false)) outbox_->Wake();
  return {};
}

Status Supervisor::WriteDocuments() {
  while (true) {
    if (events_) {
      if (const Status flushed = FlushEvents(); !flushed) return mode_ == SupervisorMode::kReplay ? flushed : Status();
    }
    if (documents_handed_ > 0) {
      written_sequence_ = documents_handed_;
      if (Status status = state_->Begin(); !status) return status;
      state_->events().ConfirmWritten(std::exchange(documents_handed_, 0));
      if (Status status = state_->Commit(); !status) return status;
    }
    const auto documents = state_->events().UnwrittenDocuments(kDocumentsAtOnce);
    if (!documents) return Fail(documents.error());
    if (documents->empty()) return {};
    // What a full disk keeps out of the file stays with the writer, in order.
    for (const auto& document : *documents) {
      if (events_) (void)events_->Write(document.document);
    }
    documents_handed_ = documents->back().sequence;
  }
}

// Until all that the writer was handed is in the file it is handed nothing more.
Status Supervisor::FlushEvents() {
  const Status status = events_->Flush();
  if (status && event_file_failing_) Log(LogLevel::kInfo, "The event file can be written again");
  if (!status && !event_file_failing_) {
    Log(LogLevel::kError, "The event file cannot be written; events wait in the state", "reason=\"{}\"",
        status.error().message);
  }
  event_file_failing_ = !status;
  return status;
}

// Counted once the batch is committed: one that is judged again counts once.
void Supervisor::Count(const InspectorMessage& message, const Verdict& verdict) {
  if (const auto* sighting = std::get_if<Sighting>(&message)) {
    counts_.push_back([this, complete = sighting->phase == SightingPhase::kComplete, method = sighting->method,
                       confidence = sighting->confidence, authorised = verdict.authorised,
                       crossing = sighting->flow.crossing] {
      metrics_->CountEvent(EventDataset::kSighting);
      if (complete) metrics_->CountSighting(method, confidence, authorised, crossing);
      ++summary_.sightings;
      zones_.OnSighting(crossing);
      if (authorised) ++summary_.authorised_sightings;
    });
  } else if (const auto* transfer = std::get_if<TransferSummary>(&message)) {
    const bool counts = transfer->final && transfer->flow.crossing == Crossing::kEgress;
    counts_.push_back([this, counts, visibility = ToString(transfer->flow.facts.visibility),
                       seen = transfer->counters.delivered_bytes, lost = transfer->counters.gap_bytes] {
      metrics_->CountEvent(EventDataset::kTransfer);
      ++summary_.transfers;
      if (!counts) return;
      summary_.egress_bytes[std::string(visibility)] += seen;
      summary_.egress_bytes["lost"] += lost;
    });
  } else if (const auto* anomaly = std::get_if<AnomalyReport>(&message)) {
    counts_.push_back([this, code = anomaly->code, count = anomaly->count] {
      metrics_->CountEvent(EventDataset::kAnomaly);
      ++summary_.anomalies;
      summary_.anomaly_counts[code] += count;
    });
  }
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
  if (feed_->watermark() == PacketTime::min() || state_->database().holding()) return {};
  // A wall clock that is set forward while the sensor runs makes nothing old; that it was right is known at a start.
  const PacketTime elapsed = began_ + (std::chrono::steady_clock::now() - began_steady_);
  const auto purged = state_->Purge({feed_->watermark(), std::min(WallClockNow(), elapsed)});
  if (!purged) return Fail(purged.error());
  std::string rows;
  for (const auto& [table, count] : *purged) rows += fmt::format("{}{}={}", rows.empty() ? "" : " ", table, count);
  if (!rows.empty()) Log(LogLevel::kInfo, "Old rows were removed from the state", "{}", rows);
  return {};
}

Status Supervisor::Finish(OpenAlerts open_alerts) {
  ending_ = true;
  for (std::size_t i = 0; i < feed_->size(); ++i) feed_->OnEnded(i);
  while (true) {
    auto taken = Drain();
    if (!taken) return Fail(taken.error());
    if (*taken == 0) break;
  }
  if (open_alerts == OpenAlerts::kGoOn) return {};
  if (Status status = state_->Begin(); !status) return status;
  const PacketTime now = feed_->watermark();
  auto transitions = open_alerts == OpenAlerts::kClose ? book_->CloseAll(now) : book_->TellAll(now);
  if (!transitions) return Fail(transitions.error());
  if (Status status = Raise(std::move(*transitions)); !status) return status;
  if (Status status = CommitBatch(); !status) return status;
  return KeepHeld();
}

Status Supervisor::KeepHeld() {
  Status status = state_->database().CommitHeld();
  if (status) feed_->Release();
  return status;
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
    Status status = state_->Begin();
    const std::size_t released = status ? state_->quarantine().Release(item) : 0;
    if (status) status = state_->Commit();
    if (!status) {
      OnStateFailed(status.error());  // what was held is lost with it
      return status;
    }
    Log(LogLevel::kInfo, "An item was let out of quarantine", "item={} entries={}", ToHex(item), released);
  }
  for (const ResendRequest& request : requests.resends) {
    const auto count = outbox_->Resend(request.endpoint, request.id);
    if (!count) return Fail(count.error());
    Log(LogLevel::kInfo, "Alert messages are sent again on the operator's word", "endpoint={} id={} messages={}",
        request.endpoint, request.id, *count);
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

void Supervisor::OnReloadRefused() {
  reload_succeeded_ = false;
  reloaded_ = WallClockNow();
}

}  // namespace spanwatch::supervisor
