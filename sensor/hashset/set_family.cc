#include "hashset/set_family.h"

#include <algorithm>

#include "base/hex.h"

namespace spanwatch::hashset {
namespace {

constexpr std::size_t kDigestBytesShown = 8;

std::string Shown(const SetDigest& digest) { return ToHex(ByteView(digest).first(kDigestBytesShown)); }

Error BaseIsMissing(std::span<const std::shared_ptr<const MappedHashSet>> sets, const MappedHashSet& delta) {
  const Manifest& manifest = delta.manifest();
  for (const auto& other : sets) {
    // The same serial, and yet not what the delta was made for: of a register that was copied back, or changed by hand.
    if (other->manifest().serial != manifest.base_serial || other->manifest().name != manifest.name) continue;
    return {ErrorCode::kInvalid,
            fmt::format("hash set {}: is a delta to '{}' serial {} with digest {}, but {} has digest {}: it is another "
                        "set of that serial; use the delta that was built from it, or build one",
                        delta.name(), manifest.name, manifest.base_serial, Shown(manifest.base_digest), other->name(),
                        Shown(other->digest()))};
  }
  return {ErrorCode::kInvalid,
          fmt::format("hash set {}: is a delta to '{}' serial {} with digest {}, which is not given; name that set too",
                      delta.name(), manifest.name, manifest.base_serial, Shown(manifest.base_digest))};
}

}  // namespace

Result<std::vector<FamilyPlace>> FamiliesOf(std::span<const std::shared_ptr<const MappedHashSet>> sets) {
  const auto whole = std::ranges::count_if(sets, [](const auto& set) { return !set->manifest().is_delta(); });
  if (static_cast<std::size_t>(whole) > kSetsMax)
    return Fail(ErrorCode::kUsage, "{} hash sets given; at most {} at once", whole, kSetsMax);
  if (sets.size() > kSetFilesMax) {
    return Fail(ErrorCode::kUsage, "{} hash sets and deltas given; at most {} at once; build a whole set", sets.size(),
                kSetFilesMax);
  }
  std::vector<std::size_t> next(sets.size(), sets.size());  // the delta to each set
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const Manifest& manifest = sets[i]->manifest();
    if (!manifest.is_delta()) continue;
    const auto base = std::ranges::find_if(sets, [&](const auto& other) {
      return other->digest() == manifest.base_digest && other->signer() == sets[i]->signer();
    });
    if (base == sets.end()) return std::unexpected(BaseIsMissing(sets, *sets[i]));
    std::size_t& delta = next[static_cast<std::size_t>(base - sets.begin())];
    if (delta != sets.size()) {
      return Fail(ErrorCode::kInvalid, "hash sets {} and {}: both are deltas to '{}' serial {}; keep one of them",
                  sets[delta]->name(), sets[i]->name(), manifest.name, manifest.base_serial);
    }
    delta = i;
  }
  std::vector<FamilyPlace> places(sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (sets[i]->manifest().is_delta()) continue;
    const auto family = std::make_shared<Family>();
    for (std::size_t at = i; at < sets.size(); at = next[at]) {
      places[at] = {family, family->size()};
      family->push_back(sets[at].get());
    }
  }
  return places;  // of all: every delta has a base, and digests make no circle
}

Result<Family> FamilyUpTo(const MappedHashSet& last, std::span<const std::shared_ptr<const MappedHashSet>> others) {
  Family family{&last};
  while (family.front()->manifest().is_delta()) {
    const MappedHashSet& delta = *family.front();
    const auto base = std::ranges::find_if(
        others, [&](const auto& other) { return other->digest() == delta.manifest().base_digest; });
    if (base == others.end()) return std::unexpected(BaseIsMissing(others, delta));
    family.insert(family.begin(), base->get());
  }
  return family;
}

const CollectionRow& CurrentCollection(const MappedHashSet& set, const Family& family, std::size_t index) {
  const CollectionRow& own = set.manifest().collections[index];
  const auto& current = family.back()->manifest().collections;
  const auto found = std::ranges::find(current, own.name, &CollectionRow::name);
  return found == current.end() ? own : *found;
}

bool IsTakenBack(const ItemId& id, std::span<const MappedHashSet* const> followers) {
  return std::ranges::any_of(followers, [&](const MappedHashSet* delta) { return delta->Removes(id); });
}

bool IsCommon(std::uint64_t hash, const Family& family) {
  for (std::size_t i = family.size(); i > 0; --i) {
    if (std::ranges::binary_search(family[i - 1]->common(), hash)) return true;
    if (std::ranges::binary_search(family[i - 1]->no_longer_common(), hash)) return false;
  }
  return false;
}

}  // namespace spanwatch::hashset
