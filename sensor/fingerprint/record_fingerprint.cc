#include "fingerprint/record_fingerprint.h"

#include <algorithm>

#include "fingerprint/plate_normaliser.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_value.h"
#include "fingerprint/text_decoder.h"

namespace spanwatch::fingerprint {
namespace {

std::vector<std::uint64_t> ValueTags(const RecordTagger& tagger, const std::vector<std::string>& support,
                                     std::span<const std::optional<DateOrder>> orders) {
  std::vector<std::uint64_t> tags;
  const auto add = [&](std::string_view text, std::optional<DateOrder> order) {
    for (const RecordValue& value : NormaliseValues(text, order)) {
      const std::uint64_t tag = tagger.Tag(value.text());
      if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
    }
  };
  const auto order_of = [&](std::size_t i) { return i < orders.size() ? orders[i] : std::nullopt; };
  for (std::size_t i = 0; i < support.size(); ++i) add(support[i], order_of(i));
  const auto date = std::ranges::find_if(support, IsDateAlone);
  const auto time = std::ranges::find_if(support, IsTimeOfDay);
  if (date != support.end() && time != support.end()) {
    add(*date + " " + *time, order_of(static_cast<std::size_t>(date - support.begin())));
  }
  return tags;
}

}  // namespace

std::vector<RecordFingerprint> FingerprintRecord(const RecordTagger& tagger, std::span<const std::string> plates,
                                                 const std::vector<std::string>& support,
                                                 std::span<const std::optional<DateOrder>> orders) {
  if (plates.empty()) return {};
  std::vector<std::string> values;
  for (const std::string& value : support) values.push_back(FoldText(value));
  const std::vector<std::uint64_t> value_tags = ValueTags(tagger, values, orders);
  std::vector<RecordFingerprint> fingerprints;
  for (const std::string& plate : plates) {
    RecordFingerprint record;
    record.plate_tag = tagger.Tag(plate);
    record.folded_tag = tagger.Tag(FoldPlate(plate));
    record.shape = *PlateShape(plate);
    for (const std::uint64_t value : value_tags) {
      record.pair_tags.push_back(tagger.PairTag(record.plate_tag, value));
      // A reader's O for 0 must not part a plate from its values.
      if (record.folded_tag != record.plate_tag) record.pair_tags.push_back(tagger.PairTag(record.folded_tag, value));
    }
    fingerprints.push_back(std::move(record));
  }
  return fingerprints;
}

}  // namespace spanwatch::fingerprint
