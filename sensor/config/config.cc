#include "config/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "base/file.h"
#include "base/nearest.h"

namespace spanwatch::config {
namespace {

constexpr std::size_t kConfigBytesMax = 1u << 20;

// Where in the file a problem is, as `name:line: section.key`.
struct Place {
  const std::string& name;
  YAML::Node node;
  std::string key;

  template <typename... Args>
  std::unexpected<Error> Refuse(fmt::format_string<Args...> format, Args&&... args) const {
    return Fail(ErrorCode::kUsage, "{}:{}: {}: {}", name, node.Mark().line + 1, key,
                fmt::format(format, std::forward<Args>(args)...));
  }
};

// Reads `64`, `64 KiB`, `64 MiB`, `64 GiB`.
Result<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return Fail(ErrorCode::kUsage, "'{}' is not a number", text);
  std::string_view unit(end, text.data() + text.size());
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  unsigned shift = 0;
  if (unit == "KiB") shift = 10;
  if (unit == "MiB") shift = 20;
  if (unit == "GiB") shift = 30;
  if ((!unit.empty() && shift == 0) || number > (UINT64_MAX >> shift)) {
    return Fail(ErrorCode::kUsage, "'{}' is not a number or a size like 64 MiB", text);
  }
  return number << shift;
}

template <typename Map>
std::string UnknownKey(const Map& known, const std::string& key) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : known) names.push_back(name);
  return "unknown key" + DidYouMean(key, names);
}

// yaml-cpp takes a key that comes twice, and which of the two counts is not obvious: neither does.
bool IsRepeated(const YAML::Node& mapping, const std::string& key) {
  return std::ranges::count_if(
             mapping, [&](const auto& pair) { return pair.first.IsScalar() && pair.first.Scalar() == key; }) > 1;
}

struct Setting {
  std::string help;
  std::string initial;
  std::function<Status(Config&, const Place&)> apply;
};
using Section = std::map<std::string, Setting>;

Result<std::string> TextOf(const Place& place) {
  if (!place.node.IsScalar()) return place.Refuse("expected one value");
  return place.node.Scalar();
}

template <typename Member>
Setting TextSetting(Member Config::* member, std::string help, std::string initial = "") {
  return {std::move(help), std::move(initial), [member](Config& config, const Place& place) -> Status {
            auto text = TextOf(place);
            if (!text) return Fail(text.error());
            config.*member = *text;
            return {};
          }};
}

Setting BoolSetting(bool Config::* member, std::string help) {
  return {std::move(help), "false", [member](Config& config, const Place& place) -> Status {
            auto text = TextOf(place);
            if (!text) return Fail(text.error());
            if (*text != "true" && *text != "false") return place.Refuse("'{}' is neither true nor false", *text);
            config.*member = *text == "true";
            return {};
          }};
}

Setting LimitSetting(const LimitDescription& limit) {
  return {std::string(limit.help), std::to_string(limit.initial),
          [limit](Config& config, const Place& place) -> Status {
            auto text = TextOf(place);
            if (!text) return Fail(text.error());
            const auto number = ParseNumber(*text);
            if (!number) return place.Refuse("{}", number.error().message);
            if (*number < limit.minimum || *number > limit.maximum) {
              return place.Refuse("{} is not between {} and {}", *number, limit.minimum, limit.maximum);
            }
            config.limits.*limit.field = *number;
            return {};
          }};
}

Status ApplyInside(Config& config, const Place& place) {
  if (place.node.IsScalar() && place.node.Scalar() == "any") {
    config.zones = Zones::Any();
    return {};
  }
  if (!place.node.IsSequence()) return place.Refuse("expected 'any' or a list of networks");
  std::vector<Network> networks;
  for (const auto& entry : place.node) {
    const auto network = ParseNetwork(entry.IsScalar() ? entry.Scalar() : "");
    if (!network) return place.Refuse("{}", network.error().message);
    networks.push_back(*network);
  }
  config.zones = Zones::Inside(std::move(networks));
  return {};
}

