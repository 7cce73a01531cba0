#include "alert/webhook_sink.h"

#include <boost/asio/io_context.hpp>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "config/config.h"
#include "unit/alert/delivery_fixtures.h"

namespace spanwatch::alert {
namespace {

using support::MakeTestAuthority;
using support::WebhookReceiver;
using Settings = std::vector<std::pair<std::string, std::string>>;

class WebhookSinkTest : public testing::Test {
 protected:
  WebhookSinkTest() { limits.alert_webhook_step_timeout_seconds = 2; }

  Result<std::unique_ptr<AlertSink>> Make(const std::string& url, Settings settings = {}) {
    settings.emplace_back("url", url);
    settings.emplace_back("secret_file", folder.File("secret", std::string(kSecret) + "\n"));
    return MakeSink(io, limits, {"siem", "webhook", settings});
  }
  Delivery Deliver(AlertSink& sink, const std::string& id = "msg_1") {
    OutboxMessage message;
    message.message_id = id;
    message.body = R"({"type":"spanwatch.alert.opened"})";
    std::optional<Delivery> delivery;
    sink.Deliver(message, [&](const Delivery& result) { delivery = result; });
    EXPECT_FALSE(delivery.has_value()) << "never before Deliver returns";
    EXPECT_TRUE(RunUntil(io, [&] { return delivery.has_value(); }));
    return delivery.value_or(Delivery{});
  }

