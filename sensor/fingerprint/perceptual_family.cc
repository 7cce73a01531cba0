// The perceptual family: PDQ of JPEG and PNG objects against the registered views. A picture is kept up to a limit and
// decoded at its end, or as far as its first gap, when nothing cheaper has named it. What is not found as it is, is
// looked up trimmed, without its frame, turned and inverted.
#include "fingerprint/family.h"
#include "fingerprint/picture_lookup.h"
#include "fingerprint/picture_memory.h"
#include "image/picture_decoder.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::fingerprint {
namespace {

class PerceptualSketcher final : public Sketcher {
 public:
  PerceptualSketcher(const SketchContext& context, const SketchFacts& facts) : context_(context), facts_(facts) {}
  ~PerceptualSketcher() override { Drop(); }

  void Update(ByteView bytes) noexcept override {
    if (facts_.gap || over_limit_) return;
    if (facts_.type != image::FileType::kJpeg && facts_.type != image::FileType::kPng) return;
    const bool room = picture_.size() + bytes.size() <= context_.limits.perceptual_object_bytes &&
                      (context_.pictures == nullptr || context_.pictures->Hold(bytes.size()));
    if (!room) {
      over_limit_ = true;
      Drop();
      return;
    }
    picture_.insert(picture_.end(), bytes.begin(), bytes.end());
  }
  void Gap(std::uint64_t) noexcept override {}
  void Finish(ObjectEnd) noexcept override {
    if (over_limit_) return OverLimit();
    if (picture_.empty()) return;
    if (context_.sink.AlreadyNamed())
      context_.counters.Add(Counter::pictures_named);
    else if (const auto result = Hash())
      LookUp(*result);
    Drop();
  }

 private:
  void OverLimit() {
    context_.counters.Add(Counter::pictures_over_limit);
    context_.anomalies.OnAnomaly(AnomalyCode::picture_over_limit);
  }
  void Drop() {
    if (context_.pictures != nullptr) context_.pictures->Release(picture_.size());
    picture_ = {};
  }

  std::optional<PictureHashes> Hash() {
    const bool known_by_key = facts_.picture && context_.pictures != nullptr;
    if (known_by_key) {
      if (const PictureHashes* known = context_.pictures->Find(*facts_.picture)) {
        context_.counters.Add(Counter::pictures_remembered);
        return *known;
      }
    }
    const image::PictureOutcome outcome =
        image::DecodePicture(picture_, {context_.limits.perceptual_pixels, context_.limits.perceptual_decoder_bytes});
    if (!outcome.plane) {
      if (outcome.error == image::PictureError::kOverLimit)
        OverLimit();
      else
        context_.counters.Add(Counter::pictures_unreadable);
      return std::nullopt;
    }
    context_.counters.Add(Counter::pictures_decoded);
    const PictureHashes hashes = HashPicture(*outcome.plane);
    if (known_by_key) context_.pictures->Keep(*facts_.picture, hashes);
    return hashes;
  }

  void LookUp(const PictureHashes& hashes) {
    for (const PictureMatch& match : FindPicture(context_.index, hashes)) {
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
  bool over_limit_ = false;
};

}  // namespace

std::unique_ptr<Sketcher> Make_perceptual(const SketchContext& context, const ObjectContext&, SketchFacts& facts) {
  return std::make_unique<PerceptualSketcher>(context, facts);
}

}  // namespace spanwatch::fingerprint