// Each entry of a list of mappings; `take` reads one key and says whether it knows it.
template <typename Entry>
Status ApplyEntries(const Place& place, std::vector<Entry>& entries,
                    const std::map<std::string, std::function<Status(Entry&, const Place&)>>& keys) {
  if (!place.node.IsSequence()) return place.Refuse("expected a list");
  entries.clear();
  for (const auto& node : place.node) {
    if (!node.IsMap()) return Place{place.name, node, place.key}.Refuse("expected an entry of 'key: value' lines");
    Entry& entry = entries.emplace_back();
    for (const auto& pair : node) {
      const std::string key = pair.first.Scalar();
      const Place at{place.name, pair.second, place.key + "." + key};
      if (IsRepeated(node, key)) return at.Refuse("the key comes more than once");
      const auto known = keys.find(key);
      if (known == keys.end()) return at.Refuse("{}", UnknownKey(keys, key));
      if (Status status = known->second(entry, at); !status) return status;
    }
  }
  return {};
}

template <typename Entry, typename Member>
std::function<Status(Entry&, const Place&)> EntryText(Member Entry::* member) {
  return [member](Entry& entry, const Place& place) -> Status {
    auto text = TextOf(place);
    if (!text) return Fail(text.error());
    entry.*member = *text;
    return {};
  };
}

template <typename Entry>
std::function<Status(Entry&, const Place&)> EntryFlag(bool Entry::* member) {
  return [member](Entry& entry, const Place& place) -> Status {
    auto text = TextOf(place);
    if (!text) return Fail(text.error());
    if (*text != "true" && *text != "false") return place.Refuse("'{}' is neither true nor false", *text);
    entry.*member = *text == "true";
    return {};
  };
}

Status ApplyHashSets(Config& config, const Place& place) {
  Status status = ApplyEntries<HashSetConfig>(place, config.hashsets,
                                              {{"file", EntryText(&HashSetConfig::file)},
                                               {"url", EntryText(&HashSetConfig::url)},
                                               {"record_key", EntryText(&HashSetConfig::record_key)},
                                               {"signer", EntryText(&HashSetConfig::signer)},
                                               {"ca_file", EntryText(&HashSetConfig::ca_file)},
                                               {"allow_link_local", EntryFlag(&HashSetConfig::allow_link_local)}});
  if (!status) return status;
  if (config.hashsets.size() > kHashSetsMax)
    return place.Refuse("at most {} hash sets and deltas at once", kHashSetsMax);
  for (const auto& hashset : config.hashsets) {
    if (hashset.file.empty() == hashset.url.empty()) return place.Refuse("an entry needs a 'file' or a 'url'");
    if (hashset.url.empty()) continue;
    if (!hashset.url.starts_with("https://")) return place.Refuse("a 'url' begins with https://");
    if (hashset.signer.empty())
      return place.Refuse("a 'url' needs a 'signer': the public key that signs what is there");
  }
  return {};
}

Status ApplyTrust(Config& config, const Place& place) {
  if (!place.node.IsSequence()) return place.Refuse("expected a list of public key files");
  config.trust.clear();
  for (const auto& entry : place.node) config.trust.emplace_back(entry.IsScalar() ? entry.Scalar() : "");
  return {};
}

Status ApplyWebhooks(Config& config, const Place& place) {
  Status status = ApplyEntries<WebhookConfig>(place, config.webhooks,
                                              {{"name", EntryText(&WebhookConfig::name)},
                                               {"url", EntryText(&WebhookConfig::url)},
                                               {"secret_file", EntryText(&WebhookConfig::secret_file)},
                                               {"secret_env", EntryText(&WebhookConfig::secret_env)},
                                               {"next_secret_file", EntryText(&WebhookConfig::next_secret_file)},
                                               {"ca_file", EntryText(&WebhookConfig::ca_file)},
                                               {"allow_link_local", EntryFlag(&WebhookConfig::allow_link_local)},
                                               {"owner", EntryFlag(&WebhookConfig::owner)}});
  if (!status) return status;
  for (const auto& webhook : config.webhooks) {
    if (webhook.name.empty() || webhook.url.empty()) return place.Refuse("an entry needs a 'name' and a 'url'");
    // The name is that of the queue of what waits for it.
    if (std::ranges::count(config.webhooks, webhook.name, &WebhookConfig::name) > 1)
      return place.Refuse("two entries have the name '{}'", webhook.name);
  }
  return {};
}

