#include "alert/alert_sink.h"

#include <algorithm>
#include <array>

#include "alert/sink_specs.h"
#include "config/config.h"

namespace spanwatch::alert {

std::span<const SinkSpec> SinkSpecs() {
  static const auto kSpecs = std::to_array<SinkSpec>({
#define SINK(name) k_##name##_sink,
#include "alert/sinks.def"
#undef SINK
  });
  return kSpecs;
}

Result<std::unique_ptr<AlertSink>> MakeSink(boost::asio::io_context& io, const config::Limits& limits,
                                            const SinkOptions& options) {
  const auto specs = SinkSpecs();
  const auto spec = std::ranges::find(specs, options.type, &SinkSpec::type);
  if (spec == specs.end()) {
    std::string known;
    for (const SinkSpec& one : specs) known += fmt::format("{}{}", known.empty() ? "" : ", ", one.type);
    return Fail(ErrorCode::kInvalid, "sink {}: there is no type '{}'; known are {}", options.name, options.type, known);
  }
  for (const auto& [name, value] : options.settings) {
    if (std::ranges::find(spec->settings, name, &SinkSetting::name) == spec->settings.end()) {
      return Fail(ErrorCode::kInvalid, "sink {}: a {} has no setting '{}'", options.name, options.type, name);
    }
  }
  auto sink = spec->make(io, limits, options);
  if (!sink) return Fail(sink.error().In(options.type + " " + options.name));
  return sink;
}

Result<std::unique_ptr<AlertSink>> MakeWebhook(boost::asio::io_context& io, const config::Limits& limits,
                                               const config::WebhookConfig& webhook) {
  SinkOptions options{webhook.name, "webhook", {{"url", webhook.url}}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) options.settings.emplace_back(name, value);
  };
  add("secret_file", webhook.secret_file.string());
  add("secret_environment", webhook.secret_env);
  add("secret_file", webhook.next_secret_file.string());
  add("ca_file", webhook.ca_file.string());
  if (webhook.allow_link_local) add("allow_link_local", "true");
  return MakeSink(io, limits, options);
}

Status CheckWebhook(const config::Limits& limits, const config::WebhookConfig& webhook) {
  boost::asio::io_context io;
  const auto sink = MakeWebhook(io, limits, webhook);
  return sink ? Status() : Fail(sink.error());
}

}  // namespace spanwatch::alert
