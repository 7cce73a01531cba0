// The perceptual family: PDQ of pictures, of every format that is read, against the registered views. A picture is kept
// up to a limit and decoded at its end, or as far as its first gap, when nothing cheaper has named it. Of a progressive
// JPEG the first scans are enough: they are decoded when they are there, and the rest is not kept. What is not found as
// it is, is looked up trimmed, without its frame, turned and inverted. Where no set has a view, no picture is kept or
// decoded. What decoding costs is paid from the budget of its conversation; a picture beyond it is passed over and
// told.
#include <algorithm>

#include "fingerprint/decoding_budget.h"
#include "fingerprint/family.h"
#include "fingerprint/picture_lookup.h"
#include "fingerprint/picture_second_look.h"
#include "fingerprint/picture_memory.h"
#include "image/picture_decoder.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::fingerprint {
namespace {

// What making and looking up the hashes of a picture costs, however small it is.
constexpr std::uint64_t kPixelsOfHashing = 65536;

class PerceptualSketcher final : public Sketcher {
 public:
  PerceptualSketcher(const SketchContext& context, const SketchFacts& facts) : context_(context), facts_(facts) {}
  ~PerceptualSketcher() override { Drop(); }

  void Update(ByteView bytes) noexcept override {
    if (facts_.gap || over_limit_ || hashes_ || !facts_.pictures || !IsPicture()) return;
    const bool room = picture_.size() + bytes.size() <= context_.limits.perceptual_object_bytes &&
                      (context_.pictures == nullptr || context_.pictures->Hold(bytes.size()));
    if (!room) {
      over_limit_ = true;
      Drop();
      return;
    }
    picture_.insert(picture_.end(), bytes.begin(), bytes.end());
    if (facts_.has_first_scans && !tried_first_scans_) DecodeFirstScans();
  }
  void Gap(std::uint64_t) noexcept override {}
  void Finish(ObjectEnd) noexcept override {
    if (IsPicture() && !facts_.pictures) context_.counters.Add(Counter::pictures_unwanted);
    if (over_limit_) return OverLimit();
    if (picture_.empty() && !hashes_) return;
    const bool named = context_.sink.AlreadyNamed();
    if (!named && !hashes_) {
      if (const auto error = Decode(facts_.picture, false)) PassOver(*error);
    }
    if (named)
      context_.counters.Add(Counter::pictures_named);
    else if (hashes_)
      LookUp();
    Drop();
  }

 private:
  bool IsPicture() const { return facts_.format != nullptr; }
  void PassOver(image::PictureError error) {
    if (error == image::PictureError::kOverLimit) return OverLimit();
    const bool over_budget = error == image::PictureError::kOverBudget;
    context_.counters.Add(over_budget ? Counter::pictures_over_budget : Counter::pictures_unreadable);
    if (over_budget) context_.anomalies.OnAnomaly(AnomalyCode::picture_over_budget);
    if (error == image::PictureError::kUnsupported) context_.anomalies.OnAnomaly(AnomalyCode::unread_picture);
  }
  void OverLimit() {
    context_.counters.Add(Counter::pictures_over_limit);
    context_.anomalies.OnAnomaly(AnomalyCode::picture_over_limit);
  }
  void Drop() {
    if (context_.pictures != nullptr) context_.pictures->Release(picture_.size());
    picture_ = {};
  }

  // What they do not tell yet, the whole picture will.
  void DecodeFirstScans() {
    tried_first_scans_ = true;
    if (!context_.sink.AlreadyNamed()) Decode(facts_.first_scans, true);
    if (hashes_) Drop();
  }

  // Sets hashes_, or says why not. `block_means`: only where they alone make the hash, and all of them are there.
  std::optional<image::PictureError> Decode(const std::optional<PictureKey>& key, bool block_means) {
    if (key && context_.pictures != nullptr) {
      if (const PictureHashes* known = context_.pictures->Find(*key)) {
        hashes_ = *known;
        result_ = Counter::pictures_remembered;
        return std::nullopt;
      }
    }
    image::PictureLimits limits{context_.limits.perceptual_pixels, context_.limits.perceptual_decoder_bytes};
    limits.only_blocks = block_means;
    limits.budget = context_.budget;
    const image::PictureOutcome outcome = image::DecodePicture(picture_, limits);
    Pay(outcome);
    if (!outcome.plane) return outcome.error;
    if (block_means && outcome.plane->coverage < 1) return image::PictureError::kUnreadable;
    hashes_ = HashPicture(*outcome.plane);
    result_ = Counter::pictures_decoded;
    key_ = key;
    return std::nullopt;
  }

  void Pay(const image::PictureOutcome& outcome) {
    context_.counters.Add(Counter::pixels_decoded, outcome.work_pixels);
    if (context_.budget == nullptr || outcome.work_pixels == 0) return;
    context_.budget->Spend(outcome.plane ? std::max(outcome.work_pixels, kPixelsOfHashing) : outcome.work_pixels);
  }

  void LookUp() {
    context_.counters.Add(result_);
    std::vector<PictureMatch> matches = FindPicture(context_.index, *hashes_);
    // What is looked at twice is not remembered: its samples take too much memory.
    if (WantsSecondLook(matches)) {
      TakeSecondLook(context_.index, *hashes_, matches);
    } else if (key_ && context_.pictures != nullptr) {
      hashes_->samples.reset();
      context_.pictures->Keep(*key_, *hashes_);
    }
    context_.sink.OnPicture(hashes_->whole.hash);
    for (const PictureMatch& match : matches) {
      context_.sink.OnMatch({.item = match.item,
                             .method = Method::kPerceptual,
                             .confidence = match.sure ? Confidence::kSure : Confidence::kWeak,
                             .distance = match.distance,
                             .view = match.view,
                             .quality = match.quality});
    }
  }

  const SketchContext context_;
  const SketchFacts& facts_;
  Bytes picture_;
  std::optional<PictureHashes> hashes_;
  std::optional<PictureKey> key_;               // under which they may be remembered
  Counter result_ = Counter::pictures_decoded;  // how it was come by
  bool tried_first_scans_ = false;
  bool over_limit_ = false;
};

}  // namespace

std::unique_ptr<Sketcher> Make_perceptual(const SketchContext& context, const ObjectContext&, SketchFacts& facts) {
  return std::make_unique<PerceptualSketcher>(context, facts);
}

}  // namespace spanwatch::fingerprint
