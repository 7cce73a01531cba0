#include "cli/sensor_check.h"

#include <algorithm>
#include <cstdio>

#include "alert/alert_sink.h"
#include "base/printable.h"
#include "cli/sensor_options.h"
#include "policy/policy.h"
#include "state/state.h"

namespace spanwatch::cli {

Status CheckLive(const config::Config& config) {
  if (config.interface.empty()) {
    return Fail(ErrorCode::kUsage, "there is no interface to capture on; set capture.interface or give -i");
  }
  if (config.hashsets.empty()) return Fail(ErrorCode::kUsage, "there is no hash set to look for; list one in hashsets");
  const auto is_file = [](const config::HashSetConfig& hashset) { return hashset.url.empty(); };
  if (config.trust.empty() && std::ranges::any_of(config.hashsets, is_file)) {
    return Fail(ErrorCode::kUsage, "nobody is trusted; list the public key of the hash sets' owner in trust");
  }
  return {};
}

Status CheckSensor(const config::Config& config) {
  const auto sets = OpenHashSets(config);
  if (!sets) return Fail(sets.error());
  for (std::size_t i = 0; i < sets->facts.size(); ++i) {
    const auto& figures = sets->facts[i];
    std::printf("%s: good; %llu images, %llu records, %llu files\n", sets->inputs[i].name.c_str(),
                static_cast<unsigned long long>(figures.images), static_cast<unsigned long long>(figures.records),
                static_cast<unsigned long long>(figures.files));
  }
  policy::PolicySource source;
  source.directory = config.rules_directory;
  source.trusted_keys = sets->trusted_keys;
  source.allow_unsigned_authorisations = config.allow_unsigned_authorisations;
  Counters counters;
  auto state = state::State::Open(":memory:", config.limits, counters);
  if (!state) return Fail(state.error());
  const auto policy = policy::Policy::Load(source, (*state)->correlations());
  if (!policy) return Fail(policy.error());
  const auto facts = (*policy)->facts();
  std::printf("rules%s: good; %zu detections, %zu correlations, %zu filters, %zu authorisations; %s\n",
              config.rules_directory.empty() ? " (embedded)" : "", facts.detections, facts.correlations, facts.filters,
              facts.authorisations, facts.all_signed ? "signed" : "not signed by a trusted key");
  for (const config::WebhookConfig& webhook : config.webhooks) {
    if (Status status = alert::CheckWebhook(config.limits, webhook); !status) return status;
    std::printf("webhook %s: good; nothing was sent\n", Printable(webhook.name).c_str());
  }
  return {};
}

}  // namespace spanwatch::cli