Status ApplyInspectors(Config& config, const Place& place) {
  auto text = TextOf(place);
  if (!text) return Fail(text.error());
  const auto number = ParseNumber(*text);
  if (!number || *number < 1 || *number > 64) return place.Refuse("'{}' is not between 1 and 64", *text);
  config.inspectors = static_cast<std::uint32_t>(*number);
  return {};
}

Status ApplyNames(Config& config, const Place& place) {
  auto text = TextOf(place);
  if (!text) return Fail(text.error());
  if (*text != "masked" && *text != "tagged") return place.Refuse("'{}' is neither masked nor tagged", *text);
  config.tag_names = *text == "tagged";
  return {};
}

Status ApplyListen(Config& config, const Place& place) {
  auto text = TextOf(place);
  if (!text) return Fail(text.error());
  if (!text->empty()) {
    if (const auto listen = ParseListenAddress(*text); !listen) return place.Refuse("{}", listen.error().message);
  }
  config.metrics_listen = *text;
  return {};
}

// The one list of every key. A section's name is the key at the top of the file; "" holds keys that have no section.
std::map<std::string, Section> Description() {
  std::map<std::string, Section> sections;
  sections["sensor"] = {
      {"name", TextSetting(&Config::sensor_name, "Name of this sensor in every event (observer.name).", "spanwatch")},
      {"run_as", TextSetting(&Config::run_as, "User that inspectors and supervisor become when started as root.")},
      {"names",
       {"What senders word (names, hosts, user agents, banners) in events: 'masked' (what looks like a plate) or "
        "'tagged' (all but a keyed tag and the extension).",
        "masked", ApplyNames}}};
  sections["capture"] = {
      {"interface", TextSetting(&Config::interface, "Network interface that the mirror port feeds.")},
      {"inspectors", {"Inspector processes that share the traffic by address pair.", "1", ApplyInspectors}}};
  sections["zones"] = {
      {"inside",
       {"Networks whose outgoing bytes are egress, or 'any'.", "RFC 1918, fc00::/7, 100.64.0.0/10", ApplyInside}}};
  sections[""] = {
      {"hashsets",
       {"Hash sets to load, at most 8, deltas beside their base: a list of 'file', or of 'url' (https) and "
        "'signer' (its public key), 'ca_file', 'allow_link_local'; and, to search records, 'record_key' (a "
        "file, credential:NAME or keyring:NAME).",
        "", ApplyHashSets}},
      {"trust", {"Public keys of the owners whose hash sets and rules are believed.", "", ApplyTrust}},
      {"webhooks",
       {"Receivers of alerts: 'name', 'url', 'secret_file' or 'secret_env', 'next_secret_file', "
        "'ca_file', 'allow_link_local'; 'owner' (true: the data owner's, which hears all that signed rules say and "
        "nothing else).",
        "", ApplyWebhooks}}};
  sections["rules"] = {
      {"directory", TextSetting(&Config::rules_directory, "Rules and authorisations in place of the embedded ones.")},
      {"allow_unsigned_authorisations", BoolSetting(&Config::allow_unsigned_authorisations,
                                                    "Let an unsigned authorisation count; marks what it touches.")}};
  sections["events"] = {{"file", TextSetting(&Config::events_file, "JSON lines of every event; '-' is standard output.",
                                             "/var/log/spanwatch/events.jsonl")}};
  sections["state"] = {{"directory", TextSetting(&Config::state_directory, "Where alerts, outbox and history are kept.",
                                                 "/var/lib/spanwatch")}};
  sections["metrics"] = {{"listen", {"Address and port of /metrics; empty: none.", "127.0.0.1:9464", ApplyListen}}};
  for (const auto& limit : kLimits) sections[std::string(limit.section)][std::string(limit.name)] = LimitSetting(limit);
  return sections;
}

