#include "fingerprint/file_fingerprint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fingerprint/pdq.h"
#include "image/picture_decoder.h"
#include "support/picture_maker.h"

namespace spanwatch::fingerprint {
namespace {

PdqHash HashOfCutOut(const test::Picture& picture, const test::PictureBox& box) {
  const auto at = [](double share, std::uint32_t side) {
    return static_cast<std::uint32_t>(std::lround(share * side));
  };
  const std::uint32_t left = at(box.left, picture.width), top = at(box.top, picture.height);
  const test::Picture cut =
      test::Crop(picture, left, top, at(box.right, picture.width) - left, at(box.bottom, picture.height) - top);
  const auto decoded = image::DecodePicture(EncodePng(cut), {1u << 30, 1u << 30});
  image::Luma64 luma;
  image::Downsample(*decoded.plane, {}, luma);
  return Pdq(luma).hash;
}

image::LumaRectangle Rectangle(const test::PictureBox& box) { return {box.left, box.top, box.right, box.bottom}; }

// Of a picture of block means and of one of pixels; a vehicle may be large enough for block means itself.
TEST(FileFingerprint, ABoxIsRegisteredAsThePictureThatSomebodyCutsOut) {
  for (const auto& [width, height] : {std::pair(1280u, 720u), std::pair(400u, 300u)}) {
    const auto frame = test::LaneCamera(5, 2, width, height).Frame(3);
    for (const bool png : {false, true}) {
      EnrolmentProfile profile;
      profile.plate = Rectangle(frame.plate_box);
      profile.vehicle = Rectangle(frame.vehicle_box);
      const Bytes file = png ? EncodePng(frame.picture) : EncodeJpeg(frame.picture, {.quality = 95});
      const FileFingerprint fingerprint = FingerprintBytes(file, profile, {});
      for (const auto& [box, view] :
           {std::pair(frame.plate_box, View::kPlateCrop), std::pair(frame.vehicle_box, View::kVehicleCrop)}) {
        const auto found = std::ranges::find(fingerprint.views, view, &PictureView::view);
        ASSERT_NE(found, fingerprint.views.end());
        EXPECT_LE(HammingDistance(found->hash, HashOfCutOut(frame.picture, box)), png ? 0 : 10)
            << width << " " << png << " " << static_cast<int>(view);
      }
    }
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
