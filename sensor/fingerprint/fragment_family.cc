// The fragment family: registered windows in any byte stream. Windows of one item agree when they lie as far apart here
// as in the file; two (or as many as the set says) that agree and do not all overlap are sure, anything less is weak. A
// window that any negative bank knows says nothing: sets differ in their seeds, not in where they sample, so windows
// are compared by offset.
#include <algorithm>
#include <array>
#include <map>

#include "fingerprint/family.h"
#include "fingerprint/fragment_search.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kAlignments = 4;  // of one item that are followed

struct Alignment {
  std::uint64_t shift = 0;  // offset in the file minus offset here, modulo 2^64
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint32_t found = 0;
};

struct Followed {
  std::array<Alignment, kAlignments> alignments{};
  std::size_t used = 0;
  bool told_sure = false;
};

class FragmentSketcher final : public Sketcher {
 public:
  explicit FragmentSketcher(const SketchContext& context) : context_(context) {
    for (const FragmentLane& lane : context.fragments.lanes()) lanes_.push_back(std::make_unique<Lane>(*this, lane));
    for (std::size_t set = 0; set < context.index.set_count(); ++set) {
      const SetFacts facts = context.index.Set(set);
      rules_.push_back({facts.fragment_sure, std::clamp(facts.fragment_window, kWindowBytesMin, kWindowBytesMax)});
      subtracts_ |= facts.has_negatives;
    }
  }

  // What is known of these bytes already, as of a run of the call's, is taken from there.
  void Update(ByteView bytes) noexcept override {
    const bool shared = context_.fragments.Holds(bytes);
    const std::uint64_t position = position_;
    for (const auto& lane : lanes_) {
      if (shared)
        lane->sampler.Pass(bytes);
      else
        lane->sampler.Update(bytes);
    }
    position_ += bytes.size();
    if (shared) context_.fragments.Find(bytes, position, hits_);
    if (!hits_.empty()) TakeHits();
  }
  void Gap(std::uint64_t length) noexcept override {
    for (const auto& lane : lanes_) lane->sampler.Gap(length);
    position_ += length;
  }
  void Finish(ObjectEnd) noexcept override {
    for (const auto& [item, followed] : items_) Tell(item, followed);
  }

 private:
  struct Lane final : PrintSink {
    Lane(FragmentSketcher& owner_sketcher, const FragmentLane& of_lane)
        : owner(owner_sketcher), lane(of_lane), sampler(of_lane.scanner, *this) {}
    void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept override {
      lane.Find(owner.context_.index, prints, windows, owner.hits_);
    }
    FragmentSketcher& owner;
    const FragmentLane& lane;
    FragmentSampler sampler;
  };
  // When windows of one set make a match sure.
  struct SureRule {
    std::uint32_t windows = 0;
    std::uint32_t window_bytes = 0;
  };

  bool Agrees(const Alignment& alignment, std::size_t set) const {
    const SureRule& rule = rules_[set];
    return alignment.found >= rule.windows &&
           (rule.windows == 1 || alignment.last - alignment.first >= rule.window_bytes);
  }

  // All lanes have seen the same bytes. Set by set, in each by offset, however they were found.
  void TakeHits() {
    std::ranges::stable_sort(hits_, {}, [](const FragmentHit& hit) { return hit.item.set; });
    if (subtracts_) Subtract();
    for (const FragmentHit& hit : hits_) Take(hit);
    hits_.clear();
  }
  // What one set knows as harmless is taken from what all found.
  void Subtract() {
    const auto negative = [&](const FragmentHit& hit) { return context_.index.Item(hit.item).negative; };
    for (const FragmentHit& hit : hits_) {
      if (negative(hit)) harmless_.push_back(hit.print.offset);
    }
    if (harmless_.empty()) return;
    context_.counters.Add(Counter::negative_matches, harmless_.size());
    std::ranges::sort(harmless_);
    std::erase_if(hits_, [&](const FragmentHit& hit) {
      if (!std::ranges::binary_search(harmless_, hit.print.offset)) return false;
      if (!negative(hit)) context_.counters.Add(Counter::matches_negative);
      return true;
    });
    harmless_.clear();
  }

  void Take(const FragmentHit& hit) {
    if (items_.size() >= context_.limits.fragment_items_per_object && !items_.contains(hit.item)) {
      context_.counters.Add(Counter::fragment_items_over_limit);
      return;
    }
    Followed& followed = items_[hit.item];
    Alignment& alignment = AlignmentOf(followed, hit);
    alignment.last = hit.print.offset;
    ++alignment.found;
    if (followed.told_sure || !Agrees(alignment, hit.item.set)) return;
    followed.told_sure = true;
    Tell(hit.item, followed);
  }

  static Alignment& AlignmentOf(Followed& followed, const FragmentHit& hit) {
    const std::uint64_t shift = hit.registered_offset - hit.print.offset;
    const auto used = std::span(followed.alignments).first(followed.used);
    const auto known = std::ranges::find(used, shift, &Alignment::shift);
    if (known != used.end()) return *known;
    // Once all are taken, the one with the fewest windows makes room.
    Alignment& place = followed.used < kAlignments ? followed.alignments[followed.used++]
                                                   : *std::ranges::min_element(used, {}, &Alignment::found);
    place = {shift, hit.print.offset, hit.print.offset, 0};
    return place;
  }

  void Tell(ItemRef item, const Followed& followed) {
    const auto used = std::span(followed.alignments).first(followed.used);
    const Alignment& best = *std::ranges::max_element(used, {}, &Alignment::found);
    Match match{.item = item, .method = Method::kFragment};
    match.confidence = followed.told_sure ? Confidence::kSure : Confidence::kWeak;
    match.fragments_registered = context_.index.Item(item).fragment_count;
    for (const Alignment& alignment : used) match.fragments_found += alignment.found;
    if (match.fragments_registered != 0) {
      match.fragments_found = std::min(match.fragments_found, match.fragments_registered);
      match.coverage = static_cast<float>(match.fragments_found) / static_cast<float>(match.fragments_registered);
    }
    match.offset = best.first;
    context_.sink.OnMatch(match);
  }

  const SketchContext context_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<SureRule> rules_;          // by set
  std::uint64_t position_ = 0;           // bytes seen, gaps included
  bool subtracts_ = false;               // some set has a negative bank
  std::vector<FragmentHit> hits_;        // of this call
  std::vector<std::uint64_t> harmless_;  // offsets
  std::map<ItemRef, Followed> items_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_fragment(const SketchContext& context, const ObjectContext&, SketchFacts&) {
  return std::make_unique<FragmentSketcher>(context);
}

}  // namespace spanwatch::fingerprint
