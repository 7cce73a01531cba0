// The image data family: SHA-256 of a JPEG's scans or a PNG's IDAT alone: the same picture with other metadata.
#include "fingerprint/digest.h"
#include "fingerprint/family.h"
#include "image/image_data.h"

namespace spanwatch::fingerprint {
namespace {

class ImageDataSketcher final : public Sketcher {
 public:
  ImageDataSketcher(const SketchContext& context, SketchFacts& facts) : context_(context), facts_(facts) {}

  void Update(ByteView bytes) noexcept override {
    if (facts_.gap) return;
    if (!extractor_) {
      if (facts_.type != image::FileType::kJpeg && facts_.type != image::FileType::kPng) return;
      extractor_.emplace(facts_.type);
      digest_.emplace(EVP_sha256());
    }
    extractor_->Update(bytes, [&](ByteView data, std::size_t) { digest_->Update(data); });
  }
  void Gap(std::uint64_t) noexcept override {}
  void Finish(ObjectEnd) noexcept override {
    if (facts_.gap || !extractor_ || !extractor_->complete()) return;
    facts_.image_data = digest_->Finish<Sha256Digest>();
    std::vector<ItemRef> found;
    context_.index.FindImageData(*facts_.image_data, found);
    for (const ItemRef item : found) {
      context_.sink.OnMatch({.item = item, .method = Method::kExact, .image_data = true, .coverage = 1});
    }
  }

 private:
  const SketchContext context_;
  SketchFacts& facts_;
  std::optional<image::ImageDataExtractor> extractor_;
  std::optional<Digest> digest_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_image_data(const SketchContext& context, const ObjectContext&, SketchFacts& facts) {
  return std::make_unique<ImageDataSketcher>(context, facts);
}

}  // namespace spanwatch::fingerprint
