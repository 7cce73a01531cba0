// RecordVerdict: the plates of one register found in one object, from the first hit to the verdict. Part of the record
// family; one for each register of a scanner, one thread.
//
// Matches are told once they are certain; those of an object without a verdict wait, and at its end the ones in a
// plate field or with a supporting value are told as weak. A stream is judged window by window; once a window was
// sure, the next ones need less to be so.
#pragma once

#include <span>
#include <vector>

#include "config/limits.h"
#include "fingerprint/record_distinct_set.h"
#include "fingerprint/record_ratio_test.h"
#include "model/match.h"
#include "telemetry/counters.h"

namespace spanwatch::fingerprint {

// What one object's verdicts add up to, over its windows and the registers.
struct RecordTotals {
  RecordEvidence evidence;
  bool changed = false;
};

class RecordVerdict {
 public:
  // `tokens`: those that no register of the scanner knows; outlives the verdict, and is cleared after Close.
  RecordVerdict(const config::Limits& limits, Counters& counters, RecordTokens& tokens)
      : limits_(&limits),
        counters_(&counters),
        test_(tokens, limits.record_exact_tokens),
        plates_(limits.record_exact_tokens),
        told_(limits.record_exact_tokens) {}

  // A token that is not registered here but in another register, by its tag.
  void AddKnownElsewhere(const PlateToken& token, std::uint64_t tag) {
    test_.AddKnownElsewhere(token.shape, token.place, tag);
  }
  // A registered plate in the text; `chance` is that of its class (RecordRatioTest).
  struct Hit {
    ItemRef plate;                   // its first record, which tells plates apart however they were spelt
    std::span<const ItemRef> items;  // the records with it, supported ones first
    std::size_t supported = 0;
    bool bound = false;        // by a value too rare to be there by chance
    std::uint64_t offset = 0;  // in the stream
  };
  void AddHit(const PlateToken& token, double chance, const Hit& hit);
  // Whether this plate was not yet counted in this window.
  bool IsNew(ItemRef plate) { return plates_.Insert(NumberOf(plate)); }
  // More hits would be lost unless they are judged now.
  bool full() const { return items_.size() >= limits_->record_waiting_items / 2; }

  // Tells what has become certain.
  void Judge(MatchSink& sink, RecordTotals& totals);
  // The object or window is over: tells the rest, and forgets it.
  void Close(MatchSink& sink, RecordTotals& totals);

 private:
  struct Plate {
    ItemRef plate;
    std::uint64_t offset = 0;
    std::uint32_t number = 0;  // class in the ratio test
    std::uint32_t first = 0;   // in items_
    std::uint32_t count = 0;
    std::uint32_t supported = 0;
    bool field = false;
    bool value = false;  // TokenPlace::kValue
    bool bound = false;
  };
  static std::uint64_t NumberOf(ItemRef item) { return (std::uint64_t{item.set} << 32 | item.row) + 1; }
  void Tell(const Plate& plate, Confidence confidence, MatchSink& sink, RecordTotals& totals);

  const config::Limits* limits_;
  Counters* counters_;
  RecordRatioTest test_;
  RecordDistinctSet plates_;  // of this window
  RecordDistinctSet told_;    // of the object
  std::vector<Plate> waiting_;
  std::vector<ItemRef> items_;
  bool new_hits_ = false;
  bool sure_ = false;
  bool was_sure_ = false;  // a window before
  double probability_ = 1;
};

}  // namespace spanwatch::fingerprint
