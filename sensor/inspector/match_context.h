// MatchContext: the hash sets an inspector matches against at one moment, with what searches them. Made
// from verified descriptors when the inspector starts and on each reload; flows keep the one they began with.
#pragma once

#include <memory>
#include <vector>

#include "config/limits.h"
#include "fingerprint/fragment_search.h"
#include "fingerprint/record_family.h"
#include "hashset/snapshot.h"
#include "process/inspector_setup.h"
#include "telemetry/counters.h"

namespace spanwatch::inspector {

struct MatchContext {
  std::shared_ptr<const hashset::Snapshot> index;
  std::vector<std::unique_ptr<fingerprint::RecordTagger>> taggers;  // one a record key
  std::unique_ptr<fingerprint::RecordSearch> records;
  std::unique_ptr<fingerprint::FragmentSearch> fragments;
};

// Maps the sets; wipes the keys in `hashsets`. `limits` and `counters` outlive the context.
Result<std::shared_ptr<const MatchContext>> OpenMatchContext(std::vector<process::HashSetInput> hashsets,
                                                             const std::vector<Bytes>& trusted_keys,
                                                             const config::Limits& limits, Counters& counters);

}  // namespace spanwatch::inspector
