#include "fingerprint/file_fingerprint.h"

#include <fcntl.h>
#include <xxhash.h>
#include <zlib.h>

#include <algorithm>

#include "base/file.h"
#include "fingerprint/crop_hashes.h"
#include "fingerprint/digest.h"
#include "fingerprint/file_head.h"
#include "fingerprint/fragment_sampler.h"
#include "fingerprint/pdq.h"
#include "fingerprint/picture_detail.h"
#include "fingerprint/repeating_window.h"
#include "image/caption_bars.h"
#include "image/image_data.h"
#include "image/picture_decoder.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::array kCrops = {0.0, 0.04, 0.08, 0.12};

image::LumaRectangle Around(const image::LumaRectangle& a, const image::LumaRectangle& b) {
  return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}

struct FreeXxh3 {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// One file being read. Of a picture only windows inside its image data are registered: tables, profiles and metadata
// around it stand in other files too.
class FileSketch final : public PrintSink {
 public:
  FileSketch(const EnrolmentProfile& profile, const config::Limits& limits)
      : profile_(profile),
        limits_(limits),
        sampler_({profile.fragment_seed, profile.fragment_density, profile.fragment_window}, *this) {
    XXH3_128bits_reset(xxh3_.get());
  }

  void Update(ByteView bytes) {
    if (file_.size == 0) Begin(bytes);
    const std::uint64_t begin = file_.size;
    file_.size += bytes.size();
    sha256_.Update(bytes);
    md5_.Update(bytes);
    file_.crc32 = static_cast<std::uint32_t>(crc32_z(file_.crc32, bytes.data(), bytes.size()));
    XXH3_128bits_update(xxh3_.get(), bytes.data(), bytes.size());
    if (extractor_) {
      extractor_->Update(bytes, [&](ByteView data, std::size_t at) {
        image_data_.Update(data);
        image_head_.Take(data);
        first_data_ = std::min(first_data_, begin + at);
        last_data_ = begin + at + data.size();
      });
      if (file_.size <= limits_.perceptual_object_bytes) picture_.insert(picture_.end(), bytes.begin(), bytes.end());
    }
    sampler_.Update(bytes);
  }
  void OnPrints(std::span<const FragmentPrint> prints, const WindowBytes& windows) noexcept override {
    for (const FragmentPrint& print : prints) {
      if (!RepeatsItself(windows.Of(print))) file_.fragments.push_back(print);
    }
  }

  FileFingerprint Finish() {
    file_.sha256 = sha256_.Finish<Sha256Digest>();
    file_.md5 = md5_.Finish<Md5Digest>();
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(xxh3_.get()));
    std::ranges::copy(canonical.digest, file_.xxh3_128.begin());
    if (extractor_ && extractor_->complete()) {
      file_.image_data = image_data_.Finish<Sha256Digest>();
      file_.image_head_xxh3 = image_head_.Hash();
      std::erase_if(file_.fragments, [&](const FragmentPrint& print) {
        return print.offset < first_data_ || print.offset + profile_.fragment_window > last_data_;
      });
    }
    if (extractor_ && file_.size <= limits_.perceptual_object_bytes) AddViews();
    return std::move(file_);
  }

 private:
  // REQUIRES: the first KiB, or the whole of a shorter file
  void Begin(ByteView bytes) {
    FileHead head(FileHead::Of::kFile);
    head.Take(bytes);
    file_.head_xxh3 = head.Hash();
    const image::PictureFormat* format = image::SniffFormat(bytes.first(std::min(bytes.size(), image::kSniffBytes)));
    if (format != nullptr) extractor_.emplace(*format);
  }

