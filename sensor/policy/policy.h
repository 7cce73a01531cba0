// Policy: the rules and authorisations in force, and what they say of an event (design.md section 6). Rules are Sigma
// (specification 2.1) over flat events: detections, correlations, filters. Authorisations are data apart from them.
//
// Made by the supervisor from a directory or from the embedded pack, replaced as a whole on reload (correlation windows
// live in the CorrelationStore and go on). Supervisor thread only. Load refuses with file, line and reason.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "model/verdict.h"
#include "policy/rule_signature.h"

namespace spanwatch::policy {

struct PolicySource {
  std::filesystem::path directory;     // empty: the embedded rules
  const RuleFolder* folder = nullptr;  // what the directory held, when it was read already
  std::vector<Bytes> trusted_keys;     // Ed25519 public keys whose signatures make rules and authorisations `signed`
  bool allow_unsigned_authorisations = false;
};

struct PolicyFacts {
  std::size_t detections = 0;
  std::size_t correlations = 0;
  std::size_t filters = 0;
  std::size_t authorisations = 0;
  bool all_signed = false;                  // rules and authorisations
  std::string signer;                       // public key in hex; empty: nobody trusted, or the program's own rules
  std::uint64_t serial = 0;                 // of the signature
  std::string digest;                       // SHA-256 over names and contents, in hex
  std::vector<std::string> unsigned_files;  // that a signed folder holds beside what was signed
};

class Policy {
 public:
  // `store` outlives the policy.
  static Result<std::unique_ptr<Policy>> Load(const PolicySource& source, CorrelationStore& store);
  virtual ~Policy() = default;

  // Authorisations first: `spanwatch.authorized` and `spanwatch.authorization` (name, reference, near miss) are set in
  // the event's fields before the detections see it. Then every detection, then the correlations that those feed.
  //
  // What nobody trusted has signed shapes only what the operator is told: a match that an unsigned filter takes away,
  // or an unsigned correlation silences, of a rule that is signed is `muted`, and counts on.
  virtual Result<Verdict> Evaluate(FlatEvent& event) = 0;
  // Only whether it is authorised, without rules and correlations.
  virtual Verdict Authorise(FlatEvent& event) const = 0;
  virtual PolicyFacts facts() const = 0;
};

}  // namespace spanwatch::policy
