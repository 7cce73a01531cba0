#include "fingerprint/record_family.h"

#include <algorithm>

#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_row.h"
#include "fingerprint/record_verdict.h"
#include "fingerprint/text_filter.h"
#include "fingerprint/text_tokeniser.h"

namespace spanwatch::fingerprint {
namespace {

constexpr double kLeastChance = 0.001;  // so that a small register proves nothing by itself
constexpr double kTagSpace = 18446744073709551616.0;
constexpr std::size_t kTextHeld = 8192;  // text is looked through when so much has come
constexpr std::size_t kLookupBatch = 256;
constexpr std::uint64_t kWindow = 65536;  // of a stream

// K1 of a plate word.
PlateWord FoldWord(PlateWord word) {
  PlateWord folded = 0;
  for (int shift = 0; shift < 64; shift += 8) {
    std::uint64_t c = word >> shift & 0xFF;
    if (c == 'O' || c == 'Q') c = '0';
    if (c == 'I') c = '1';
    folded |= c << shift;
  }
  return folded;
}

std::uint16_t ShapeOfWord(PlateWord word) {
  std::uint16_t shape = 1;
  for (; word != 0; word >>= 8) shape = static_cast<std::uint16_t>(shape << 1 | ((word & 0xFF) >= 'A' ? 1 : 0));
  return shape;
}

// All characters are below 0x80, so the highest bits of a word are free to tell the places apart.
std::uint64_t PlaceBits(TokenPlace place) {
  return (std::uint64_t{place == TokenPlace::kJoined} << 7) | (std::uint64_t{place == TokenPlace::kField} << 15);
}

}  // namespace

RecordSearch::RecordSearch(const FingerprintIndex& index, std::vector<const RecordTagger*> taggers,
                           const config::Limits& limits, Counters& counters)
    : index_(&index), taggers_(std::move(taggers)), limits_(&limits), counters_(&counters) {
  taggers_.resize(index.set_count());
  chances_.resize(taggers_.size());
  for (std::size_t set = 0; set < taggers_.size(); ++set) {
    if (!index.Set(set).has_records) taggers_[set] = nullptr;
    if (taggers_[set] == nullptr) continue;
    active_ = true;
    chances_[set].resize(kShapeNumbers);
    for (std::size_t shape = std::size_t{1} << kPlateMinimum; shape < kShapeNumbers; ++shape) {
      const auto number = static_cast<std::uint16_t>(shape);
      const auto registered = static_cast<double>(index.RegisteredPlates(set, number));
      chances_[set][shape] = static_cast<float>(registered / PlateSpace(number) + registered / kTagSpace);
    }
  }
}

class RecordScanner::Impl final : public TextSink {
 public:
  Impl(const RecordSearch& search, RecordScope scope, MatchSink& sink)
      : search_(search), scope_(scope), sink_(sink), filter_(*this), seen_(search.limits().record_exact_tokens) {
    verdicts_.reserve(search.taggers().size());
    for (std::size_t set = 0; set < search.taggers().size(); ++set) {
      verdicts_.emplace_back(search.limits(), search.counters());
    }
  }

  TextFilter& filter() { return filter_; }

  void OnText(ByteView text, std::uint64_t nul, std::uint64_t offset) noexcept override {
    offset_ = offset;
    tokeniser_.Append(text, nul, offset);
    if (tokeniser_.text().size() >= kTextHeld) LookThrough(false);
  }
  void OnBreak() noexcept override { tokeniser_.Break(offset_); }

  void Finish() {
    filter_.Finish();
    tokeniser_.Finish(offset_);
    LookThrough(true);
    CloseWindow();
    if (!totals_.changed) return;
    sink_.OnRecordEvidence(totals_.evidence);
  }

 private:
  struct Lookup {
    PlateToken token;
    PlateWord folded = 0;
    std::uint32_t folded_index = 0;  // in words_; that of K0 when both are the same
  };

  void LookThrough(bool final);
  void LookUp();
  void LookUpIn(std::size_t set);
  void Judge();
  void CloseWindow();
  std::size_t Support(std::size_t set, const Lookup& lookup, std::uint64_t tag);

