#include "hashset/set_family.h"

namespace spanwatch::hashset {
namespace {

bool IsBaseOf(const MappedHashSet& base, const MappedHashSet& delta) {
  return !base.manifest().is_delta() && base.manifest().serial == delta.manifest().base_serial &&
         base.manifest().name == delta.manifest().name && base.signer() == delta.signer();
}

}  // namespace

Result<std::vector<const MappedHashSet*>> DeltasOf(std::span<const std::shared_ptr<const MappedHashSet>> sets) {
  if (sets.size() > kSetsMax)
    return Fail(ErrorCode::kLimit, "{} hash sets given; at most {} at once", sets.size(), kSetsMax);
  std::vector<const MappedHashSet*> deltas(sets.size(), nullptr);
  for (const auto& set : sets) {
    const Manifest& manifest = set->manifest();
    if (!manifest.is_delta()) continue;
    const auto base = std::ranges::find_if(sets, [&](const auto& other) { return IsBaseOf(*other, *set); });
    if (base == sets.end()) {
      return Fail(
          ErrorCode::kInvalid,
          "hash set {}: is a delta to '{}' serial {} of the same signer, which is not loaded; list that set too",
          set->name(), manifest.name, manifest.base_serial);
    }
    const MappedHashSet*& delta = deltas[static_cast<std::size_t>(base - sets.begin())];
    if (delta != nullptr) {
      return Fail(ErrorCode::kInvalid, "hash sets {} and {}: both are deltas to '{}' serial {}; keep the later one",
                  delta->name(), set->name(), manifest.name, manifest.base_serial);
    }
    delta = set.get();
  }
  return deltas;
}

}  // namespace spanwatch::hashset
