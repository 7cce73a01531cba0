// RuleHistory: which rules were in force before, so that fewer, other or unsigned ones do not come unnoticed, and an
// older edition of what an owner signed does not come at all (design.md section 2, Who is trusted).
//
//   rules.json in the state directory   {digest, detections, correlations, signed, serials: {signer: highest serial}}
//
// Without a state directory it remembers as long as the process lives. Supervisor thread only.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/verdict.h"
#include "policy/policy.h"

namespace spanwatch::supervisor {

enum class RuleChange : std::uint8_t {
  kFewer,     // detections or correlations are gone
  kOther,     // their text is another
  kUnsigned,  // all were signed before, some are not now
};

constexpr std::string_view ToString(RuleChange change) {
  constexpr std::string_view kNames[] = {"fewer", "other", "unsigned"};
  return kNames[static_cast<std::size_t>(change)];
}

// The match of a rule of the sensor's own, not to be written by whoever writes rules. REQUIRES: there are changes.
Verdict VerdictOf(std::span<const RuleChange> changes, bool all_signed);

class RuleHistory {
 public:
  // `state_directory` may be empty. A file that cannot be read is an error: it may have been damaged on purpose.
  static Result<RuleHistory> Open(const std::filesystem::path& state_directory);

  // Refuses rules whose signature is older than one of the same owner that was in force. `shown` names them.
  Status Admit(const policy::PolicyFacts& facts, const std::string& shown) const;
  // They are in force now. Returns what is worth an alert; nothing the first time, or when all is as it was.
  std::vector<RuleChange> Enter(const policy::PolicyFacts& facts);
  // Writes what Enter learnt. After a failure the next start tells the same changes once more.
  Status Keep();

 private:
  struct Known {
    std::string digest;
    std::size_t detections = 0;
    std::size_t correlations = 0;
    bool all_signed = false;
  };
  Status Read();

  std::filesystem::path file_;  // empty: kept nowhere
  std::optional<Known> known_;
  std::map<std::string, std::uint64_t> serials_;  // by signer, the highest that was in force
  bool kept_ = true;
};

}  // namespace spanwatch::supervisor
