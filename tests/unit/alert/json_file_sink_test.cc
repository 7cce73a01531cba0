#include <boost/asio/io_context.hpp>
#include <sstream>

#include "unit/alert/delivery_fixtures.h"

namespace spanwatch::alert {
namespace {

TEST(JsonFileSink, AppendsOneLineForEachAlert) {
  boost::asio::io_context io;
  config::Limits limits;
  TemporaryFolder folder;
  auto sink = MakeSink(io, limits, {"file", "json_file", {{"path", folder.path("alerts.jsonl")}}});
  ASSERT_TRUE(sink.has_value()) << sink.error().message;
  int delivered = 0;
  for (const char* body : {"{\"n\":1}", "{\"n\":2}"}) {
    OutboxMessage message;
    message.body = body;
    (*sink)->Deliver(message,
                     [&](const Delivery& delivery) { delivered += delivery.outcome == DeliveryOutcome::kDelivered; });
  }
  EXPECT_TRUE(RunUntil(io, [&] { return delivered == 2; }));
  std::ostringstream text;
  text << std::ifstream(folder.path("alerts.jsonl")).rdbuf();
  EXPECT_EQ(text.str(), "{\"n\":1}\n{\"n\":2}\n");
}

TEST(JsonFileSink, NeedsAPath) {
  boost::asio::io_context io;
  config::Limits limits;
  EXPECT_FALSE(MakeSink(io, limits, {"file", "json_file", {}}).has_value());
}

}  // namespace
}  // namespace spanwatch::alert
