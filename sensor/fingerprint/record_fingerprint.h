// FingerprintRecord: the fingerprints of one plate record: its plate, and its plate together with each value that
// supports it. Called by enrolment for each row of a table. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fingerprint/record_tagger.h"
#include "fingerprint/record_time.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

struct RecordRow {
  std::uint64_t line = 0;                       // where the row begins, from 1
  std::vector<RecordFingerprint> fingerprints;  // never empty
};

// One for each of `plates`, which are the variants of one plate (PlateVariants), all with the pair tags of `support`.
// `orders` says of each value how its date is written when its digits alone do not tell; where it does not say,
// every way is registered. A date and a time of day that stand in values of their own are also registered as one
// moment.
std::vector<RecordFingerprint> FingerprintRecord(const RecordTagger& tagger, std::span<const std::string> plates,
                                                 const std::vector<std::string>& support,
                                                 std::span<const std::optional<DateOrder>> orders = {});

}  // namespace spanwatch::fingerprint
