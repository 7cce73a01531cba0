#include "fingerprint/fragment_search.h"

#include <algorithm>
#include <tuple>

#include "fingerprint/repeating_window.h"

namespace spanwatch::fingerprint {
namespace {

struct LookUp final : PrintSink {
  LookUp(const FingerprintIndex& fingerprint_index, const FragmentLane& of_lane, std::vector<FragmentHit>& found)
      : index(fingerprint_index), lane(of_lane), hits(found) {}
  void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept override {
    lane.Find(index, prints, windows, hits);
  }

  const FingerprintIndex& index;
  const FragmentLane& lane;
  std::vector<FragmentHit>& hits;
};

// The sets of one kind, and the kinds of one lane, on their way to a scanner.
struct Plan {
  std::vector<SampledWindows> kinds;
  std::vector<std::vector<std::size_t>> sets;
};

bool SameKind(const SampledWindows& a, const SampledWindows& b) {
  return std::tie(a.seed, a.density, a.window) == std::tie(b.seed, b.density, b.window);
}

void Add(std::vector<Plan>& plans, const SampledWindows& windows, std::size_t set) {
  for (Plan& plan : plans) {
    const auto kind = std::ranges::find_if(plan.kinds, [&](const auto& one) { return SameKind(one, windows); });
    if (kind != plan.kinds.end()) return plan.sets[static_cast<std::size_t>(kind - plan.kinds.begin())].push_back(set);
  }
  auto plan = std::ranges::find_if(plans, [&](const Plan& one) {
    return one.kinds.front().window == windows.window && one.kinds.size() < WindowScanner::kKindsMax;
  });
  if (plan == plans.end()) plan = plans.emplace(plans.end());
  plan->kinds.push_back(windows);
  plan->sets.push_back({set});
}

}  // namespace

void FindFragments(const FingerprintIndex& index, std::size_t set, std::span<const FragmentPrint> prints,
                   const WindowBytes& windows, std::vector<FragmentHit>& hits) noexcept {
  const auto known = static_cast<std::ptrdiff_t>(hits.size());
  index.FindFragments(set, prints, hits);
  const auto says_nothing = [&](const FragmentHit& hit) { return RepeatsItself(windows.Of(hit.print)); };
  hits.erase(std::remove_if(hits.begin() + known, hits.end(), says_nothing), hits.end());
}

FragmentSearch::FragmentSearch(const FingerprintIndex& index) : index_(index) {
  std::vector<Plan> plans;
  for (std::size_t set = 0; set < index.set_count(); ++set) {
    const SetFacts facts = index.Set(set);
    windows_.push_back(std::clamp(facts.fragment_window, kWindowBytesMin, kWindowBytesMax));
    if (facts.has_fragments) Add(plans, {facts.fragment_seed, facts.fragment_density, facts.fragment_window}, set);
  }
  for (Plan& plan : plans) lanes_.push_back({WindowScanner(plan.kinds), std::move(plan.sets)});
}

void FragmentSearch::Search() noexcept {
  searched_ = true;
  found_.clear();
  for (const FragmentLane& lane : lanes_) {
    LookUp look_up(index_, lane, found_);
    const std::size_t window = lane.scanner.window();
    if (bytes_.size() >= window) lane.scanner.Scan(bytes_.data(), bytes_.size() - window + 1, 0, look_up);
  }
  const auto offset = [](const FragmentHit& hit) { return hit.print.offset; };
  if (!std::ranges::is_sorted(found_, {}, offset)) std::ranges::stable_sort(found_, {}, offset);
}

void FragmentSearch::Find(ByteView piece, std::uint64_t from, std::vector<FragmentHit>& hits) noexcept {
  if (!searched_) Search();
  if (found_.empty()) return;
  const auto begin = static_cast<std::uint64_t>(piece.data() - bytes_.data());
  const std::uint64_t end = begin + piece.size();
  const auto offset = [](const FragmentHit& hit) { return hit.print.offset; };
  for (auto hit = std::ranges::lower_bound(found_, begin, {}, offset); hit != found_.end() && hit->print.offset < end;
       ++hit) {
    if (hit->print.offset + windows_[hit->item.set] > end) continue;
    hits.push_back(*hit);
    hits.back().print.offset += from - begin;
  }
}

}  // namespace spanwatch::fingerprint
