#include "alert/alert_sink.h"

#include <algorithm>
#include <array>

#include "alert/sink_specs.h"

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
  if (!sink) return Fail(sink.error().In("sink " + options.name));
  return sink;
}

}  // namespace spanwatch::alert
