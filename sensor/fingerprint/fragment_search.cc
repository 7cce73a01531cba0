#include "fingerprint/fragment_search.h"

#include <algorithm>

#include "fingerprint/repeating_window.h"

namespace spanwatch::fingerprint {
namespace {

struct LookUp final : PrintSink {
  LookUp(const FingerprintIndex& fingerprint_index, std::size_t set_number, std::vector<FragmentHit>& found)
      : index(fingerprint_index), set(set_number), hits(found) {}
  void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept override {
    FindFragments(index, set, prints, windows, hits);
  }

  const FingerprintIndex& index;
  std::size_t set;
  std::vector<FragmentHit>& hits;
};

}  // namespace

void FindFragments(const FingerprintIndex& index, std::size_t set, std::span<const FragmentPrint> prints,
                   const WindowBytes& windows, std::vector<FragmentHit>& hits) noexcept {
  const auto known = static_cast<std::ptrdiff_t>(hits.size());
  index.FindFragments(set, prints, hits);
  const auto says_nothing = [&](const FragmentHit& hit) { return RepeatsItself(windows.Of(hit.print)); };
  hits.erase(std::remove_if(hits.begin() + known, hits.end(), says_nothing), hits.end());
}

void FragmentSearch::Begin(const FingerprintIndex& index, ByteView bytes) noexcept {
  index_ = &index;
  bytes_ = bytes;
  for (Found& found : sets_) found.searched = false;
}

std::span<const FragmentHit> FragmentSearch::Find(std::size_t set, const WindowScanner& scanner,
                                                  ByteView piece) noexcept {
  if (set >= sets_.size()) sets_.resize(set + 1);
  Found& found = sets_[set];
  if (!found.searched) {
    found.searched = true;
    found.hits.clear();
    LookUp look_up(*index_, set, found.hits);
    if (bytes_.size() >= scanner.window())
      scanner.Scan(bytes_.data(), bytes_.size() - scanner.window() + 1, 0, look_up);
  }
  if (found.hits.empty() || piece.size() < scanner.window()) return {};
  const std::uint64_t begin = OffsetOf(piece);
  const std::uint64_t end = begin + piece.size() - scanner.window() + 1;
  const auto offset = [](const FragmentHit& hit) { return hit.print.offset; };
  const auto first = std::ranges::lower_bound(found.hits, begin, {}, offset);
  return {first, std::ranges::lower_bound(first, found.hits.end(), end, {}, offset)};
}

}  // namespace spanwatch::fingerprint
