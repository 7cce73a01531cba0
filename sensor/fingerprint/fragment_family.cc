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
    for (std::size_t set = 0; set < context.index.set_count(); ++set) {
      lanes_.push_back(std::make_unique<Lane>(*this, set, context.index.Set(set)));
      subtracts_ |= context.index.Set(set).has_negatives;
    }
  }

  void Update(ByteView bytes) noexcept override {
    const bool shared = context_.fragments != nullptr && context_.fragments->Holds(bytes);
    for (const auto& lane : lanes_) {
      if (shared)
        lane->Share(bytes, *context_.fragments);
      else
        lane->sampler.Update(bytes);
    }
    if (subtracts_) Subtract();
  }
  void Gap(std::uint64_t length) noexcept override {
    for (const auto& lane : lanes_) lane->sampler.Gap(length);
  }
  void Finish(ObjectEnd) noexcept override {
    for (const auto& [item, followed] : items_) Tell(item, followed);
  }

 private:
  // One loaded set, with its own seed and density.
  struct Lane final : PrintSink {
    Lane(FragmentSketcher& owner_sketcher, std::size_t set_number, const SetFacts& facts)
        : owner(owner_sketcher),
          set(set_number),
          sure(facts.fragment_sure),
          sampler({facts.fragment_seed, facts.fragment_density, facts.fragment_window}, *this) {}
    void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept override {
      owner.hits_.clear();
      FindFragments(owner.context_.index, set, prints, windows, owner.hits_);
      for (const FragmentHit& hit : owner.hits_) owner.Find(hit);
    }
    // What is known of these bytes already is taken from there.
    void Share(ByteView bytes, FragmentSearch& search) {
      const std::uint64_t shift = sampler.position() - search.OffsetOf(bytes);
      sampler.Pass(bytes);
      for (FragmentHit hit : search.Find(set, sampler.scanner(), bytes)) {
        hit.print.offset += shift;
        owner.Find(hit);
      }
    }
    FragmentSketcher& owner;
    std::size_t set;
    std::uint32_t sure;
    FragmentSampler sampler;
  };

  bool Agrees(const Alignment& alignment, std::size_t set) const {
    const Lane& lane = *lanes_[set];
    return alignment.found >= lane.sure &&
           (lane.sure == 1 || alignment.last - alignment.first >= lane.sampler.scanner().window());
  }

  // What a negative bank may still explain waits until all lanes have seen the same bytes.
  void Find(const FragmentHit& hit) { subtracts_ ? waiting_.push_back(hit) : Take(hit); }
  // All lanes have seen the same bytes: what one of them knows as harmless is taken from what all found.
  void Subtract() {
    for (const FragmentHit& hit : waiting_) {
      if (context_.index.Item(hit.item).negative) harmless_.push_back(hit.print.offset);
    }
    context_.counters.Add(Counter::negative_matches, harmless_.size());
    std::ranges::sort(harmless_);
    for (const FragmentHit& hit : waiting_) {
      if (!std::ranges::binary_search(harmless_, hit.print.offset))
        Take(hit);
      else if (!context_.index.Item(hit.item).negative)
        context_.counters.Add(Counter::matches_negative);
    }
    waiting_.clear();
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
  std::vector<FragmentHit> hits_;
  bool subtracts_ = false;               // some set has a negative bank
  std::vector<FragmentHit> waiting_;     // of this call
  std::vector<std::uint64_t> harmless_;  // offsets
  std::map<ItemRef, Followed> items_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_fragment(const SketchContext& context, const ObjectContext&, SketchFacts&) {
  return std::make_unique<FragmentSketcher>(context);
}

}  // namespace spanwatch::fingerprint
