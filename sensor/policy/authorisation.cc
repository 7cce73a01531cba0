#include "policy/authorisation.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>

#include "policy/document_place.h"
#include "policy/value_pattern.h"

namespace spanwatch::policy {
namespace {

constexpr const char* kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::vector<std::string> TextsOf(const FlatEvent& event, const std::string& field) {
  std::vector<std::string> texts;
  if (const auto* values = event.Find(field)) {
    for (const EventValue& value : *values) texts.push_back(TextOf(value));
  }
  return texts;
}

bool AddressIn(const std::vector<Network>& networks, const FlatEvent& event, const std::string& field) {
  return std::ranges::any_of(TextsOf(event, field), [&](const std::string& text) {
    const auto address = ParseIpAddress(text);
    return address && std::ranges::any_of(networks, [&](const Network& network) { return network.Contains(*address); });
  });
}

Result<std::vector<std::string>> Texts(const DocumentPlace& place) {
  std::vector<std::string> texts;
  if (!place.node.IsSequence()) return place.Refuse("expected a list like [a, b]");
  for (const auto& entry : place.node) {
    if (!entry.IsScalar()) return place.Refuse("expected a list of words");
    texts.push_back(entry.Scalar());
  }
  if (texts.empty()) return place.Refuse("the list is empty");
  return texts;
}

Result<std::vector<Network>> Networks(const DocumentPlace& place) {
  const auto texts = Texts(place);
  if (!texts) return Fail(texts.error());
  std::vector<Network> networks;
  for (const std::string& text : *texts) {
    const auto network = ParseNetwork(text);
    if (!network)
      return place.Refuse(network.error().message + " (a name alone never authorises: the sender chooses it)");
    networks.push_back(*network);
  }
  return networks;
}

Result<std::chrono::minutes> TimeOfDay(const DocumentPlace& place) {
  const std::string& text = place.node.Scalar();
  unsigned hours = 99, minutes = 99;
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() == 5 && text[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4)) {
    std::from_chars(text.data(), text.data() + 2, hours);
    std::from_chars(text.data() + 3, text.data() + 5, minutes);
  }
  if (hours > 24 || minutes > 59 || hours * 60 + minutes > 24 * 60)
    return place.Refuse("a time of day is written like \"01:30\"");
  return std::chrono::minutes(hours * 60 + minutes);
}

Status ParseSchedule(Schedule& schedule, const DocumentPlace& place) {
  if (!place.node.IsMap()) return place.Refuse("a schedule has days, from and until");
  for (const auto& pair : place.node) {
    const std::string key = pair.first.Scalar();
    const DocumentPlace at{place.file, pair.second};
    if (key == "days") {
      const auto days = Texts(at);
      if (!days) return Fail(days.error());
      schedule.days = 0;
      for (const std::string& day : *days) {
        const auto known = std::ranges::find(kDays, day);
        if (known == std::end(kDays))
          return at.Refuse(fmt::format("'{}' is not one of mon, tue, wed, thu, fri, sat, sun", day));
        schedule.days = static_cast<std::uint8_t>(schedule.days | 1u << (known - std::begin(kDays)));
      }
    } else if (key == "from" || key == "until") {
      const auto time = TimeOfDay(at);
      if (!time) return Fail(time.error());
      (key == "from" ? schedule.from : schedule.until) = *time;
    } else {
      return at.Refuse(fmt::format("unknown key 'schedule.{}'", key));
    }
  }
  if (schedule.from == schedule.until)
    return place.Refuse("the schedule begins and ends at one time, so it never holds");
  return {};
}

Status ParseKey(Authorisation& authorisation, const std::string& key, const DocumentPlace& place) {
  const auto store = [](auto& target, auto result) -> Status {
    if (!result) return Fail(result.error());
    target = std::move(*result);
    return {};
  };
  const auto time = [&]() -> Result<PacketTime> {
    const auto parsed = ParseRfc3339(place.node.Scalar());
    if (!parsed) return place.Refuse(parsed.error().message);
    return parsed;
  };
  if (key == "name") return authorisation.name = place.node.Scalar(), Status{};
  if (key == "reference") return authorisation.reference = place.node.Scalar(), Status{};
  if (key == "collections") return store(authorisation.collections, Texts(place));
  if (key == "sources") return store(authorisation.sources, Networks(place));
  if (key == "destinations") return store(authorisation.destinations, Networks(place));
  if (key == "protocols") return store(authorisation.protocols, Texts(place));
  if (key == "schedule") return ParseSchedule(authorisation.schedule, place);
  if (key == "not_before") return store(authorisation.not_before, time());
  if (key == "expires") return store(authorisation.expires, time());
  return place.Refuse(fmt::format("unknown key '{}' of an authorisation", key));
}

Result<Authorisation> ParseOne(const DocumentPlace& place) {
  if (!place.node.IsMap()) return place.Refuse("an authorisation is a mapping");
  Authorisation authorisation;
  for (const auto& pair : place.node) {
    Status status = ParseKey(authorisation, pair.first.Scalar(), {place.file, pair.second});
    if (!status) return Fail(status.error());
  }
  for (const char* required : {"name", "reference", "collections", "sources", "destinations", "expires"}) {
    if (!place.node[required]) return place.Refuse(fmt::format("the authorisation has no '{}'", required));
  }
  return authorisation;
}

}  // namespace

