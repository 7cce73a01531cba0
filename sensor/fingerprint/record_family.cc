#include "fingerprint/record_family.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fingerprint/plate_normaliser.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_row.h"
#include "fingerprint/record_verdict.h"
#include "fingerprint/text_filter.h"

namespace spanwatch::fingerprint {
namespace {

constexpr double kLeastChance = 0.001;  // so that a small register proves nothing by itself
constexpr double kTagSpace = 18446744073709551616.0;
constexpr std::size_t kTextHeld = 8192;  // text is looked through when so much has come
constexpr std::size_t kLookupBatch = 256;
constexpr std::uint64_t kWindow = 65536;  // of a stream
constexpr double kFoldedLetters = 3;      // O, Q, I

// How many of the plates of `shape` have a K1 whose letters are only those of `letters`, if letters are evenly used.
double ShareFolded(std::uint16_t shape, unsigned letters) {
  const int all = std::popcount(shape) - 1;
  const int kept = std::popcount(letters);
  return std::pow(kFoldedLetters / 26, all - kept) * std::pow(1 - kFoldedLetters / 26, kept);
}

// How many plates of letters that do not fold have this shape.
double FoldedSpace(std::uint16_t shape) {
  return PlateSpace(shape) * std::pow(1 - kFoldedLetters / 26, std::popcount(shape) - 1);
}

// A text that names one moment, vehicle or picture, and not one of a few lanes or states.
bool IsRare(const RecordValue& value) {
  constexpr std::size_t kLength = 10;
  constexpr std::ptrdiff_t kDigits = 5;
  const std::string_view text = value.text();
  if (text.front() == 't') return true;
  return text.size() > kLength && std::ranges::count_if(text, [](char c) { return c >= '0' && c <= '9'; }) >= kDigits;
}

}  // namespace

RecordSearch::RecordSearch(const FingerprintIndex& index, std::vector<const RecordTagger*> taggers,
                           const config::Limits& limits, Counters& counters)
    : index_(&index), limits_(&limits), counters_(&counters) {
  taggers.resize(index.set_count());
  for (std::size_t set = 0; set < taggers.size(); ++set) {
    if (taggers[set] == nullptr || !index.Set(set).has_records) continue;
    Register& registered = RegisterOf(taggers[set]);
    registered.sets.push_back(set);
    for (std::uint16_t shape = 1u << kPlateMinimum; shape < kShapeNumbers; ++shape) {
      const std::uint64_t plates = index.RegisteredPlates(set, shape);
      if (plates > 0) AddShape(registered, shape, static_cast<double>(plates));
    }
  }
  for (Register& registered : registers_) {
    for (double& chance : registered.chances) chance = std::clamp(chance, kLeastChance, 1.0);
  }
}

RecordSearch::Register& RecordSearch::RegisterOf(const RecordTagger* tagger) {
  const auto known = std::ranges::find(registers_, tagger, &Register::tagger);
  if (known != registers_.end()) return *known;
  return registers_.emplace_back(tagger, std::vector<std::size_t>(), std::vector<double>(kShapeNumbers));
}

bool RecordSearch::IsRegistered(std::string_view plate) const {
  const std::string folded = FoldPlate(plate);
  const auto shape = PlateShape(folded);
  if (!shape || !wanted_.HasFolded(*shape)) return false;
  std::vector<FingerprintIndex::PlateHit> hits;
  for (const Register& registered : registers_) {
    const std::array tags = {registered.tagger->Tag(plate), registered.tagger->Tag(folded)};
    for (const std::size_t set : registered.sets) index_->FindPlates(set, tags, hits);
  }
  return !hits.empty();
}

// Every K1 of `plates` plates of this shape: the shape itself, and any of its letters dropped.
void RecordSearch::AddShape(Register& registered, std::uint16_t shape, double plates) {
  wanted_.Add(shape);
  const unsigned top = std::bit_floor(unsigned{shape});
  const unsigned letters = shape ^ top;
  for (unsigned kept = letters;; kept = (kept - 1) & letters) {
    const auto folded = static_cast<std::uint16_t>(top | kept);
    registered.chances[folded] += plates * ShareFolded(shape, kept) / FoldedSpace(folded) + plates / kTagSpace;
    if (kept == 0) break;
  }
}

class RecordScanner::Impl final : public TextSink {
 public:
  Impl(const RecordSearch& search, RecordScope scope, MatchSink& sink)
      : search_(search),
        scope_(scope),
        sink_(sink),
        filter_(*this),
        tokeniser_(search.wanted(), scope == RecordScope::kFields),
        unknown_(search.limits().record_exact_tokens) {
    sides_.reserve(search.registers().size());
    for (const RecordSearch::Register& registered : search.registers()) {
      sides_.push_back({&registered, RecordVerdict(search.limits(), search.counters(), unknown_)});
    }
  }

  TextFilter& filter() { return filter_; }

