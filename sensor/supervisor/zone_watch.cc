#include "supervisor/zone_watch.h"

#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

constexpr std::chrono::minutes kFirst{1};
constexpr std::chrono::hours kInterval{1};

}  // namespace

void ZoneWatch::OnSighting(Crossing crossing) {
  if (crossing == Crossing::kInternal) {
    ++inside_only_;
  } else if (crossing == Crossing::kExternal) {
    ++outside_only_;
  } else {
    ++crossed_;
  }
}

std::string ZoneWatch::Reason() const {
  if (inside_only_ == 0)
    return "both ends were outside every time: no network of 'inside' holds the senders' addresses";
  if (outside_only_ == 0)
    return "both ends were inside every time: 'inside' holds the receivers' addresses too, or they are proxies";
  return "both ends were inside, or both outside, every time";
}

void ZoneWatch::Tick(Clock::time_point now) {
  if (!CrossedNothing() || now - begun_ < kFirst) return;
  if (told_ != Clock::time_point{} && now - told_ < kInterval) return;
  told_ = now;
  Log(LogLevel::kWarning, "Registered material was seen, but crossed nothing; look at zones.inside",
      "sightings={} reason=\"{}\"", inside_only_ + outside_only_, Reason());
}

}  // namespace spanwatch::supervisor
