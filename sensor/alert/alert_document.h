// The alert as the world sees it: ECS JSON (event.kind alert, dataset spanwatch.alert), and the body of a webhook.
// Pure functions; no plate, pixel or payload byte goes in.
#pragma once

#include <nlohmann/json.hpp>

#include "model/alert.h"

namespace spanwatch::alert {

// ECS event.severity of a rule level, as Elastic's own rules number them.
int SeverityNumber(Severity severity);

// `created` is wall-clock time (event.created).
nlohmann::json AlertDocument(const AlertTransition& transition, PacketTime created);

// "spanwatch.alert.opened", ".updated", ".closed"
std::string WebhookType(const AlertTransition& transition);

// Standard Webhooks body {type, timestamp, data}: under 20 kB whatever the alert holds; examples go first.
std::string WebhookBody(const AlertTransition& transition, PacketTime created);

}  // namespace spanwatch::alert
