// State, alert book and outbox together, over real SQLite files and a real receiver, with processes killed in between.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "alert/alert_book.h"
#include "alert/outbox.h"
#include "base/unique_fd.h"
#include "state/state.h"
#include "unit/alert/delivery_fixtures.h"

namespace spanwatch::alert {
namespace {

using support::WebhookReceiver;

// The part of a supervisor that raises and delivers.
class Station {
 public:
  Station(const std::string& path, const std::string& url, const std::string& secret_file, const config::Limits& limits)
      : state_(std::move(*state::State::Open(path, limits, counters_))),
        book_("edge-1", limits, state_->alerts(), counters_),
        outbox_(io_, state_->outbox(), limits) {
    outbox_.Add(std::move(*MakeSink(io_, limits, {"siem", "webhook", {{"url", url}, {"secret_file", secret_file}}})));
    EXPECT_TRUE(book_.Load());
  }

  void Raise(const std::string& event_id, const Sighting& sighting) {
    const Verdict verdict = MakeVerdict({MakeMatch("r1", Severity::kHigh)});
    const auto transitions = book_.OnVerdict(event_id, sighting, verdict);
    ASSERT_TRUE(transitions.has_value());
    ASSERT_TRUE(outbox_.Enter(*transitions, WallClockNow()));
  }
  void Begin() { ASSERT_TRUE(state_->Begin()); }
  void Commit() {
    ASSERT_TRUE(book_.Save());
    ASSERT_TRUE(state_->Commit());
    outbox_.Wake();
  }
  void CloseAll(PacketTime now) { ASSERT_TRUE(outbox_.Enter(*book_.CloseAll(now), WallClockNow())); }
  bool Deliver() {
    EXPECT_TRUE(outbox_.Start());
    return RunUntil(io_, [&] { return outbox_.Idle(); });
  }

  Counters& counters() { return counters_; }
  boost::asio::io_context& io() { return io_; }
  state::State& state() { return *state_; }
  AlertBook& book() { return book_; }
  Outbox& outbox() { return outbox_; }

 private:
  Counters counters_;
  boost::asio::io_context io_;
  std::unique_ptr<state::State> state_;
  AlertBook book_;
  Outbox outbox_;
};

class AlertDeliveryTest : public testing::Test {
 protected:
  std::unique_ptr<Station> Open(const std::string& url) {
    return std::make_unique<Station>(folder.path("state.db"), url, secret_file, limits);
  }
  static std::vector<std::string> Ids(const WebhookReceiver& receiver) {
    std::vector<std::string> ids;
    for (const auto& webhook : receiver.received()) ids.push_back(webhook.id);
    return ids;
  }

  config::Limits limits;
  TemporaryFolder folder;
  std::string secret_file = folder.File("secret", kSecret);
};

// A supervisor in a process of its own, which SIGKILL ends. It is forked before the test has a thread: the child of a
// process with threads may inherit a lock that nobody will release.
class DoomedProcess {
 public:
  explicit DoomedProcess(const std::function<void(const std::string& url)>& work) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    child_ = ::fork();
    EXPECT_GE(child_, 0);
    UniqueFd start(ends[0]);
    start_ = UniqueFd(ends[1]);
    if (child_ != 0) return;
    start_.reset();
    char url[256];
    const ssize_t size = ::read(start.get(), url, sizeof(url));
    if (size > 0) work(std::string(url, static_cast<std::size_t>(size)));
    ::raise(SIGKILL);
  }
  ~DoomedProcess() {
    start_.reset();
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }

  // Lets it work and returns when it has been killed: when its work is done, or else when `until` returns.
  void Run(const std::string& url, const std::function<void()>& until = nullptr) {
    ASSERT_EQ(::write(start_.get(), url.data(), url.size()), static_cast<ssize_t>(url.size()));
    if (until) {
      until();
      ::kill(child_, SIGKILL);
    }
    int status = 0;
    ASSERT_GT(::waitpid(std::exchange(child_, -1), &status, 0), 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }

 private:
  pid_t child_ = -1;
  UniqueFd start_;
};

TEST_F(AlertDeliveryTest, AnAlertCommittedBeforeAKillIsDeliveredAfterIt) {
  DoomedProcess supervisor([&](const std::string& url) {
    auto station = Open(url);
    station->Begin();
    station->Raise("event-1", MakeSighting(At(0s), 1, {1}));
    ASSERT_TRUE(station->book().Save());
    ASSERT_TRUE(station->state().Commit());
  });
  WebhookReceiver receiver({kSecret});
  supervisor.Run(receiver.Url());
  ASSERT_TRUE(receiver.received().empty());
  auto station = Open(receiver.Url());
  EXPECT_TRUE(station->Deliver());
  const auto received = receiver.received();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_TRUE(received[0].signature_valid);
  // Its life goes on where it stood.
  station->Begin();
  station->CloseAll(At(10s));
  station->Commit();
  EXPECT_TRUE(station->Deliver());
  const std::string alert_id = received[0].id.substr(0, received[0].id.rfind('_'));
  EXPECT_EQ(Ids(receiver), (std::vector<std::string>{alert_id + "_1", alert_id + "_2"}));
}

TEST_F(AlertDeliveryTest, KilledDuringADeliveryItIsSentAgainUnderTheSameId) {
  DoomedProcess supervisor([&](const std::string& url) {
    auto station = Open(url);
    station->Begin();
    station->Raise("event-1", MakeSighting(At(0s), 1, {1}));
    station->Commit();
    station->Deliver();
  });
  WebhookReceiver receiver({kSecret});
  receiver.Answer({{.hang = true}});
  supervisor.Run(receiver.Url(), [&] { EXPECT_TRUE(receiver.WaitFor(1, 10s)); });
  auto station = Open(receiver.Url());
  EXPECT_TRUE(station->Deliver());
  const auto received = receiver.received();
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0].id, received[1].id);
  EXPECT_EQ(received[0].body, received[1].body) << "byte for byte, whenever it is sent";
}