  const RecordSearch& search_;
  RecordScope scope_;
  MatchSink& sink_;
  TextFilter filter_;
  TextTokeniser tokeniser_;
  RecordDistinctSet seen_;
  std::vector<RecordVerdict> verdicts_;  // one a set
  RecordTotals totals_;
  std::uint64_t offset_ = 0;
  std::uint64_t window_ = 0;
  bool structure_told_ = false;
  // Reused from batch to batch.
  std::vector<Lookup> lookups_;
  std::vector<PlateWord> words_;
  std::vector<std::uint64_t> tags_;
  std::vector<FingerprintIndex::PlateHit> hits_;
  std::vector<ItemRef> items_;
  std::vector<RecordValue> values_;
  std::vector<std::uint64_t> pair_tags_;
  std::vector<FingerprintIndex::PlateHit> pair_hits_;
};

// Takes the tokens whose surroundings have arrived, and drops the text that is done with.
void RecordScanner::Impl::LookThrough(bool final) {
  if (tokeniser_.structure_seen() && !structure_told_) {
    structure_told_ = true;
    sink_.OnLprStructure();
  }
  const std::size_t size = tokeniser_.text().size();
  const auto& tokens = tokeniser_.tokens();
  std::size_t taken = 0;
  for (; taken < tokeniser_.settled(); ++taken) {
    const PlateToken& token = tokens[taken];
    if (!final && token.end + kRowReach > size) break;
    if (!search_.active()) continue;
    if (scope_ == RecordScope::kStream && token.offset / kWindow != window_) {
      LookUp();
      CloseWindow();
      window_ = token.offset / kWindow;
    }
    if (!seen_.Insert(token.word | PlaceBits(token.place))) continue;
    lookups_.push_back({token, FoldWord(token.word), 0});
    if (lookups_.size() == kLookupBatch) LookUp();
  }
  LookUp();
  tokeniser_.Discard(taken, size - std::min(size, 2 * kRowReach));
}

void RecordScanner::Impl::LookUp() {
  if (lookups_.empty()) return;
  search_.counters().Add(Counter::record_tokens, lookups_.size());
  words_.clear();
  for (const Lookup& lookup : lookups_) words_.push_back(lookup.token.word);
  for (Lookup& lookup : lookups_) {
    const bool differs = lookup.folded != lookup.token.word;
    lookup.folded_index = static_cast<std::uint32_t>(differs ? words_.size() : &lookup - lookups_.data());
    if (differs) words_.push_back(lookup.folded);
  }
  for (std::size_t set = 0; set < verdicts_.size(); ++set) {
    if (search_.taggers()[set] != nullptr) LookUpIn(set);
  }
  lookups_.clear();
  Judge();
}

void RecordScanner::Impl::LookUpIn(std::size_t set) {
  tags_.resize(words_.size());
  search_.taggers()[set]->TagPlates(words_, tags_);
  hits_.clear();
  search_.index().FindPlates(set, tags_, hits_);
  std::ranges::sort(hits_, {}, &FingerprintIndex::PlateHit::tag_index);
  const auto hits_of = [&](std::uint32_t index) {
    return std::ranges::equal_range(hits_, index, {}, &FingerprintIndex::PlateHit::tag_index);
  };
  for (std::uint32_t i = 0; i < lookups_.size(); ++i) {
    const Lookup& lookup = lookups_[i];
    double chance = search_.ChanceOf(set, lookup.token.shape);
    if (lookup.folded_index != i) chance += search_.ChanceOf(set, ShapeOfWord(lookup.folded));
    chance = std::clamp(chance, kLeastChance, 1.0);
    auto found = hits_of(i);
    if (found.empty()) found = hits_of(lookup.folded_index);
    if (found.empty()) {
      verdicts_[set].AddMiss(lookup.token, chance);
      continue;
    }
    // The plate as it was registered, and what only looks like it when there is none.
    const bool exact = std::ranges::any_of(found, [](const auto& hit) { return !hit.folded; });
    items_.clear();
    for (const auto& hit : found) {
      if (!exact || !hit.folded) items_.push_back(hit.item);
    }
    std::ranges::sort(items_);
    items_.erase(std::ranges::unique(items_).begin(), items_.end());
    const ItemRef plate = items_.front();
    if (!verdicts_[set].IsNew(plate)) continue;
    const std::size_t supported = Support(set, lookup, tags_[i]);
    verdicts_[set].AddHit(lookup.token, chance, plate, items_, supported);
    if (verdicts_[set].full()) Judge();
  }
}

// Moves the items of items_ that a value near the plate supports to the front; returns how many.
std::size_t RecordScanner::Impl::Support(std::size_t set, const Lookup& lookup, std::uint64_t tag) {
  const RecordTagger& tagger = *search_.taggers()[set];
  ReadRow(tokeniser_.text(), lookup.token, values_);
  pair_tags_.clear();
  const bool folds = lookup.folded_index >= lookups_.size();
  for (const RecordValue& value : values_) {
    const std::uint64_t value_tag = tagger.Tag(value.text());
    pair_tags_.push_back(tagger.PairTag(tag, value_tag));
    if (folds) pair_tags_.push_back(tagger.PairTag(tags_[lookup.folded_index], value_tag));
  }
  pair_hits_.clear();
  search_.index().FindPairs(set, pair_tags_, pair_hits_);
  const auto supported = [&](const ItemRef& item) {
    return std::ranges::find(pair_hits_, item, &FingerprintIndex::PlateHit::item) != pair_hits_.end();
  };
  return static_cast<std::size_t>(std::ranges::partition(items_, supported).begin() - items_.begin());
}

void RecordScanner::Impl::Judge() {
  const std::uint32_t before = totals_.evidence.distinct_plates;
  for (RecordVerdict& verdict : verdicts_) verdict.Judge(sink_, totals_);
  if (totals_.evidence.distinct_plates != before) sink_.OnRecordEvidence(totals_.evidence);
}

void RecordScanner::Impl::CloseWindow() {
  for (RecordVerdict& verdict : verdicts_) verdict.Close(sink_, totals_);
  seen_.Clear();
}

RecordScanner::RecordScanner(const RecordSearch& search, RecordScope scope, MatchSink& sink)
    : impl_(std::make_unique<Impl>(search, scope, sink)) {}
RecordScanner::~RecordScanner() = default;

void RecordScanner::Update(ByteView bytes) noexcept { impl_->filter().Update(bytes); }
void RecordScanner::Gap(std::uint64_t length) noexcept { impl_->filter().Gap(length); }
void RecordScanner::Finish() noexcept { impl_->Finish(); }

}  // namespace spanwatch::fingerprint
