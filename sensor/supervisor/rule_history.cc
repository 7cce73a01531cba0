#include "supervisor/rule_history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace spanwatch::supervisor {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;
constexpr std::string_view kRulesChangedId = "2f6f1c0a-9f0e-4d0b-8a0e-7b6e0c5d9a41";

}  // namespace

Verdict VerdictOf(std::span<const RuleChange> changes, bool all_signed) {
  std::vector<std::string_view> names;
  for (const RuleChange change : changes) names.push_back(ToString(change));
  const bool weaker = std::ranges::any_of(changes, [](RuleChange change) { return change != RuleChange::kOther; });
  Verdict verdict;
  verdict.matches.push_back(
      {.rule_id = std::string(kRulesChangedId),
       .rule_name = fmt::format("The rules in force are other than before: {}", fmt::join(names, ", ")),
       .severity = weaker       ? Severity::kHigh
                   : all_signed ? Severity::kInformational
                                : Severity::kMedium,
       .rule_signed = true,
       .tags = {},
       .group = {{"spanwatch.rules", "changed"}}});
  return verdict;
}

Result<RuleHistory> RuleHistory::Open(const std::filesystem::path& state_directory) {
  RuleHistory history;
  if (state_directory.empty()) return history;
  history.file_ = state_directory / "rules.json";
  if (Status status = history.Read(); !status) return Fail(status.error());
  return history;
}

Status RuleHistory::Read() {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return {};
  const auto content = ReadFile(file_, kFileBytesMax);
  if (!content) return Fail(content.error());
  try {
    const nlohmann::json document = nlohmann::json::parse(*content);
    known_ = {document.at("digest"), document.at("detections"), document.at("correlations"), document.at("signed")};
    serials_ = document.at("serials").get<std::map<std::string, std::uint64_t>>();
  } catch (const nlohmann::json::exception&) {
    return Fail(ErrorCode::kCorrupt,
                "{} is damaged, so that nobody knows which rules were in force; look at the rules, then remove it",
                file_.string());
  }
  return {};
}

Status RuleHistory::Admit(const policy::PolicyFacts& facts, const std::string& shown) const {
  const auto before = serials_.find(facts.signer);
  if (facts.signer.empty() || before == serials_.end() || facts.serial >= before->second) return {};
  return Fail(
      ErrorCode::kUntrusted,
      "{}: its signature has serial {}, and serial {} of the same owner was in force; put back the later rules, "
      "or have the owner sign these anew",
      shown, facts.serial, before->second);
}

std::vector<RuleChange> RuleHistory::Enter(const policy::PolicyFacts& facts) {
  std::vector<RuleChange> changes;
  if (known_) {
    if (facts.detections < known_->detections || facts.correlations < known_->correlations)
      changes.push_back(RuleChange::kFewer);
    if (facts.digest != known_->digest) changes.push_back(RuleChange::kOther);
    if (known_->all_signed && !facts.all_signed) changes.push_back(RuleChange::kUnsigned);
  }
  const bool first = !known_;
  known_ = Known{facts.digest, facts.detections, facts.correlations, facts.all_signed};
  std::uint64_t& serial = serials_[facts.signer];
  const bool later = !facts.signer.empty() && facts.serial > serial;
  serial = std::max(serial, facts.serial);
  if (first || later || !changes.empty()) kept_ = false;
  return changes;
}

Status RuleHistory::Keep() {
  if (file_.empty() || kept_) return {};
  const nlohmann::json document = {{"digest", known_->digest},
                                   {"detections", known_->detections},
                                   {"correlations", known_->correlations},
                                   {"signed", known_->all_signed},
                                   {"serials", serials_}};
  Status status = WriteFileAtomically(file_, AsBytes(document.dump() + "\n"), 0600);
  kept_ = status.has_value();
  return status;
}

}  // namespace spanwatch::supervisor