TEST_F(AlertDeliveryTest, WhatWasNotCommittedIsJudgedAgainToTheSameAlert) {
  const auto judge = [&](Station& station) {
    station.Begin();
    EXPECT_TRUE(station.state().events().TakeRingMessage(1, 1)) << "the ring still holds it";
    station.Raise("event-1", MakeSighting(At(0s), 1, {1}));
  };
  DoomedProcess supervisor([&](const std::string& url) { judge(*Open(url)); });
  WebhookReceiver receiver({kSecret});
  std::string first_id;
  {
    auto station = Open(receiver.Url());
    judge(*station);
    first_id = station->state().outbox().Due("siem", WallClockNow(), 1)->front().message_id;
    station->state().Rollback();
  }
  supervisor.Run(receiver.Url());
  auto station = Open(receiver.Url());
  EXPECT_TRUE(station->Deliver());
  EXPECT_TRUE(receiver.received().empty());
  judge(*station);
  station->Commit();
  EXPECT_TRUE(station->Deliver());
  EXPECT_EQ(Ids(receiver), std::vector<std::string>{first_id});
}

TEST_F(AlertDeliveryTest, AReceiverThatFailsGetsTheTransitionsInOrder) {
  WebhookReceiver receiver({kSecret});
  receiver.Answer({{.status = 503}, {.close = true}, {.status = 500}});
  auto station = Open(receiver.Url());
  station->Begin();
  station->Raise("event-1", MakeSighting(At(0s), 1, {1}));
  station->CloseAll(At(1s));
  station->Commit();
  ASSERT_TRUE(station->outbox().Start());
  for (std::size_t attempt = 1; attempt <= 4; ++attempt) {
    EXPECT_TRUE(RunUntil(station->io(), [&] {
      const auto next = *station->state().outbox().NextAttempt("siem");
      return receiver.received().size() >= attempt && (!next || *next > WallClockNow() || attempt == 4);
    }));
    ASSERT_TRUE(station->state().outbox().MakeDue("siem", WallClockNow()));
    station->outbox().Wake();
  }
  EXPECT_TRUE(RunUntil(station->io(), [&] { return station->outbox().Idle(); }));
  const auto ids = Ids(receiver);
  ASSERT_EQ(ids.size(), 5u);
  EXPECT_TRUE(std::ranges::all_of(ids.begin(), ids.begin() + 4, [&](const auto& id) { return id == ids[0]; }));
  EXPECT_TRUE(ids[0].ends_with("_1"));
  EXPECT_TRUE(ids[4].ends_with("_2"));
}

TEST_F(AlertDeliveryTest, AnExfiltrationOfAHundredThousandImagesIsOneAlert) {
  WebhookReceiver receiver({kSecret});
  auto station = Open(receiver.Url());
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < 100'000; i += 1000) {
    station->Begin();
    for (std::uint32_t j = i; j < i + 1000; ++j) {
      station->Raise(fmt::format("event-{}", j), MakeSighting(At(10ms * j), 1 + j / 100, {j}));
    }
    station->Commit();
  }
  station->Begin();
  station->CloseAll(At(1000s));
  station->Commit();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 120s);  // 3 s on an idle machine
  EXPECT_TRUE(station->Deliver());
  const auto received = receiver.received();
  ASSERT_EQ(received.size(), 5u) << "opened, three updates in a thousand seconds, closed";
  const auto last = nlohmann::json::parse(received.back().body);
  EXPECT_EQ(last["type"], "spanwatch.alert.closed");
  EXPECT_EQ(last["data"]["spanwatch"]["alert"]["totals"]["items"], 100'000);
  EXPECT_EQ(last["data"]["spanwatch"]["alert"]["totals"]["flows"], 1000);
  EXPECT_LT(received.back().body.size(), 20'000u);
}

}  // namespace
}  // namespace spanwatch::alert
