// Edition: what a supervisor goes by of one generation of the configuration, read once by the launcher's side and
// handed over as one file, so that supervisor and inspectors, and each that takes the place of one that died, go by the
// same: not by what the files happen to hold when it starts (design.md section 10, What the sensor claims, it can
// show).
//
// The record keys of the hash sets and the secrets of webhooks are not in it. The supervisor reads the latter itself.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "config/config.h"
#include "policy/rule_signature.h"

namespace spanwatch::supervisor {

struct Edition {
  std::string name;          // of the configuration file, for messages
  std::string started_with;  // its text when the sensor started: what needs a restart is taken from there
  std::string latest;        // its text when it was last read
  bool has_rules = false;    // else the embedded ones
  policy::RuleFolder rules;
  std::vector<Bytes> trusted_keys;
  std::uint64_t digest = 0;  // the first 48 bits of that over all of it and the hash sets
};

// A file in memory that nobody can change any more, and what it holds.
Result<UniqueFd> WriteEdition(const Edition& edition);
Result<Edition> ReadEdition(const UniqueFd& file);

// The configuration of it that is in force; `needs_restart`: the keys that the latest text would have otherwise.
Result<config::Config> ConfigOf(const Edition& edition, std::vector<std::string>& needs_restart);

}  // namespace spanwatch::supervisor