  void OnText(ByteView text, std::uint64_t nul, std::uint64_t offset) noexcept override {
    tokeniser_.Append(text, nul, offset);
    LookThroughWhenEnough();
  }
  void OnPlainText(ByteView blocks, std::uint64_t offset) noexcept override {
    tokeniser_.AppendPlain(blocks, offset);
    LookThroughWhenEnough();
  }
  void OnBreak() noexcept override { tokeniser_.Break(); }
  void OnString(unsigned length) noexcept override { tokeniser_.String(length); }

  void Finish() {
    filter_.Finish();
    LookThrough(true);
    CloseWindow();
    if (!totals_.changed) return;
    sink_.OnRecordEvidence(totals_.evidence);
  }

 private:
  using Tokens = std::span<const PlateToken>;
  using Hits = std::span<const FingerprintIndex::PlateHit>;
  struct Side {
    const RecordSearch::Register* registered;
    RecordVerdict verdict;
  };

  void LookThroughWhenEnough() {
    if (tokeniser_.waiting() >= kTextHeld + TextTokeniser::kReach) LookThrough(false);
  }
  void LookThrough(bool final);
  void LookUp(Tokens tokens);
  void FindIn(std::size_t side, Tokens tokens);
  Hits HitsOf(std::size_t side, std::size_t index) const;
  void Count(std::size_t side, Tokens tokens);
  void Found(std::size_t side, const PlateToken& token, std::size_t index, Hits hits);
  std::size_t Support(std::size_t side, const PlateToken& token, std::size_t index, bool& bound);
  void Judge();
  void CloseWindow();

  const RecordSearch& search_;
  RecordScope scope_;
  MatchSink& sink_;
  TextFilter filter_;
  TextTokeniser tokeniser_;
  RecordTokens unknown_;     // to every register
  std::vector<Side> sides_;  // one a register
  RecordTotals totals_;
  std::uint64_t window_ = 0;
  bool structure_told_ = false;
};

// Takes the tokens whose surroundings have arrived, and drops the text that is done with.
void RecordScanner::Impl::LookThrough(bool final) {
  tokeniser_.Scan(final, search_.scratch().masks);
  if (tokeniser_.structure_seen() && !structure_told_) {
    structure_told_ = true;
    sink_.OnLprStructure();
  }
  Tokens tokens = search_.active() ? Tokens(tokeniser_.tokens()) : Tokens();
  while (!tokens.empty()) {
    std::size_t taken = std::min(tokens.size(), kLookupBatch);
    if (scope_ == RecordScope::kStream) {
      const std::uint64_t window = tokeniser_.OffsetOf(tokens.front().end - 1) / kWindow;
      if (window != window_) CloseWindow();
      window_ = window;
      const auto beyond = [&](const PlateToken& token) {
        return tokeniser_.OffsetOf(token.end - 1) / kWindow != window;
      };
      if (beyond(tokens[taken - 1])) {
        taken = static_cast<std::size_t>(std::ranges::find_if(tokens, beyond) - tokens.begin());
      }
    }
    LookUp(tokens.first(taken));
    tokens = tokens.subspan(taken);
  }
  tokeniser_.Discard();
}

void RecordScanner::Impl::LookUp(Tokens tokens) {
  RecordSearch::Scratch& scratch = search_.scratch();
  search_.counters().Add(Counter::record_tokens, tokens.size());
  scratch.words.clear();
  scratch.folded.clear();
  for (const PlateToken& token : tokens) scratch.words.push_back(token.word);
  for (const PlateToken& token : tokens) {
    const bool differs = token.folded != token.word;
    scratch.folded.push_back(static_cast<std::uint32_t>(differs ? scratch.words.size() : scratch.folded.size()));
    if (differs) scratch.words.push_back(token.folded);
  }
  scratch.tags.resize(sides_.size());
  scratch.hits.resize(sides_.size());
  scratch.known.assign(tokens.size(), false);
  for (std::size_t side = 0; side < sides_.size(); ++side) FindIn(side, tokens);
  for (std::size_t side = 0; side < sides_.size(); ++side) Count(side, tokens);
  Judge();
}

void RecordScanner::Impl::FindIn(std::size_t side, Tokens tokens) {
  RecordSearch::Scratch& scratch = search_.scratch();
  const RecordSearch::Register& registered = *sides_[side].registered;
  std::vector<FingerprintIndex::PlateHit>& hits = scratch.hits[side];
  scratch.tags[side].resize(scratch.words.size());
  registered.tagger->TagPlates(scratch.words, scratch.tags[side]);
  hits.clear();
  for (const std::size_t set : registered.sets) search_.index().FindPlates(set, scratch.tags[side], hits);
  if (hits.empty()) return;
  std::ranges::sort(hits, {}, &FingerprintIndex::PlateHit::tag_index);
  for (std::size_t i = 0; i < tokens.size(); ++i) scratch.known[i] = scratch.known[i] || !HitsOf(side, i).empty();
}

// Of a token as it is written, or else of its K1.
RecordScanner::Impl::Hits RecordScanner::Impl::HitsOf(std::size_t side, std::size_t index) const {
  const RecordSearch::Scratch& scratch = search_.scratch();
  const auto hits_of = [&](std::size_t tag) {
    const auto found = std::ranges::equal_range(scratch.hits[side], static_cast<std::uint32_t>(tag), {},
                                                &FingerprintIndex::PlateHit::tag_index);
    return Hits(found.begin(), found.end());
  };
  if (scratch.hits[side].empty()) return {};
  const Hits plain = hits_of(index);
  return plain.empty() ? hits_of(scratch.folded[index]) : plain;
}

// What no register knows counts once for all of them.
void RecordScanner::Impl::Count(std::size_t side, Tokens tokens) {
  RecordSearch::Scratch& scratch = search_.scratch();
  if (side > 0 && std::ranges::find(scratch.known, true) == scratch.known.end()) return;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const PlateToken& token = tokens[i];
    if (const Hits hits = HitsOf(side, i); !hits.empty())
      Found(side, token, i, hits);
    else if (scratch.known[i])
      sides_[side].verdict.AddKnownElsewhere(token, scratch.tags[side][i]);
    else if (side == 0)
      unknown_.AddMiss(token.shape, token.place, scratch.tags[side][i]);
  }
}

