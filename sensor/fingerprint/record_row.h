// The values near a plate in a text: what detection tests against the supporting columns that were registered with it.
// Part of the record family; pure, no state; safe from any thread.
#pragma once

#include <string_view>
#include <vector>

#include "fingerprint/record_value.h"
#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {

inline constexpr std::size_t kRowValues = 96;  // of one row

// Fills `values` with the canonical values of the record around `token`: each delimited field, each word of the field
// that holds the plate, each moment beside other words, and a date and a time that stand in fields of their own. The
// record is the table's line, the SQL tuple, the JSON object (the outermost that begins within reach) or the XML
// element (up to the next plate's), and never more than `reach` bytes before and after the plate. REQUIRES: reach at
// most TextTokeniser::kReach
void ReadRow(std::string_view text, const PlateToken& token, std::size_t reach, std::vector<RecordValue>& values);

}  // namespace spanwatch::fingerprint
