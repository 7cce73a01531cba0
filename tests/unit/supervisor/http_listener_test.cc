#include "supervisor/http_listener.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace spanwatch::supervisor {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

class HttpListenerTest : public testing::Test {
 protected:
  void Start(HttpRoutes routes) {
    auto started = HttpListener::Start(io_, limits, counters, {"127.0.0.1", 0}, std::move(routes));
    ASSERT_TRUE(started.has_value()) << started.error().message;
    listener = std::move(*started);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) io_.run_for(5ms);
    });
  }
  ~HttpListenerTest() override {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  tcp::socket Connect() {
    tcp::socket socket(client_);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), listener->port()});
    return socket;
  }
  // What comes back for these bytes, until the listener closes.
  std::string Ask(const std::string& request) {
    tcp::socket socket = Connect();
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string answer;
    boost::system::error_code error;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::io_context client_;

 protected:
  config::Limits limits;
  Counters counters{};
  std::unique_ptr<HttpListener> listener;  // gone before its io_context

 private:
  std::jthread thread_;
};

TEST_F(HttpListenerTest, ServesItsPathsAndNothingElse) {
  Start({{"/healthz", [] { return HttpReply{200, "text/plain", "ok\n"}; }},
         {"/readyz", [] { return HttpReply{503, "text/plain", "not yet\n"}; }}});
  const std::string ok = Ask("GET /healthz?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(ok.starts_with("HTTP/1.1 200")) << ok;
  EXPECT_TRUE(ok.ends_with("\r\n\r\nok\n")) << ok;
  EXPECT_TRUE(Ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 503"));
  EXPECT_TRUE(Ask("GET /etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(Ask("POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405"));
  const std::string head = Ask("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 3"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST_F(HttpListenerTest, GarbageAndEndlessHeadersEndTheConnectionOnly) {
  Start({{"/healthz", [] { return HttpReply{200, "text/plain", "ok\n"}; }}});
  EXPECT_EQ(Ask(std::string("\x16\x03\x01\x02\x00", 5) + std::string(100, 'x') + "\r\n\r\n"), "");
  EXPECT_EQ(Ask("GET /healthz HTTP/1.1\r\nX: " + std::string(8200, 'a')), "");
  EXPECT_TRUE(Ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, ASilentClientIsPutOutAtTheDeadline) {
  limits.http_deadline_seconds = 1;
  Start({{"/healthz", [] { return HttpReply{200, "text/plain", "ok\n"}; }}});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Ask("GET /healthz"), "");
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(took, 500ms);
  EXPECT_LT(took, 5s);
}

TEST_F(HttpListenerTest, AThousandConnectionsThatSayNothingKeepNobodyOut) {
  limits.http_connections = 4;
  limits.http_deadline_seconds = 60;
  Start({{"/healthz", [] { return HttpReply{200, "text/plain", "ok\n"}; }}});
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 900; ++i) silent.push_back(Connect());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(Ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_GE(counters.Get(Counter::http_connections_shed), 890u);
}

TEST_F(HttpListenerTest, WhoeverDoesNotReadTheAnswerKeepsNobodyOut) {
  limits.http_connections = 2;
  limits.http_deadline_seconds = 60;
  const std::string large(64 << 20, 'x');
  Start({{"/healthz", [] { return HttpReply{200, "text/plain", "ok\n"}; }},
         {"/metrics", [&] { return HttpReply{200, "text/plain", large}; }}});
  std::vector<tcp::socket> deaf;
  for (int i = 0; i < 4; ++i) {
    deaf.push_back(Connect());
    boost::asio::write(deaf.back(), boost::asio::buffer(std::string("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")));
  }
  EXPECT_TRUE(Ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST(HttpListener, SaysWhatItCannotListenOn) {
  boost::asio::io_context io;
  config::Limits limits;
  Counters counters{};
  auto first = HttpListener::Start(io, limits, counters, {"127.0.0.1", 0}, {});
  ASSERT_TRUE(first.has_value());
  const auto second = HttpListener::Start(io, limits, counters, {"127.0.0.1", (*first)->port()}, {});
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
  EXPECT_FALSE(HttpListener::Start(io, limits, counters, {"nowhere", 0}, {}).has_value());
}

}  // namespace
}  // namespace spanwatch::supervisor
