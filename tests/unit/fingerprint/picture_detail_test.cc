#include "fingerprint/picture_detail.h"

#include <gtest/gtest.h>

#include "fingerprint/pdq.h"
#include "image/picture_decoder.h"
#include "support/gate_maker.h"
#include "support/picture_maker.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint32_t kFrameWidth = 640, kFrameHeight = 360;

image::Luma64 LumaOf(ByteView file) {
  image::Luma64 luma;
  image::Downsample(*image::DecodePicture(file, {1u << 30, 1u << 30}).plane, {}, luma);
  return luma;
}

// What somebody makes of a picture who passes it on.
std::vector<Bytes> CopiesOf(const test::Picture& picture) {
  std::vector<Bytes> copies;
  for (const int quality : {30, 50, 70, 90}) copies.push_back(EncodeJpeg(picture, {.quality = quality}));
  copies.push_back(EncodeJpeg(Resize(picture, kFrameWidth / 2, kFrameHeight / 2)));
  copies.push_back(EncodeJpeg(Resize(picture, kFrameWidth / 4, kFrameHeight / 4)));
  test::Picture bright = picture;
  for (std::uint8_t& sample : bright.rgb) sample = static_cast<std::uint8_t>(std::min(255, sample * 6 / 5));
  copies.push_back(EncodeJpeg(bright));
  return copies;
}

TEST(PictureDetail, TellsACopyFromAnotherVehicleBeforeTheSameBackground) {
  constexpr std::uint32_t kFrames = 8;
  std::vector<std::vector<test::Picture>> cameras(2);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    cameras[0].push_back(test::GateCamera(3, 1, kFrameWidth, kFrameHeight).Frame(i));
    cameras[1].push_back(test::LaneCamera(3, 1, kFrameWidth, kFrameHeight).Frame(i).picture);
  }
  std::size_t others = 0, others_known = 0;
  for (const auto& frames : cameras) {
    std::vector<PictureDetail> registered;
    for (const test::Picture& frame : frames) registered.push_back(DetailOf(LumaOf(EncodeJpeg(frame))));
    for (std::size_t i = 0; i < frames.size(); ++i) {
      for (const Bytes& copy : CopiesOf(frames[i]))
        EXPECT_LT(DetailProbe(LumaOf(copy)).Difference(registered[i]).value_or(1), kOtherDifference);
      const DetailProbe probe(LumaOf(EncodeJpeg(frames[i])));
      for (std::size_t other = 0; other < frames.size(); ++other) {
        if (other == i) continue;
        ++others;
        others_known += probe.Difference(registered[other]).value_or(1) >= kOtherDifference;
      }
    }
  }
  EXPECT_GE(others_known * 4, others * 3);
}

TEST(PictureDetail, APictureThatShowsNothingIsNotCompared) {
  image::Luma64 flat;
  flat.fill(90);
  EXPECT_FALSE(DetailProbe(flat).Difference(DetailOf(flat)).has_value());
}

}  // namespace
}  // namespace spanwatch::fingerprint
