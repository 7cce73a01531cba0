// spanwatch rules check | sign: validates a folder of rules and authorisations, and signs it for the owner.
#include <sodium.h>

#include <cstdio>

#include "base/file.h"
#include "base/key_file.h"
#include "base/output_file.h"
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
};

Result<int> Check(const RulesOptions& options) {
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
  const auto facts = (*policy)->facts();
  std::printf("%zu detections, %zu correlations, %zu filters, %zu authorisations: good; %s\n", facts.detections,
              facts.correlations, facts.filters, facts.authorisations,
              facts.all_signed ? "signed" : "no signature of a trusted key (--trust)");
  return kExitDone;
}

Result<int> Sign(const RulesOptions& options) {
  auto checked = Check(options);
  if (!checked) return checked;
  const auto files = policy::ReadRuleFiles(options.directory);
  if (!files) return Fail(files.error());
  auto seed = ReadKeyFile(options.key, KeyKind::kSigning);
  if (!seed) return Fail(seed.error());
  const std::string manifest = policy::MakeRuleManifest(*files, *seed);
  sodium_memzero(seed->data(), seed->size());
  const auto path = std::filesystem::path(options.directory) / policy::kSignatureFile;
  const std::vector<std::filesystem::path> inputs{options.key};
  if (Status status = MayWrite(path, {"signature of rules", policy::kSignatureBegins}, inputs); !status) {
    return Fail(status.error());
  }
  if (Status status = WriteFileAtomically(path, AsBytes(manifest), 0644); !status) return Fail(status.error());
  std::printf("signed %zu files in %s\n", files->size(), path.c_str());
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
  check->add_option("--trust", options->trust, "Public key whose signature counts")
      ->type_name("FILE")
      ->allow_extra_args(false);
  check->footer("Example: spanwatch rules check --trust owner.pub /etc/spanwatch/rules");
  check->callback([options, &exit_status] { exit_status = Exit(Check(*options)); });

  CLI::App* sign = rules->add_subcommand("sign", "Signs a folder as it is now");
  sign->add_option("--key,--sign", options->key, "The owner's signing key")->type_name("FILE")->required();
  sign->add_option("directory", options->directory, "Folder of *.yml")->required();
  sign->footer("Example: spanwatch rules sign --key owner.key /etc/spanwatch/rules");
  sign->callback([options, &exit_status] { exit_status = Exit(Sign(*options)); });
}

}  // namespace spanwatch::cli