void RecordScanner::Impl::Found(std::size_t number, const PlateToken& token, std::size_t index, Hits hits) {
  Side& side = sides_[number];
  // The plate as it was registered, and what only looks like it when there is none.
  const bool exact = std::ranges::any_of(hits, [](const auto& hit) { return !hit.folded; });
  std::vector<ItemRef>& items = search_.scratch().items;
  items.clear();
  for (const auto& hit : hits) {
    if (!exact || !hit.folded) items.push_back(hit.item);
  }
  std::ranges::sort(items);
  items.erase(std::ranges::unique(items).begin(), items.end());
  const ItemRef plate = items.front();
  if (!side.verdict.IsNew(plate)) return;
  RecordVerdict::Hit hit{plate, items, 0, false, tokeniser_.OffsetOf(token.end - 1)};
  hit.supported = Support(number, token, index, hit.bound);
  side.verdict.AddHit(token, side.registered->chances[token.shape], hit);
  if (side.verdict.full()) Judge();
}

// Moves the items that a value near the plate supports to the front; returns how many. `bound`: by a rare value.
std::size_t RecordScanner::Impl::Support(std::size_t side, const PlateToken& token, std::size_t index, bool& bound) {
  RecordSearch::Scratch& scratch = search_.scratch();
  const RecordSearch::Register& registered = *sides_[side].registered;
  const RecordTagger& tagger = *registered.tagger;
  const std::vector<std::uint64_t>& tags = scratch.tags[side];
  ReadRow(tokeniser_.text(), token, search_.limits().record_row_bytes, scratch.values);
  scratch.pair_tags.clear();
  const bool folds = scratch.folded[index] != index;
  for (const RecordValue& value : scratch.values) {
    const std::uint64_t value_tag = tagger.Tag(value.text());
    scratch.pair_tags.push_back(tagger.PairTag(tags[index], value_tag));
    if (folds) scratch.pair_tags.push_back(tagger.PairTag(tags[scratch.folded[index]], value_tag));
  }
  scratch.pair_hits.clear();
  for (const std::size_t set : registered.sets) search_.index().FindPairs(set, scratch.pair_tags, scratch.pair_hits);
  const std::size_t tags_a_value = folds ? 2 : 1;
  for (const auto& hit : scratch.pair_hits) bound = bound || IsRare(scratch.values[hit.tag_index / tags_a_value]);
  const auto supported = [&](const ItemRef& item) {
    return std::ranges::find(scratch.pair_hits, item, &FingerprintIndex::PlateHit::item) != scratch.pair_hits.end();
  };
  return static_cast<std::size_t>(std::ranges::partition(scratch.items, supported).begin() - scratch.items.begin());
}

void RecordScanner::Impl::Judge() {
  const std::uint32_t before = totals_.evidence.distinct_plates;
  for (Side& side : sides_) side.verdict.Judge(sink_, totals_);
  if (totals_.evidence.distinct_plates != before) sink_.OnRecordEvidence(totals_.evidence);
}

void RecordScanner::Impl::CloseWindow() {
  for (Side& side : sides_) side.verdict.Close(sink_, totals_);
  unknown_.Clear();
}

RecordScanner::RecordScanner(const RecordSearch& search, RecordScope scope, MatchSink& sink)
    : impl_(std::make_unique<Impl>(search, scope, sink)) {}
RecordScanner::~RecordScanner() = default;

void RecordScanner::Update(ByteView bytes) noexcept { impl_->filter().Update(bytes); }
void RecordScanner::Gap(std::uint64_t length) noexcept { impl_->filter().Gap(length); }
void RecordScanner::Finish() noexcept { impl_->Finish(); }

}  // namespace spanwatch::fingerprint