bool Schedule::Covers(PacketTime time) const {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const auto minute = std::chrono::floor<std::chrono::minutes>(time - day);
  const auto on = [&](std::chrono::sys_days of) {
    const unsigned weekday = (std::chrono::weekday(of).iso_encoding() + 6) % 7;
    return (days >> weekday & 1) != 0;
  };
  if (from <= until) return on(day) && minute >= from && minute < until;
  return (on(day) && minute >= from) || (on(day - std::chrono::days(1)) && minute < until);
}

std::optional<std::string> Authorisation::Disagrees(const FlatEvent& event) const {
  const auto any_of = [&](const std::vector<std::string>& wanted, const std::string& field) {
    return std::ranges::any_of(TextsOf(event, field), [&](const std::string& text) {
      return std::ranges::find(wanted, text) != wanted.end();
    });
  };
  const bool any_collection = std::ranges::find(collections, "any") != collections.end();
  // A transfer names no collection: what is permitted to send one may send the bytes around it.
  const bool names_one = event.Find("spanwatch.collection") != nullptr;
  if (names_one && !any_collection && !any_of(collections, "spanwatch.collection")) return "collection";
  if (!AddressIn(destinations, event, "destination.ip")) return "destination";
  if (!AddressIn(sources, event, "source.ip")) return "source";
  if (!protocols.empty() && !any_of(protocols, "network.protocol")) return "protocol";
  if (event.time < not_before) return "not-yet-valid";
  if (event.time >= expires) return "expired";
  if (!schedule.Covers(event.time)) return "schedule";
  return std::nullopt;
}

Result<std::vector<Authorisation>> ParseAuthorisations(const std::string& yaml, const std::string& file) {
  try {
    const YAML::Node document = YAML::Load(yaml);
    const YAML::Node list = document.IsMap() ? document["authorisations"] : YAML::Node();
    if (!list || (!list.IsSequence() && !list.IsNull())) {
      return DocumentPlace{file, document}.Refuse("expected 'authorisations:' and a list");
    }
    std::vector<Authorisation> authorisations;
    for (const auto& node : list) {
      auto authorisation = ParseOne({file, node});
      if (!authorisation) return Fail(authorisation.error());
      authorisations.push_back(std::move(*authorisation));
    }
    return authorisations;
  } catch (const YAML::Exception& error) {
    return Fail(ErrorCode::kInvalid, "{}:{}: not YAML: {}", file, error.mark.line + 1, error.msg);
  }
}

}  // namespace spanwatch::policy
