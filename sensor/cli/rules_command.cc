// spanwatch rules check | sign: validates a folder of rules and authorisations, and signs it for the owner.
#include <sodium.h>

#include <cstdio>

#include "base/file.h"
#include "base/key_file.h"
#include "base/output_file.h"
#include "base/time.h"
#include "cli/command.h"
#include "policy/policy.h"
#include "policy/rule_signature.h"
#include "state/state.h"

namespace spanwatch::cli {
namespace {

struct RulesOptions {
  std::string directory;
  std::string key;
  std::vector<std::string> trust;
  std::uint64_t serial = 0;  // 0: the time
};

Result<policy::PolicyFacts> FactsOf(const RulesOptions& options) {
  policy::PolicySource source;
  source.directory = options.directory;
  source.allow_unsigned_authorisations = true;
  for (const std::string& file : options.trust) {
    auto key = ReadKeyFile(file, KeyKind::kPublic);
    if (!key) return Fail(key.error());
    source.trusted_keys.push_back(std::move(*key));
  }
  const config::Limits limits;
  Counters counters;
  auto state = state::State::Open(":memory:", limits, counters);
  if (!state) return Fail(state.error());
  const auto policy = policy::Policy::Load(source, (*state)->correlations());
  if (!policy) return Fail(policy.error());
  return (*policy)->facts();
}

// Whoever names a key asks whether its owner signed all of it.
Status CheckSigned(const RulesOptions& options, const policy::PolicyFacts& facts) {
  if (options.trust.empty() || facts.all_signed) return {};
  if (facts.signer.empty()) {
    return Fail(ErrorCode::kUntrusted, "{}: no key that --trust names has signed it; 'spanwatch rules sign' does",
                options.directory);
  }
  return Fail(ErrorCode::kUntrusted, "{}: not signed, though the others are: {}", options.directory,
              fmt::join(facts.unsigned_files, ", "));
}

Result<int> Check(const RulesOptions& options) {
  const auto facts = FactsOf(options);
  if (!facts) return Fail(facts.error());
  const std::string signature = !facts->signer.empty()
                                    ? fmt::format("signed by {}, serial {}", facts->signer, facts->serial)
                                : facts->all_signed ? "the program's own"
                                                    : "signature not looked at (--trust)";
  if (Status status = CheckSigned(options, *facts); !status) return Fail(status.error());
  std::printf("%zu detections, %zu correlations, %zu filters, %zu authorisations: good; %s\n", facts->detections,
              facts->correlations, facts->filters, facts->authorisations, signature.c_str());
  return kExitDone;
}

// Higher than that of the signature in place, so that sensors which have that one take this one.
Result<std::uint64_t> SerialOf(const RulesOptions& options, const policy::RuleFolder& folder) {
  std::uint64_t before = 0;
  if (const auto manifest = policy::VerifyRuleManifest(folder.manifest, {})) before = manifest->serial;
  if (options.serial == 0) {
    return std::max<std::uint64_t>(before + 1, static_cast<std::uint64_t>(Nanoseconds(WallClockNow()) / 1'000'000'000));
  }
  if (options.serial > before) return options.serial;
  return Fail(ErrorCode::kUsage, "serial {} is not higher than {}, that of the signature in place; sensors refuse it",
              options.serial, before);
}

Result<int> Sign(const RulesOptions& options) {
  auto facts = FactsOf(options);
  if (!facts) return Fail(facts.error());
  const auto folder = policy::ReadRuleFolder(options.directory);
  if (!folder) return Fail(folder.error());
  const auto path = std::filesystem::path(options.directory) / policy::kSignatureFile;
  const std::vector<std::filesystem::path> inputs{options.key};
  if (Status status = MayWrite(path, {"signature of rules", policy::kSignatureBegins}, inputs); !status) {
    return Fail(status.error());
  }
  const auto serial = SerialOf(options, *folder);
  if (!serial) return Fail(serial.error());
  auto seed = ReadKeyFile(options.key, KeyKind::kSigning);
  if (!seed) return Fail(seed.error());
  const std::string manifest = policy::MakeRuleManifest(folder->files, *serial, *seed);
  sodium_memzero(seed->data(), seed->size());
  if (Status status = WriteFileAtomically(path, AsBytes(manifest), 0644); !status) return Fail(status.error());
  std::printf(
      "signed %zu files in %s, serial %llu: %zu detections, %zu correlations, %zu filters, %zu authorisations\n",
      folder->files.size(), path.c_str(), static_cast<unsigned long long>(*serial), facts->detections,
      facts->correlations, facts->filters, facts->authorisations);
  return kExitDone;
}

int Exit(const Result<int>& result) { return result ? *result : Report(result.error()); }

}  // namespace

void AddRulesCommand(CLI::App& app, int& exit_status) {
  CLI::App* rules = app.add_subcommand("rules", "Checks and signs rules and authorisations");
  rules->require_subcommand(1);
  auto options = std::make_shared<RulesOptions>();

  CLI::App* check = rules->add_subcommand("check", "Validates a folder, or the rules inside the program");
  check->add_option("directory", options->directory, "Folder of *.yml; left out: the embedded rules");
  check->add_option("--trust", options->trust, "Public key that must have signed all of it")
      ->type_name("FILE")
      ->allow_extra_args(false);
  check->footer("Example: spanwatch rules check --trust owner.pub /etc/spanwatch/rules");
  check->callback([options, &exit_status] { exit_status = Exit(Check(*options)); });

  CLI::App* sign = rules->add_subcommand("sign", "Signs a folder as it is now");
  sign->add_option("--key,--sign", options->key, "The owner's signing key")->type_name("FILE")->required();
  sign->add_option("--serial", options->serial, "Higher than any before; without it the time in seconds since 1970")
      ->check(CLI::PositiveNumber);
  sign->add_option("directory", options->directory, "Folder of *.yml")->required();
  sign->footer("Example: spanwatch rules sign --key owner.key /etc/spanwatch/rules");
  sign->callback([options, &exit_status] { exit_status = Exit(Sign(*options)); });
}

}  // namespace spanwatch::cli
