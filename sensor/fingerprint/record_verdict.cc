#include "fingerprint/record_verdict.h"

#include <algorithm>

namespace spanwatch::fingerprint {
namespace {

constexpr double kSure = 1e-8;
constexpr double kUnnamed = 500;     // times as many hits as chance gives: no large register gives so few
constexpr double kSureAgain = 1e-3;  // in a stream that was already sure

}  // namespace

void RecordVerdict::AddHit(const PlateToken& token, double chance, const Hit& hit) {
  const std::uint32_t number = test_.AddHit(token.shape, token.place, chance, hit.bound);
  new_hits_ = true;
  const std::size_t named = std::min<std::size_t>(hit.items.size(), limits_->record_items_per_plate);
  counters_->Add(Counter::record_items_dropped_plate, hit.items.size() - named);
  if (items_.size() + named > limits_->record_waiting_items) {
    counters_->Add(Counter::record_items_dropped_waiting, named);
    return;
  }
  waiting_.push_back({hit.plate, hit.offset, number, static_cast<std::uint32_t>(items_.size()),
                      static_cast<std::uint32_t>(named), static_cast<std::uint32_t>(std::min(hit.supported, named)),
                      token.place == TokenPlace::kField, token.place == TokenPlace::kValue, hit.bound});
  items_.insert(items_.end(), hit.items.begin(), hit.items.begin() + static_cast<std::ptrdiff_t>(named));
}

void RecordVerdict::Judge(MatchSink& sink, RecordTotals& totals) {
  if (!new_hits_) return;
  new_hits_ = false;
  const auto result = test_.Evaluate(was_sure_ ? 1 : RecordRatioTest::kFewestPlates);
  probability_ = std::min(probability_, result.probability);
  sure_ = sure_ || result.probability < (was_sure_ ? kSureAgain : kSure);
  if (!sure_) return;
  totals.evidence.probability = std::min(totals.evidence.probability, probability_);
  std::vector<Plate> kept;
  for (const Plate& plate : waiting_) {
    if (test_.StandsOut(plate.number) || plate.bound) {
      Tell(plate, Confidence::kSure, sink, totals);
    } else {
      kept.push_back(plate);
    }
  }
  waiting_ = std::move(kept);
  if (waiting_.empty()) items_.clear();
}

void RecordVerdict::Close(MatchSink& sink, RecordTotals& totals) {
  Judge(sink, totals);
  const auto result = test_.Evaluate();
  if (!sure_) {
    for (const Plate& plate : waiting_) {
      // One hit in a long list of unregistered plates is what chance gives, and so is its state beside it.
      // A value that nothing names must stand out the more, since every request has such.
      const bool stands_out = plate.field || plate.supported > 0
                                  ? test_.StandsOut(plate.number)
                                  : plate.value && test_.StandsOut(plate.number, kUnnamed);
      if (stands_out || plate.bound) Tell(plate, Confidence::kWeak, sink, totals);
    }
  }
  if (sure_ || totals.changed) {
    totals.evidence.distinct_tokens += result.tokens;
    totals.evidence.probability = std::min(totals.evidence.probability, probability_);
  }
  was_sure_ = was_sure_ || sure_;
  sure_ = false;
  new_hits_ = false;
  probability_ = 1;
  waiting_.clear();
  items_.clear();
  test_.Clear();
  plates_.Clear();
}

void RecordVerdict::Tell(const Plate& plate, Confidence confidence, MatchSink& sink, RecordTotals& totals) {
  for (std::uint32_t i = 0; i < plate.count; ++i) {
    Match match;
    match.item = items_[plate.first + i];
    match.method = Method::kRecord;
    match.confidence = confidence;
    match.offset = plate.offset;
    match.supported = i < plate.supported;
    sink.OnMatch(match);
  }
  totals.changed = true;
  totals.evidence.structured = totals.evidence.structured || plate.field;
  if (!told_.Insert(NumberOf(plate.plate))) return;
  ++totals.evidence.distinct_plates;
  if (plate.supported > 0) ++totals.evidence.supported_plates;
}

}  // namespace spanwatch::fingerprint
