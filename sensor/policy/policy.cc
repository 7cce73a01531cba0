#include "policy/policy.h"

#include <algorithm>
#include <map>

#include "base/file.h"
#include "policy/embedded_rules.h"
#include "policy/rule_engine.h"
#include "policy/rule_signature.h"

namespace spanwatch::policy {
namespace {

constexpr std::size_t kManifestBytesMax = 1u << 20;
constexpr std::string_view kAuthorisationsFile = "authorisations.yml";

Result<std::map<std::string, Bytes>> FilesOf(const PolicySource& source) {
  if (!source.directory.empty()) return ReadRuleFiles(source.directory);
  std::map<std::string, Bytes> files;
  for (const auto& [name, text] : EmbeddedRules()) {
    const ByteView content = AsBytes(text);
    files.emplace(name, Bytes(content.begin(), content.end()));
  }
  return files;
}

// Digests by name of the files that a trusted key signed. The embedded rules came with the program: who trusts it,
// trusts them.
Result<std::map<std::string, std::string>> SignedDigests(const PolicySource& source,
                                                         const std::map<std::string, Bytes>& files) {
  std::map<std::string, std::string> digests;
  if (source.directory.empty()) {
    for (const auto& [name, content] : files) digests.emplace(name, ContentDigest(content));
    return digests;
  }
  const auto path = source.directory / kSignatureFile;
  // Without a trusted key no signature can count, so a folder can be checked and signed anew whatever lies in it.
  if (source.trusted_keys.empty() || !std::filesystem::exists(path)) return digests;
  const auto manifest = ReadFile(path, kManifestBytesMax);
  if (!manifest) return Fail(manifest.error());
  auto verified = VerifyRuleManifest(AsText(*manifest), source.trusted_keys);
  if (!verified) return Fail(verified.error().In(source.directory.string()));
  for (const auto& [name, digest] : *verified) {
    if (files.contains(name)) continue;
    return Fail(ErrorCode::kInvalid,
                "{}: {} lists '{}', which is not there; put it back or have the folder signed again",
                source.directory.string(), kSignatureFile, name);
  }
  return verified;
}

}  // namespace

Result<std::unique_ptr<Policy>> Policy::Load(const PolicySource& source, CorrelationStore& store) {
  const auto files = FilesOf(source);
  if (!files) return Fail(files.error());
  const auto signed_digests = SignedDigests(source, *files);
  if (!signed_digests) return Fail(signed_digests.error());
  std::vector<RuleDocument> documents;
  std::vector<Authorisation> authorisations;
  for (const auto& [name, content] : *files) {
    const auto listed = signed_digests->find(name);
    const bool is_signed = listed != signed_digests->end() && listed->second == ContentDigest(content);
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
  return RuleEngine::Make(std::move(documents), std::move(authorisations), source.allow_unsigned_authorisations, store);
}

}  // namespace spanwatch::policy
