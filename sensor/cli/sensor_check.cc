#include "cli/sensor_check.h"

#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/url/parse.hpp>
#include <cstdio>
#include <set>

#include "alert/alert_sink.h"
#include "base/file.h"
#include "base/key_source.h"
#include "base/printable.h"
#include "cli/sensor_options.h"
#include "policy/policy.h"
#include "process/link_watch.h"
#include "process/sandbox.h"
#include "state/state.h"
#include "supervisor/rule_history.h"

namespace spanwatch::cli {
namespace {

namespace fs = std::filesystem;

// Prints each problem as it is found, and counts them.
class ProblemList {
 public:
  void Add(const std::string& problem) {
    ++count_;
    Report({ErrorCode::kInvalid, problem});
  }
  void AddIfBad(const Status& status, std::string_view where) {
    if (!status) Add(fmt::format("{}: {}", where, status.error().message));
  }
  std::size_t count() const { return count_; }

 private:
  std::size_t count_ = 0;
};

void CheckInterface(const config::Config& config, ProblemList& findings) {
  const std::string& name = config.interface;
  if (name.empty()) return findings.Add("capture.interface: there is none; name one, or give -i");
  const auto link = process::LinkWatch::Open(name);
  if (!link) return findings.Add("capture.interface: " + link.error().message);
  if (link->state() == process::LinkState::kDown)
    findings.Add(fmt::format("capture.interface: {} is down; ip link set {} up", name, name));
}

void CheckZones(const config::Config& config, ProblemList& findings) {
  const auto& inside = config.zones.inside();
  if (config.zones.any()) return;
  if (inside.empty()) findings.Add("zones.inside: holds no network, so that nothing can leave it");
  const auto all = [](const Network& network) { return network.prefix_bits == 0; };
  if (std::ranges::any_of(inside, all)) {
    findings.Add("zones.inside: holds every address, so that nothing can leave it; 'any' counts every byte as leaving");
  }
}

// Files are made in it: it is there, or can be made by whoever starts the sensor.
void CheckFolder(const fs::path& folder, std::string_view key, ProblemList& findings) {
  std::error_code error;
  if (fs::is_directory(folder, error)) {
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
      findings.Add(fmt::format("{}: user {} may not write to {}", key, ::getuid(), folder.string()));
  } else {
    findings.Add(fmt::format("{}: there is no folder {}", key, folder.string()));
  }
}

void CheckEventFile(const config::Config& config, ProblemList& findings) {
  if (config.events_file.empty() || config.events_file == "-") return;
  const fs::path file = fs::absolute(config.events_file);
  std::error_code error;
  if (fs::is_directory(file, error)) return findings.Add(fmt::format("events.file: {} is a folder", file.string()));
  if (!fs::exists(file, error)) return CheckFolder(file.parent_path(), "events.file", findings);
  if (::access(file.c_str(), W_OK) != 0) findings.Add(fmt::format("events.file: may not write to {}", file.string()));
}

void CheckListen(const config::Config& config, ProblemList& findings) {
  const auto where = config::ParseListenAddress(config.metrics_listen);
  if (config.metrics_listen.empty() || !where) return;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(where->address, error);
  if (error) return findings.Add(fmt::format("metrics.listen: '{}' is not an IP address", where->address));
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor(io);
  const boost::asio::ip::tcp::endpoint endpoint(address, where->port);
  (void)acceptor.open(endpoint.protocol(), error);
  if (!error) (void)acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
  if (!error) (void)acceptor.bind(endpoint, error);
  // A port in use is as likely as not that of the sensor that runs.
  if (error && error != boost::asio::error::address_in_use)
    findings.Add(fmt::format("metrics.listen: cannot listen on {}: {}", config.metrics_listen, error.message()));
}

void CheckReceivers(const config::Config& config, ProblemList& findings) {
  for (const config::WebhookConfig& webhook : config.webhooks) {
    const std::string where = "webhook " + webhook.name;
    const Status status = alert::CheckWebhook(config.limits, webhook);
    findings.AddIfBad(status, where);
    const auto url = boost::urls::parse_uri(webhook.url);
    boost::system::error_code error;
    const auto address =
        url ? boost::asio::ip::make_address(std::string(url->host_address()), error) : boost::asio::ip::address();
    const bool local = url && (url->host() == "localhost" || (!error && address.is_loopback()));
    if (webhook.url.starts_with("http://") && !local) {
      findings.Add(fmt::format(
          "{}: http:// shows alerts to everybody on the way; use https://, or a host of this machine", where));
    } else if (status) {
      std::printf("webhook %s: good; nothing was sent\n", Printable(webhook.name).c_str());
    }
  }
}

// Each file by itself, so that every one that cannot be read is named.
void CheckFiles(const config::Config& config, ProblemList& findings) {
  if (config.hashsets.empty()) findings.Add("hashsets: there is no hash set to look for");
  const auto by_file = [](const config::HashSetConfig& set) { return set.url.empty(); };
  if (config.trust.empty() && std::ranges::any_of(config.hashsets, by_file))
    findings.Add("trust: nobody is trusted; list the public key of the hash sets' owner");
  for (const auto& key : config.trust) {
    if (const auto read = ReadKeyFile(key, KeyKind::kPublic); !read) findings.Add("trust: " + read.error().message);
  }
  std::set<std::string> sources;
  for (const config::HashSetConfig& set : config.hashsets) {
    if (!sources.insert(set.source()).second) findings.Add(fmt::format("hashsets: {} is listed twice", set.source()));
    const auto file = by_file(set) ? OpenForReading(set.file) : Result<UniqueFd>(UniqueFd());
    if (!file) findings.Add("hashsets: " + file.error().message);
    const auto signer = by_file(set) ? Result<Bytes>(Bytes()) : ReadKeyFile(set.signer, KeyKind::kPublic);
    if (!signer) findings.Add("hashsets: " + signer.error().message);
    const auto authority = set.ca_file.empty() ? Result<UniqueFd>(UniqueFd()) : OpenForReading(set.ca_file);
    if (!authority) findings.Add("hashsets: " + authority.error().message);
    auto key = set.record_key.empty() ? Result<Bytes>(Bytes()) : ReadKey(set.record_key.string(), KeyKind::kRecord);
    if (!key) findings.Add("hashsets: " + key.error().message);
    if (key) ::explicit_bzero(key->data(), key->size());
  }
}

// REQUIRES: every file of them can be read.
void CheckSets(const config::Config& config, ProblemList& findings) {
  const auto sets = OpenHashSets(config);
  if (!sets) return findings.Add("hashsets: " + sets.error().message);
  for (std::size_t i = 0; i < sets->facts.size(); ++i) {
    const auto& facts = sets->facts[i];
    fmt::print("{}: good; serial {}, made {}, {} images, {} records, {} files\n", Printable(sets->inputs[i].name),
               facts.serial, FormatRfc3339(PacketTimeFromNanoseconds(facts.created)), facts.images, facts.records,
               facts.files);
  }
}

void CheckRules(const config::Config& config, ProblemList& findings) {
  policy::PolicySource source;
  source.directory = config.rules_directory;
  for (const auto& key : config.trust) {
    if (auto read = ReadKeyFile(key, KeyKind::kPublic)) source.trusted_keys.push_back(std::move(*read));
  }
  source.allow_unsigned_authorisations = config.allow_unsigned_authorisations;
  Counters counters;
  auto state = state::State::Open(":memory:", config.limits, counters);
  if (!state) return findings.Add("rules: " + state.error().message);
  const auto policy = policy::Policy::Load(source, (*state)->correlations());
  if (!policy) return findings.Add("rules: " + policy.error().message);
  const auto facts = (*policy)->facts();
  const auto history = supervisor::RuleHistory::Open(config.state_directory);
  const Status admitted = history ? history->Admit(facts, config.rules_directory.string()) : Fail(history.error());
  if (!admitted) return findings.AddIfBad(admitted, "rules");
  fmt::print("rules{}: good; {} detections, {} correlations, {} filters, {} authorisations; {}\n",
             config.rules_directory.empty() ? " (embedded)" : "", facts.detections, facts.correlations, facts.filters,
             facts.authorisations, facts.all_signed ? "signed" : "not signed by a trusted key");
}

int CheckAll(const std::string& file, const std::string& interface) {
  ProblemList findings;
  const auto text = config::ReadConfigFile(file);
  if (!text) return Report(text.error());
  std::vector<Error> problems;
  config::Config config = config::ParseWithProblems(*text, file, problems);
  if (!interface.empty()) config.interface = interface;
  for (const Error& problem : problems) findings.Add(problem.message);
  if (problems.empty()) {
    CheckInterface(config, findings);
    CheckZones(config, findings);
    if (!config.state_directory.empty()) CheckFolder(config.state_directory, "state.directory", findings);
    CheckEventFile(config, findings);
    CheckListen(config, findings);
    const std::size_t before = findings.count();
    CheckFiles(config, findings);
    if (findings.count() == before) CheckSets(config, findings);
    CheckRules(config, findings);
    CheckReceivers(config, findings);
  }
  if (findings.count() == 0) fmt::print("{}: good\n", Printable(file));
  std::fflush(stdout);
  // Wrong words in the file are wrong usage, as everywhere; what it names is not.
  return findings.count() == 0 ? kExitDone : problems.empty() ? kExitFailed : kExitUsage;
}

}  // namespace

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

int CheckConfiguration(const std::string& file, const std::string& interface) {
  const auto config = config::LoadConfig(file);
  if (!config || ::geteuid() != 0 || config->run_as.empty()) return CheckAll(file, interface);
  // What root may read, the user whom the sensor becomes need not be able to.
  if (::getpwnam(config->run_as.c_str()) == nullptr) {
    return Report({ErrorCode::kNotFound,
                   fmt::format("sensor.run_as: there is no user '{}'; create it or name another", config->run_as)});
  }
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) return Report(FailErrno("cannot check as another user").error());
  if (child == 0) {
    const Status status = process::DropPrivileges(config->run_as);
    ::_exit(status ? CheckAll(file, interface) : Report(status.error()));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailed;
}

}  // namespace spanwatch::cli
