#include "policy/policy.h"

#include <algorithm>

#include "policy/embedded_rules.h"
#include "policy/rule_engine.h"
#include "policy/rule_signature.h"

namespace spanwatch::policy {
namespace {

constexpr std::string_view kAuthorisationsFile = "authorisations.yml";

Result<RuleFolder> FolderOf(const PolicySource& source) {
  if (source.folder != nullptr) return *source.folder;
  if (!source.directory.empty()) return ReadRuleFolder(source.directory);
  RuleFolder folder;
  for (const auto& [name, text] : EmbeddedRules()) {
    const ByteView content = AsBytes(text);
    folder.files.emplace(name, Bytes(content.begin(), content.end()));
  }
  return folder;
}

Status Refuse(const PolicySource& source, std::string_view name, std::string_view what) {
  return Fail(ErrorCode::kUntrusted, "{}: '{}' {}; put back what was signed, or have the owner sign the folder again",
              source.directory.string(), name, what);
}

// Whether the folder still is what its owner signed, and what more there is in it.
Status CheckSignature(const PolicySource& source, const RuleFolder& folder, PolicyFacts& facts) {
  // Without a trusted key no signature can count, so a folder can be checked and signed anew whatever lies in it.
  if (folder.manifest.empty() || source.trusted_keys.empty()) return {};
  auto manifest = VerifyRuleManifest(folder.manifest, source.trusted_keys);
  if (!manifest) return Fail(manifest.error().In(source.directory.string()));
  if (!manifest->trusted) return {};
  facts.signer = manifest->signer;
  facts.serial = manifest->serial;
  for (const auto& [name, digest] : manifest->digests) {
    const auto file = folder.files.find(name);
    if (file == folder.files.end()) return Refuse(source, name, "was signed and is not there");
    if (ContentDigest(file->second) != digest) return Refuse(source, name, "was changed since it was signed");
  }
  for (const auto& [name, content] : folder.files) {
    if (!manifest->digests.contains(name)) facts.unsigned_files.push_back(name);
  }
  facts.all_signed = facts.unsigned_files.empty();
  return {};
}

std::string DigestOf(const RuleFolder& folder) {
  std::string lines;
  for (const auto& [name, content] : folder.files) lines += fmt::format("{}  {}\n", ContentDigest(content), name);
  return ContentDigest(AsBytes(lines));
}

}  // namespace

Result<std::unique_ptr<Policy>> Policy::Load(const PolicySource& source, CorrelationStore& store) {
  const auto folder = FolderOf(source);
  if (!folder) return Fail(folder.error());
  PolicyFacts facts;
  facts.digest = DigestOf(*folder);
  // The embedded rules came with the program: who trusts it, trusts them.
  facts.all_signed = source.directory.empty();
  if (!source.directory.empty()) {
    if (Status status = CheckSignature(source, *folder, facts); !status) return Fail(status.error());
  }
  std::vector<RuleDocument> documents;
  std::vector<Authorisation> authorisations;
  for (const auto& [name, content] : folder->files) {
    const bool listed = std::ranges::find(facts.unsigned_files, name) == facts.unsigned_files.end();
    const bool is_signed = facts.all_signed || (!facts.signer.empty() && listed);
    const std::string shown = source.directory.empty() ? "embedded:" + name : (source.directory / name).string();
    if (name == kAuthorisationsFile) {
      auto parsed = ParseAuthorisations(std::string(AsText(content)), shown);
      if (!parsed) return Fail(parsed.error());
      for (Authorisation& authorisation : *parsed) authorisation.authorisation_signed = is_signed;
      std::ranges::move(*parsed, std::back_inserter(authorisations));
      continue;
    }
    auto parsed = ParseRuleDocuments(std::string(AsText(content)), shown);
    if (!parsed) return Fail(parsed.error());
    for (RuleDocument& document : *parsed) document.document_signed = is_signed;
    std::ranges::move(*parsed, std::back_inserter(documents));
  }
  return RuleEngine::Make({.documents = std::move(documents),
                           .authorisations = std::move(authorisations),
                           .allow_unsigned_authorisations = source.allow_unsigned_authorisations,
                           .facts = std::move(facts)},
                          store);
}

}  // namespace spanwatch::policy
