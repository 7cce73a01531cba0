#include "inspector/picture_tally.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include "fingerprint/binomial_tail.h"

namespace spanwatch::inspector {
namespace {

constexpr auto kSpan = std::chrono::hours(24);  // as the rules count

}  // namespace

std::string PictureTally::NameOf(const FingerprintIndex& index, ItemRef item) {
  std::string name(index.Set(item.set).name);
  return name.append(1, '\0').append(index.Collection(item).name);
}

std::uint64_t PictureTally::PicturesOf(const Pair& pair) {
  if (!pair.more) return pair.tags.size();
  // The n-th least of tags that are spread evenly over 64 bits.
  return static_cast<std::uint64_t>(static_cast<double>(kExact - 1) * 0x1p64 /
                                    static_cast<double>(*pair.tags.rbegin()));
}

bool PictureTally::IsOver(const Pair& pair, PacketTime now) {
  if (now - pair.since > kSpan || now < pair.since) return true;
  return std::ranges::any_of(pair.collections,
                             [](const auto& each) { return each.second.pictures.size() >= kHitsMax; });
}

void PictureTally::Begin(const Way& way, const PdqHash& hash, PacketTime now) {
  auto found = pairs_.find(way);
  if (found != pairs_.end() && IsOver(found->second, now)) {
    order_.erase(found->second.place);
    pairs_.erase(found);
    found = pairs_.end();
  }
  if (found == pairs_.end()) {
    order_.push_front(way);
    found = pairs_.emplace(way, Pair{.since = now, .place = order_.begin()}).first;
    if (pairs_.size() > limits_.perceptual_tallied_pairs) {
      pairs_.erase(order_.back());
      order_.pop_back();
      counters_.Add(Counter::picture_pairs_over_limit);
    }
  } else {
    order_.splice(order_.begin(), order_, found->second.place);
  }
  current_ = &found->second;
  tag_ = XXH3_64bits(hash.words.data(), sizeof(hash.words));
  std::set<std::uint64_t>& tags = current_->tags;
  if (tags.size() == kExact && tag_ > *tags.rbegin()) {
    current_->more = true;
    return;
  }
  if (!tags.insert(tag_).second || tags.size() <= kExact) return;
  tags.erase(std::prev(tags.end()));
  current_->more = true;
}

void PictureTally::Add(const FingerprintIndex& index, const Match& match) {
  if (current_ == nullptr) return;
  // The nearest comes first; it alone counts, and each picture once.
  Alike& alike = current_->collections[NameOf(index, match.item)];
  if (alike.pictures.insert(tag_).second) ++alike.nearest[std::min<std::size_t>(match.distance, kDistances - 1)];
}

PictureEvidence PictureTally::Weigh(const Way& way, const FingerprintIndex& index, ItemRef item) const {
  PictureEvidence evidence;
  const auto pair = pairs_.find(way);
  if (pair == pairs_.end()) return evidence;
  evidence.pictures_seen = PicturesOf(pair->second);
  const auto collection = pair->second.collections.find(NameOf(index, item));
  if (collection == pair->second.collections.end()) return evidence;
  double least = 0;
  double distances = 0;
  for (std::size_t distance = 0; distance < kDistances; ++distance) {
    if (collection->second.nearest[distance] == 0) continue;
    ++distances;
    evidence.pictures_alike += collection->second.nearest[distance];
    const std::uint64_t trials = std::max(evidence.pictures_seen, evidence.pictures_alike);
    const double chance = index.ChanceOfPicture(item, static_cast<int>(distance));
    least = std::min(least, fingerprint::LogBinomialTail(evidence.pictures_alike, trials, chance));
  }
  evidence.probability = std::min(1.0, std::exp(least) * std::max(distances, 1.0));
  return evidence;
}

}  // namespace spanwatch::inspector