class Problems {
 public:
  explicit Problems(std::vector<Error>& list) : list_(list) {}
  void Add(const std::unexpected<Error>& problem) {
    // A key that comes twice is told once.
    const bool told =
        std::ranges::any_of(list_, [&](const Error& one) { return one.message == problem.error().message; });
    if (!told) list_.push_back(problem.error());
  }
  void AddIfBad(const Status& status) {
    if (!status) Add(std::unexpected(status.error()));
  }

 private:
  std::vector<Error>& list_;
};

void ApplySection(Config& config, const Place& at, const Section& section, Problems& problems) {
  if (!at.node.IsMap()) return problems.Add(at.Refuse("expected 'key: value' lines below it"));
  for (const auto& pair : at.node) {
    const std::string key = pair.first.Scalar();
    const Place place{at.name, pair.second, at.key + "." + key};
    const auto known = section.find(key);
    if (known == section.end()) {
      problems.Add(place.Refuse("{}", UnknownKey(section, key)));
    } else if (IsRepeated(at.node, key)) {
      problems.Add(Place{at.name, at.node, place.key}.Refuse("the key comes more than once"));
    } else {
      problems.AddIfBad(known->second.apply(config, place));
    }
  }
}

void ApplyDocument(Config& config, const YAML::Node& document, const std::string& file, Problems& problems) {
  if (document.IsNull()) return;
  const auto sections = Description();
  if (!document.IsMap()) return problems.Add(Fail(ErrorCode::kUsage, "{}: expected 'section:' lines", file));
  for (const auto& pair : document) {
    const std::string key = pair.first.Scalar();
    const Place place{file, pair.second, key};
    const auto alone = sections.at("").find(key);
    const auto section = sections.find(key);
    const bool known = alone != sections.at("").end() || (section != sections.end() && !key.empty());
    if (!known) {
      problems.Add(place.Refuse("{}", UnknownKey(sections, key)));
    } else if (IsRepeated(document, key)) {
      problems.Add(Place{file, document, key}.Refuse("the key comes more than once"));
    } else if (alone != sections.at("").end()) {
      problems.AddIfBad(alone->second.apply(config, place));
    } else {
      ApplySection(config, place, section->second, problems);
    }
  }
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  std::string_view address = text.substr(0, colon);
  const std::string_view port = text.substr(std::min(colon + 1, text.size()));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  ListenAddress listen{.address = std::string(address)};
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), listen.port);
  if (address.empty() || error != std::errc() || rest != port.data() + port.size())
    return Fail(ErrorCode::kUsage, "'{}' is not an address and port like 127.0.0.1:9464", text);
  return listen;
}

Config ParseWithProblems(const std::string& yaml, const std::string& name, std::vector<Error>& problems) {
  Config config;
  try {
    Problems found(problems);
    ApplyDocument(config, YAML::Load(yaml), name, found);
  } catch (const YAML::Exception& error) {
    problems.push_back({ErrorCode::kUsage, fmt::format("{}:{}: not YAML: {}", name, error.mark.line + 1, error.msg)});
  }
  return config;
}

Result<Config> ParseConfig(const std::string& yaml, const std::string& name) {
  std::vector<Error> problems;
  Config config = ParseWithProblems(yaml, name, problems);
  if (!problems.empty()) return Fail(problems.front());
  return config;
}

Result<std::string> ReadConfigFile(const std::filesystem::path& file) {
  const auto content = ReadFile(file, kConfigBytesMax);
  if (!content) return Fail(content.error());
  return std::string(AsText(*content));
}

Result<Config> LoadConfig(const std::filesystem::path& file) {
  const auto text = ReadConfigFile(file);
  if (!text) return Fail(text.error());
  return ParseConfig(*text, file.string());
}

std::string ConfigReference() {
  std::string page = "# Configuration\n\nOne YAML file. Unknown keys are refused. Sizes may be written `64 MiB`.\n";
  for (const auto& [name, section] : Description()) {
    page += name.empty() ? "\n## Lists\n\n" : fmt::format("\n## {}\n\n", name);
    page += "| key | default | meaning |\n|---|---|---|\n";
    for (const auto& [key, setting] : section) {
      page += fmt::format("| `{}` | {} | {} |\n", key, setting.initial.empty() ? "" : "`" + setting.initial + "`",
                          setting.help);
    }
  }
  return page;
}

}  // namespace spanwatch::config