  void Add(const image::LumaPlane& plane, View view) {
    image::Luma64 luma;
    image::Downsample(plane, {}, luma);
    const PdqResult result = Pdq(luma);
    file_.views.push_back({result.hash, result.quality, view});
  }
  void AddTurned(const image::LumaPlane& plane) {
    image::Luma64 luma;
    image::Downsample(plane, {}, luma);
    const DihedralHashes hashes = PdqDihedral(luma);
    const auto add = [&](Dihedral turn, View view) {
      file_.views.push_back({hashes[static_cast<std::size_t>(turn)], file_.views.front().quality, view});
    };
    add(Dihedral::kFlipY, View::kMirror);
    add(Dihedral::kRotate90, View::kRotate90);
    add(Dihedral::kRotate180, View::kRotate180);
    add(Dihedral::kRotate270, View::kRotate270);
  }
  // Of the registered boxes.
  std::optional<image::LumaRectangle> PartWithBoxes() const {
    if (!profile_.plate || !profile_.vehicle) return profile_.plate ? profile_.plate : profile_.vehicle;
    return Around(*profile_.plate, *profile_.vehicle);
  }
  // A box is registered as the sensor would see it as a picture of its own.
  void AddBox(const std::optional<image::LumaRectangle>& box, View view, const image::PictureAndPart& picture) {
    if (!box) return;
    const image::LumaPlane& whole = *picture.whole.plane;
    const image::PixelRectangle pixels = PixelsOf(*box, whole.picture_width, whole.picture_height);
    if (!pixels.Within(whole.picture_width, whole.picture_height)) return;
    const image::PixelRectangle& place = picture.place;
    image::LumaPlane cut = Cut(*picture.part, {pixels.left - place.left, pixels.top - place.top,
                                               pixels.right - place.left, pixels.bottom - place.top});
    if (std::min(cut.width, cut.height) >= image::kShortSideOfBlocks) cut = BlockMeans(cut);
    Add(cut, view);
  }
  // Windows of which the picture itself has less than a quarter.
  void DropCaptions(const image::LumaPlane& plane, const image::PictureLimits& limits) {
    if (image::SniffType(picture_) != image::FileType::kJpeg) return;
    const std::vector<image::DataRange> captions = image::CaptionData(picture_, plane, limits);
    if (captions.empty()) return;
    std::erase_if(file_.fragments, [&](const FragmentPrint& print) {
      const std::uint64_t end = print.offset + profile_.fragment_window;
      std::uint64_t inside = 0;
      for (const image::DataRange& range : captions) {
        const std::uint64_t first = std::max(range.begin, print.offset);
        const std::uint64_t last = std::min(range.end, end);
        if (first < last) inside += last - first;
      }
      return inside * 4 > profile_.fragment_window * std::uint64_t{3};
    });
  }
  void AddViews() {
    const image::PictureLimits limits{limits_.perceptual_pixels, limits_.perceptual_decoder_bytes};
    const image::PictureAndPart picture = image::DecodePictureAndPart(picture_, limits, PartWithBoxes());
    if (!picture.whole.plane) return;
    const image::LumaPlane& plane = *picture.whole.plane;
    image::Luma64 luma;
    image::Downsample(plane, {}, luma);
    const PdqResult whole = Pdq(luma);
    file_.views.push_back({whole.hash, whole.quality, View::kFull});
    file_.detail = DetailOf(luma);
    DropCaptions(plane, limits);
    if (picture.part) {
      AddBox(profile_.plate, View::kPlateCrop, picture);
      AddBox(profile_.vehicle, View::kVehicleCrop, picture);
    }
    if (profile_.views == ViewProfile::kNone) return;
    AddTurned(plane);
    AddCrops(plane);
  }
  void AddCrops(const image::LumaPlane& plane) {
    CropHasher hasher(plane, kCrops);
    const bool all = profile_.views == ViewProfile::kFull;
    for (std::size_t i = 1; i < (all ? 256u : kCrops.size()); ++i) {
      const std::size_t even = i * 0b01010101;  // the same crop at each side
      const std::size_t sides = all ? i : even;
      const PdqResult result = hasher.Hash({sides & 3, sides >> 2 & 3, sides >> 4 & 3, sides >> 6 & 3});
      file_.views.push_back({result.hash, result.quality, View::kOffsetCrop});
    }
  }

  const EnrolmentProfile& profile_;
  const config::Limits& limits_;
  FileFingerprint file_;
  FragmentSampler sampler_;
  Digest sha256_{EVP_sha256()};
  Digest md5_{EVP_md5()};
  Digest image_data_{EVP_sha256()};
  FileHead image_head_{FileHead::Of::kImageData};
  std::unique_ptr<XXH3_state_t, FreeXxh3> xxh3_{XXH3_createState()};
  std::optional<image::ImageDataExtractor> extractor_;
  std::uint64_t first_data_ = UINT64_MAX;
  std::uint64_t last_data_ = 0;
  Bytes picture_;
};

}  // namespace

FileFingerprint FingerprintBytes(ByteView file, const EnrolmentProfile& profile, const config::Limits& limits) {
  FileSketch sketch(profile, limits);
  sketch.Update(file);
  return sketch.Finish();
}

Result<FileFingerprint> FingerprintFile(const std::filesystem::path& path, const EnrolmentProfile& profile,
                                        const config::Limits& limits) {
  auto file = OpenForReading(path);
  if (!file) return Fail(file.error());
  FileSketch sketch(profile, limits);
  Bytes piece(kPieceBytes);
  while (true) {
    std::size_t filled = 0;
    while (filled < piece.size()) {  // whole pieces, so that the first holds the head
      const ssize_t got = ::read(file->get(), piece.data() + filled, piece.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FailErrno(path.string());
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    if (filled > 0) sketch.Update(ByteView(piece).first(filled));
    if (filled < piece.size()) return sketch.Finish();
  }
}

}  // namespace spanwatch::fingerprint
