// A sink that appends each alert to a file as one JSON line, or to standard output (`-`).
#include <boost/asio/post.hpp>

#include "alert/json_lines.h"
#include "alert/sink_specs.h"

namespace spanwatch::alert {
namespace {

class JsonFileSink : public AlertSink {
 public:
  JsonFileSink(boost::asio::io_context& io, std::string name, JsonLinesWriter writer)
      : io_(io), name_(std::move(name)), writer_(std::move(writer)) {}

  const std::string& name() const override { return name_; }

  void Deliver(const OutboxMessage& message, Done done) override {
    // A line that failed stays in the writer and goes out first; only a new attempt's own line is added.
    Status status = writer_.Flush();
    if (status) status = writer_.Write(message.body);
    if (status) status = writer_.Flush();
    Delivery delivery{status ? DeliveryOutcome::kDelivered : DeliveryOutcome::kRetry, 0, std::nullopt,
                      status ? "written" : status.error().message};
    boost::asio::post(io_, [done = std::move(done), delivery] { done(delivery); });
  }

  Status Reload() override { return writer_.Reopen(); }

 private:
  boost::asio::io_context& io_;
  std::string name_;
  JsonLinesWriter writer_;
};

Result<std::unique_ptr<AlertSink>> MakeJsonFileSink(boost::asio::io_context& io, const config::Limits&,
                                                    const SinkOptions& options) {
  std::string path;
  for (const auto& [name, value] : options.settings) path = value;
  if (path.empty()) return Fail(ErrorCode::kInvalid, "a json_file needs a path");
  auto writer = JsonLinesWriter::Open(path);
  if (!writer) return Fail(writer.error());
  return std::make_unique<JsonFileSink>(io, options.name, std::move(*writer));
}

constexpr SinkSetting kJsonFileSettings[] = {
    {"path", "File that each alert is appended to as one line; - for standard output."}};

}  // namespace

constinit const SinkSpec k_json_file_sink = {"json_file", "Appends each alert to a file, one JSON object a line.",
                                             kJsonFileSettings, MakeJsonFileSink};

}  // namespace spanwatch::alert
