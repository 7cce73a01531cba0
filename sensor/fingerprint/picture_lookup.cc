#include "fingerprint/picture_lookup.h"

#include <algorithm>
#include <tuple>

namespace spanwatch::fingerprint {
namespace {

constexpr int kDistanceMax = 48;
constexpr int kTurnedDistanceMax = 31;

class Lookup {
 public:
  explicit Lookup(const FingerprintIndex& index) : index_(index) {}

  // `view`: of the copy, told when the registered view is the whole picture.
  void Find(const PdqResult& hash, int distance_max, View view, const PictureRendering& rendering) {
    std::vector<PictureHit> found;
    index_.FindPictures(hash.hash, distance_max, found);
    for (const PictureHit& hit : found) {
      const CollectionFacts collection = index_.Collection(hit.item);
      if (hit.distance > collection.weak_distance) continue;
      const bool near = hit.distance <= collection.sure_distance;
      certain_ = certain_ || near;
      matches_.push_back({.item = hit.item,
                          .distance = hit.distance,
                          .view = hit.view == View::kFull ? view : hit.view,
                          .quality = hash.quality,
                          .sure = collection.calibrated && near && hash.quality >= kUsableQuality,
                          .calibrated = collection.calibrated,
                          .registered = hit.view,
                          .rendering = rendering});
    }
  }
  bool certain() const { return certain_; }
  std::vector<PictureMatch> Nearest() {
    std::ranges::sort(matches_, {},
                      [](const PictureMatch& match) { return std::tie(match.item, match.distance, match.view); });
    const auto farther = std::ranges::unique(matches_, {}, &PictureMatch::item);
    matches_.erase(farther.begin(), farther.end());
    std::ranges::sort(matches_, {}, [](const PictureMatch& match) { return std::tie(match.distance, match.item); });
    return std::move(matches_);
  }

 private:
  const FingerprintIndex& index_;
  std::vector<PictureMatch> matches_;
  bool certain_ = false;
};

}  // namespace

std::vector<PictureMatch> FindPicture(const FingerprintIndex& index, const PictureHashes& hashes) {
  Lookup lookup(index);
  lookup.Find(hashes.whole, kDistanceMax, View::kFull, {});
  if (!lookup.certain()) {
    for (std::size_t i = 0; i < hashes.part_count; ++i)
      lookup.Find(hashes.parts[i], kDistanceMax, View::kFull, {.part = i + 1});
    for (const TurnedHash& turned : TurnedHashes(hashes.whole.hash)) {
      lookup.Find({turned.hash, hashes.whole.quality}, kTurnedDistanceMax, turned.view,
                  {.turn = turned.turn, .inverted = turned.inverted});
    }
  }
  return lookup.Nearest();
}

}  // namespace spanwatch::fingerprint
