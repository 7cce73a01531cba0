// The record family: finds registered plates and plate records in any text (design.md section 5, Record).
//
// RecordSearch is what one inspector knows of the loaded snapshot: the index, a tagger for each record key that it was
// given, and the working memory of its scanners. Sets of one key are of one register (a whole set and its deltas) and
// are judged together, as one. RecordScanner searches one object, or one raw stream in windows of 64 KiB; it gives the
// same matches for every split of the bytes. Calls to a scanner: (Update | Gap)* Finish. One inspector thread; the
// search must outlive its scanners, the sink must outlive the scanner.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "config/limits.h"
#include "fingerprint/record_tagger.h"
#include "fingerprint/record_value.h"
#include "fingerprint/text_tokeniser.h"
#include "model/match.h"
#include "telemetry/counters.h"

namespace spanwatch::fingerprint {

// kFields: the object is a text of fields, a pair `name=value` each; a value that is a plate as a whole counts by
// itself.
enum class RecordScope : std::uint8_t { kObject, kStream, kFields };

class RecordSearch {
 public:
  // taggers[i] belongs to set i of `index`, the same one to sets of one key; null where the record key is missing: that
  // set's records are not searched.
  RecordSearch(const FingerprintIndex& index, std::vector<const RecordTagger*> taggers, const config::Limits& limits,
               Counters& counters);

  // The sets of one record key.
  struct Register {
    const RecordTagger* tagger = nullptr;
    std::vector<std::size_t> sets;
    std::vector<double> chances;  // by shape: that one random token whose K1 has it is registered
  };

  // True when there is anything to search for; without it a scanner still recognises LPR structure.
  bool active() const { return !registers_.empty(); }

  const FingerprintIndex& index() const { return *index_; }
  const config::Limits& limits() const { return *limits_; }
  Counters& counters() const { return *counters_; }
  std::span<const Register> registers() const { return registers_; }
  // Whether one of the sets has a plate of this K0, or of its K1.
  bool IsRegistered(std::string_view plate) const;
  // The shapes that some register has.
  const WantedShapes& wanted() const { return wanted_; }

  // Of no meaning between two calls of a scanner.
  struct Scratch {
    TextMasks masks;
    std::vector<PlateWord> words;
    std::vector<std::uint32_t> folded;                          // where in words the K1 of each token is
    std::vector<std::vector<std::uint64_t>> tags;               // by register
    std::vector<std::vector<FingerprintIndex::PlateHit>> hits;  // by register
    std::vector<bool> known;                                    // tokens that some register knows
    std::vector<ItemRef> items;
    std::vector<RecordValue> values;
    std::vector<std::uint64_t> pair_tags;
    std::vector<FingerprintIndex::PlateHit> pair_hits;
  };
  Scratch& scratch() const { return *scratch_; }

 private:
  Register& RegisterOf(const RecordTagger* tagger);
  void AddShape(Register& registered, std::uint16_t shape, double plates);

  const FingerprintIndex* index_;
  std::vector<Register> registers_;
  const config::Limits* limits_;
  Counters* counters_;
  WantedShapes wanted_;
  std::unique_ptr<Scratch> scratch_ = std::make_unique<Scratch>();
};

class RecordScanner {
 public:
  RecordScanner(const RecordSearch& search, RecordScope scope, MatchSink& sink);
  ~RecordScanner();

  void Update(ByteView bytes) noexcept;
  void Gap(std::uint64_t length) noexcept;
  void Finish() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanwatch::fingerprint