  config::Limits limits;
  TemporaryFolder folder;
  boost::asio::io_context io;
};

TEST_F(WebhookSinkTest, PostsASignedBody) {
  WebhookReceiver receiver({kSecret});
  auto sink = Make(receiver.Url());
  ASSERT_TRUE(sink.has_value()) << sink.error().message;
  const Delivery delivery = Deliver(**sink);
  EXPECT_EQ(delivery.outcome, DeliveryOutcome::kDelivered) << delivery.detail;
  EXPECT_EQ(delivery.status, 204);
  const auto received = receiver.received();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_TRUE(received[0].signature_valid);
  EXPECT_EQ(received[0].id, "msg_1");
  EXPECT_EQ(received[0].target, "/hook");
  EXPECT_EQ(received[0].body, R"({"type":"spanwatch.alert.opened"})");
  EXPECT_NEAR(std::stod(received[0].timestamp), static_cast<double>(std::time(nullptr)), 5);
}

TEST_F(WebhookSinkTest, WhileRotatingEitherSecretVerifies) {
  WebhookReceiver receiver({kOtherSecret});
  auto sink = Make(receiver.Url(), {{"secret_file", folder.File("other", kOtherSecret)}});
  EXPECT_EQ(Deliver(**sink).outcome, DeliveryOutcome::kDelivered);
  EXPECT_TRUE(receiver.received().at(0).signature_valid);
}

TEST_F(WebhookSinkTest, ReloadReadsTheSecretAgain) {
  WebhookReceiver receiver({kOtherSecret});
  auto sink = Make(receiver.Url());
  Deliver(**sink);
  folder.File("secret", kOtherSecret);
  ASSERT_TRUE((*sink)->Reload());
  Deliver(**sink);
  EXPECT_FALSE(receiver.received().at(0).signature_valid);
  EXPECT_TRUE(receiver.received().at(1).signature_valid);
}

TEST_F(WebhookSinkTest, DeliversOverVerifiedHttps) {
  const auto authority = MakeTestAuthority("localhost");
  WebhookReceiver receiver({kSecret}, &authority);
  auto sink = Make(receiver.Url("localhost"), {{"ca_file", folder.File("ca.pem", authority.ca_pem)}});
  ASSERT_TRUE(sink.has_value()) << sink.error().message;
  const Delivery delivery = Deliver(**sink);
  EXPECT_EQ(delivery.outcome, DeliveryOutcome::kDelivered) << delivery.detail;
  EXPECT_TRUE(receiver.received().at(0).signature_valid);
}

TEST_F(WebhookSinkTest, VerifiesAnAddressToo) {
  const auto authority = MakeTestAuthority("127.0.0.1");
  WebhookReceiver receiver({kSecret}, &authority);
  auto sink = Make(receiver.Url(), {{"ca_file", folder.File("ca.pem", authority.ca_pem)}});
  EXPECT_EQ(Deliver(**sink).outcome, DeliveryOutcome::kDelivered);
}

TEST_F(WebhookSinkTest, RefusesAnUnknownAuthority) {
  const auto authority = MakeTestAuthority("localhost");
  const auto other = MakeTestAuthority("localhost");
  WebhookReceiver receiver({kSecret}, &authority);
  for (const Settings& settings : {Settings{}, Settings{{"ca_file", folder.File("ca.pem", other.ca_pem)}}}) {
    auto sink = Make(receiver.Url("localhost"), settings);
    const Delivery delivery = Deliver(**sink);
    EXPECT_EQ(delivery.outcome, DeliveryOutcome::kRetry);
    EXPECT_NE(delivery.detail.find("certificate"), std::string::npos) << delivery.detail;
  }
  EXPECT_TRUE(receiver.received().empty()) << "no byte of an alert before the receiver is known";
}

TEST_F(WebhookSinkTest, RefusesACertificateOfAnotherHost) {
  const auto authority = MakeTestAuthority("receiver.example");
  WebhookReceiver receiver({kSecret}, &authority);
  auto sink = Make(receiver.Url("localhost"), {{"ca_file", folder.File("ca.pem", authority.ca_pem)}});
  EXPECT_EQ(Deliver(**sink).outcome, DeliveryOutcome::kRetry);
  EXPECT_TRUE(receiver.received().empty());
}

TEST_F(WebhookSinkTest, FollowsNoRedirect) {
  WebhookReceiver elsewhere({kSecret});
  WebhookReceiver receiver({kSecret});
  receiver.Answer({{.status = 307, .location = elsewhere.Url()}});
  auto sink = Make(receiver.Url());
  EXPECT_EQ(Deliver(**sink).outcome, DeliveryOutcome::kRetry);
  EXPECT_TRUE(elsewhere.received().empty());
}

TEST_F(WebhookSinkTest, TimesOutWhenTheReceiverHangs) {
  limits.alert_webhook_step_timeout_seconds = 1;
  WebhookReceiver receiver({kSecret});
  receiver.Answer({{.hang = true}});
  auto sink = Make(receiver.Url());
  const Delivery delivery = Deliver(**sink);
  EXPECT_EQ(delivery.outcome, DeliveryOutcome::kRetry);
  EXPECT_NE(delivery.detail.find("timed out"), std::string::npos) << delivery.detail;
}

TEST_F(WebhookSinkTest, TimesOutInTheTlsHandshake) {
  limits.alert_webhook_step_timeout_seconds = 1;
  // The kernel accepts the connection, and nobody ever reads it.
  boost::asio::ip::tcp::acceptor silent(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  auto sink = Make(fmt::format("https://127.0.0.1:{}/", silent.local_endpoint().port()));
  const Delivery delivery = Deliver(**sink);
  EXPECT_EQ(delivery.outcome, DeliveryOutcome::kRetry);
  EXPECT_EQ(delivery.detail, "TLS timed out");
}

TEST_F(WebhookSinkTest, AClosedConnectionOrNoListenerIsRetried) {
  std::string url;
  {
    WebhookReceiver receiver({kSecret});
    receiver.Answer({{.close = true}});
    url = receiver.Url();
    EXPECT_EQ(Deliver(**Make(url)).outcome, DeliveryOutcome::kRetry);
  }
  EXPECT_EQ(Deliver(**Make(url)).outcome, DeliveryOutcome::kRetry);
  EXPECT_EQ(Deliver(**Make("http://no-such-host.invalid/")).outcome, DeliveryOutcome::kRetry);
}

// A receiver that answers each connection with these bytes and closes it.
Delivery AnsweredWith(boost::asio::io_context& io, const std::string& answer,
                      const std::function<Delivery(const std::string& url)>& deliver) {
  boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  auto socket = std::make_shared<boost::asio::ip::tcp::socket>(io);
  auto request = std::make_shared<std::array<char, 4096>>();
  acceptor.async_accept(*socket, [=](const boost::system::error_code&) {
    socket->async_read_some(boost::asio::buffer(*request), [=](const boost::system::error_code&, std::size_t) {
      boost::asio::write(*socket, boost::asio::buffer(answer));
      socket->close();
    });
  });
  return deliver(fmt::format("http://127.0.0.1:{}/", acceptor.local_endpoint().port()));
}

TEST_F(WebhookSinkTest, HalfAnAnswerIsNone) {
  const auto answered = [&](const std::string& answer) {
    return AnsweredWith(io, answer, [&](const std::string& url) { return Deliver(**Make(url)); });
  };
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").outcome, DeliveryOutcome::kDelivered);
  EXPECT_EQ(answered("HTTP/1.1 204 No Content\r\n\r\n").outcome, DeliveryOutcome::kDelivered);
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\n\r\nuntil the end").outcome, DeliveryOutcome::kDelivered);
  for (const char* half : {"", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n", "not HTTP at all\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"}) {
    const Delivery delivery = answered(half);
    EXPECT_EQ(delivery.outcome, DeliveryOutcome::kRetry) << half;
    EXPECT_EQ(delivery.status, 0) << half;
    EXPECT_NE(delivery.detail, "") << half;
  }
}

TEST_F(WebhookSinkTest, DeniesLinkLocalAddressesUnlessAllowed) {
  const Delivery denied = Deliver(**Make("http://169.254.169.254/latest/meta-data"));
  EXPECT_EQ(denied.outcome, DeliveryOutcome::kRetry);
  EXPECT_NE(denied.detail.find("link-local"), std::string::npos) << denied.detail;
}

TEST_F(WebhookSinkTest, RefusesWrongSettingsWithOneClearLine) {
  const auto error = [&](const std::string& url, Settings settings = {}) {
    const auto sink = Make(url, std::move(settings));
    return sink ? std::string("no error") : sink.error().message;
  };
  EXPECT_NE(error("ftp://host/").find("http://"), std::string::npos);
  EXPECT_NE(error("https://user:pass@host/").find("user name"), std::string::npos);
  EXPECT_EQ(error("https://user:pass@host/").find("pass@"), std::string::npos);
  EXPECT_NE(error("not a url").find("not a URL"), std::string::npos);
  EXPECT_NE(error("https://host/", {{"verify", "false"}}).find("no setting 'verify'"), std::string::npos);
  EXPECT_NE(error("https://host/", {{"ca_file", "/no/such/file"}}).find("/no/such/file"), std::string::npos);
  EXPECT_NE(error("https://host/", {{"secret_environment", "NO_SUCH_VARIABLE"}}).find("NO_SUCH_VARIABLE"),
            std::string::npos);
  EXPECT_FALSE(MakeSink(io, limits, {"siem", "webhook", {{"url", "http://127.0.0.1/"}}}).has_value()) << "no secret";
  EXPECT_TRUE(
      MakeSink(io, limits, {"siem", "webhook", {{"url", "http://127.0.0.1/"}, {"unsigned", "true"}}}).has_value());
  EXPECT_FALSE(MakeSink(io, limits, {"siem", "pigeon", {}}).has_value());
}

TEST(CheckWebhook, JudgesAnEntryOfTheConfiguration) {
  const config::Limits limits;
  ::setenv("SPANWATCH_TEST_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1);
  config::WebhookConfig webhook{.name = "soc", .url = "https://soc.example/", .secret_env = "SPANWATCH_TEST_SECRET"};
  EXPECT_TRUE(CheckWebhook(limits, webhook));
  webhook.url = "ftp://soc.example/";
  EXPECT_EQ(CheckWebhook(limits, webhook).error().message, "webhook soc: the url begins with http:// or https://");
  webhook.url = "https://soc.example/";
  webhook.secret_file = "/no/such/file";
  EXPECT_NE(CheckWebhook(limits, webhook).error().message.find("/no/such/file"), std::string::npos);
}

TEST(JudgeResponse, FollowsTheStandard) {
  const auto judge = [](int status) { return JudgeResponse(status, "", At(0s)).outcome; };
  for (const int status : {200, 201, 202, 204, 299}) EXPECT_EQ(judge(status), DeliveryOutcome::kDelivered) << status;
  for (const int status : {301, 302, 307, 400, 401, 403, 404, 408, 413, 422, 425, 429, 500, 502, 503, 504, 999}) {
    EXPECT_EQ(judge(status), DeliveryOutcome::kRetry) << status;
  }
  EXPECT_EQ(judge(410), DeliveryOutcome::kDisabled);
}

TEST(JudgeResponse, UnderstandsRetryAfter) {
  const auto after = [](const char* text) { return JudgeResponse(429, text, At(0s)).retry_after; };
  EXPECT_EQ(after("120"), 120s);
  EXPECT_EQ(after("Mon, 13 May 2019 00:01:00 GMT"), 60s);
  EXPECT_EQ(after("Mon, 13 May 2019 00:00:00 GMT"), 0s);
  EXPECT_EQ(after("Sun, 12 May 2019 00:00:00 GMT"), 0s);
  EXPECT_EQ(after("999999999999"), 24h);
  EXPECT_EQ(after("soon"), std::nullopt);
  EXPECT_EQ(after("-5"), std::nullopt);
  EXPECT_EQ(after(""), std::nullopt);
}

}  // namespace
}  // namespace spanwatch::alert
