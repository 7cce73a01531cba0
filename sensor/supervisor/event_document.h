// The events of the sensor as ECS JSON documents (design.md section 6), and flattened for the policy. Pure functions;
// the schema in rules/event.schema.json describes what they make.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "model/event.h"
#include "model/sighting.h"
#include "model/verdict.h"

namespace spanwatch::supervisor {

// The event's id: a hash of sensor, flow, object, items and phase, so that a second replay gives the same
// (section 9.2).
std::string EventId(const std::string& sensor, const InspectorMessage& message);
PacketTime EventTime(const InspectorMessage& message);

// REQUIRES: a Sighting, a TransferSummary or an AnomalyReport. `created` is wall-clock time. Lists at most 32 items.
nlohmann::json EventDocument(const std::string& sensor, const InspectorMessage& message, PacketTime created);
// The verdict's part of a document: spanwatch.authorized, spanwatch.authorization, spanwatch.rules.
void AddVerdict(nlohmann::json& document, const Verdict& verdict);

// Marks a sighting's items that are in quarantine: spanwatch.quarantined, at most 32 of them.
void AddQuarantine(nlohmann::json& document, std::span<const SightedItem> items);

// The same event for the policy: nested names joined by full stops, arrays as several values, and all items of a
// sighting.
FlatEvent Flatten(const nlohmann::json& document, const InspectorMessage& message);

}  // namespace spanwatch::supervisor
