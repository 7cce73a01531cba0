#include "config/in_force.h"

#include <fmt/ranges.h>

#include <functional>

namespace spanwatch::config {

std::string ShowInside(const Config& config) {
  if (config.zones.any()) return "any";
  std::vector<std::string> networks;
  for (const Network& network : config.zones.inside())
    networks.push_back(fmt::format("{}/{}", ToString(network.address), network.prefix_bits));
  return fmt::format("{}", fmt::join(networks, ","));
}

std::string ShowWebhooks(const Config& config) {
  std::string text;
  for (const WebhookConfig& hook : config.webhooks) {
    text += fmt::format("[{} {} secret={}{} next={} ca={} link_local={} owner={}]", hook.name, hook.url,
                        hook.secret_file.string(), hook.secret_env, hook.next_secret_file.string(),
                        hook.ca_file.string(), hook.allow_link_local, hook.owner);
  }
  return text;
}

namespace {

// One key: how its value is shown, and, where a change needs a restart, how the running value is kept.
struct Field {
  std::string key;
  std::function<std::string(const Config&)> show;
  std::function<void(Config& wanted, const Config& running)> keep;  // empty: takes effect at once
};

std::string Text(const std::string& value) { return value; }
std::string Text(const std::filesystem::path& value) { return value.string(); }
std::string Text(bool value) { return value ? "true" : "false"; }
std::string Text(std::uint32_t value) { return std::to_string(value); }

template <typename Member>
Field AtOnce(const char* key, Member Config::* member) {
  return {key, [member](const Config& config) { return Text(config.*member); }, {}};
}

template <typename Member>
Field AtRestart(const char* key, Member Config::* member) {
  Field field = AtOnce(key, member);
  field.keep = [member](Config& wanted, const Config& running) { wanted.*member = running.*member; };
  return field;
}

std::string ShowHashSets(const Config& config) {
  std::string text;
  for (const HashSetConfig& set : config.hashsets) {
    text += fmt::format("[{} key={} signer={} ca={} link_local={}]", set.source(), set.record_key.string(),
                        set.signer.string(), set.ca_file.string(), set.allow_link_local);
  }
  return text;
}

std::string ShowTrust(const Config& config) {
  std::string text;
  for (const auto& key : config.trust) text += fmt::format("[{}]", key.string());
  return text;
}

std::vector<Field> Fields() {
  std::vector<Field> fields{
      {"hashsets", ShowHashSets, {}},
      {"trust", ShowTrust, {}},
      {"webhooks", ShowWebhooks, {}},
      AtRestart("capture.interface", &Config::interface),
      AtRestart("capture.inspectors", &Config::inspectors),
      AtOnce("events.file", &Config::events_file),
      AtRestart("metrics.listen", &Config::metrics_listen),
      AtOnce("rules.directory", &Config::rules_directory),
      AtOnce("rules.allow_unsigned_authorisations", &Config::allow_unsigned_authorisations),
      AtRestart("sensor.name", &Config::sensor_name),
      AtRestart("sensor.run_as", &Config::run_as),
      AtOnce("sensor.names", &Config::tag_names),
      AtRestart("state.directory", &Config::state_directory),
      {"zones.inside", ShowInside, {}},
  };
  for (const LimitDescription& limit : kLimits) {
    fields.push_back(
        {fmt::format("{}.{}", limit.section, limit.name),
         [limit](const Config& config) { return std::to_string(config.limits.*limit.field); },
         [limit](Config& wanted, const Config& running) { wanted.limits.*limit.field = running.limits.*limit.field; }});
  }
  return fields;
}

}  // namespace

Config InForce(const Config& running, Config wanted, std::vector<std::string>& needs_restart) {
  for (const Field& field : Fields()) {
    if (!field.keep || field.show(running) == field.show(wanted)) continue;
    needs_restart.push_back(field.key);
    field.keep(wanted, running);
  }
  return wanted;
}

std::string Describe(const Config& config) {
  std::string text;
  for (const Field& field : Fields()) text += fmt::format("{}={}\n", field.key, field.show(config));
  return text;
}

}  // namespace spanwatch::config
