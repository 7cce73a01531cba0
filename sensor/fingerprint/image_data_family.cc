// The image data family: SHA-256 of a picture's image data alone: the same picture with other metadata. Image data that
// begins like none that is registered is not digested. Also the keys by which a picture is known again.
#include "fingerprint/digest.h"
#include "fingerprint/family.h"
#include "fingerprint/file_head.h"
#include "fingerprint/picture_memory.h"
#include "image/image_data.h"

namespace spanwatch::fingerprint {
namespace {

constexpr int kFirstScans = 2;  // in the usual order the DC values of every component, then more of luminance

class ImageDataSketcher final : public Sketcher {
 public:
  ImageDataSketcher(const SketchContext& context, SketchFacts& facts) : context_(context), facts_(facts) {}

  void Update(ByteView bytes) noexcept override {
    if (facts_.gap || off_) return;
    if (!extractor_) {
      if (facts_.format == nullptr) return;
      extractor_.emplace(*facts_.format);
      if (context_.pictures != nullptr && facts_.pictures) key_.emplace(context_.pictures->secret());
    }
    const auto take_table = [&](ByteView table) {
      if (key_) key_->Update(table);
    };
    extractor_->Update(bytes, [&](ByteView data, std::size_t) { Take(data); }, take_table);
  }
  void Gap(std::uint64_t) noexcept override {}
  void Finish(ObjectEnd) noexcept override {
    if (!extractor_) return;
    // Of what is there of a JPEG every byte that its decoder looks at is in the key; of the others chunks' heads are
    // not.
    const bool known = facts_.type == image::FileType::kJpeg ? !extractor_->failed() : extractor_->complete();
    if (key_ && known) facts_.picture = key_->Finish();
    if (facts_.gap || !extractor_->complete()) return;
    if (!head_.full()) Decide();
    if (!digest_) return;
    const Sha256Digest sha256 = digest_->Finish<Sha256Digest>();
    std::vector<ItemRef> found;
    context_.index.FindImageData(sha256, found);
    for (const ItemRef item : found) {
      context_.sink.OnMatch({.item = item, .method = Method::kExact, .image_data = true, .coverage = 1});
    }
  }

 private:
  void Take(ByteView data) {
    if (!facts_.has_first_scans && extractor_->progressive_scans() > kFirstScans) {
      facts_.has_first_scans = true;
      if (key_) facts_.first_scans = key_->Finish();
    }
    if (key_) key_->Update(data);
    if (!head_.full()) {
      data = data.subspan(head_.Take(data));
      if (head_.full()) Decide();
    }
    if (digest_) digest_->Update(data);
  }
  void Decide() {
    if (!context_.index.MayBegin(head_.Hash())) {
      off_ = !key_;
      return;
    }
    digest_.emplace(EVP_sha256());
    digest_->Update(head_.bytes());
  }

  const SketchContext context_;
  SketchFacts& facts_;
  std::optional<image::ImageDataExtractor> extractor_;
  std::optional<PictureKeyHash> key_;
  bool off_ = false;  // nobody asks for more of it
  FileHead head_{FileHead::Of::kImageData};
  std::optional<Digest> digest_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_image_data(const SketchContext& context, const ObjectContext&, SketchFacts& facts) {
  return std::make_unique<ImageDataSketcher>(context, facts);
}

}  // namespace spanwatch::fingerprint
