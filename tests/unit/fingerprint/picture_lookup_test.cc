#include "fingerprint/picture_lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "fingerprint/file_fingerprint.h"
#include "image/picture_decoder.h"
#include "support/fake_index.h"
#include "support/picture_maker.h"

namespace spanwatch::fingerprint {
namespace {

PictureHashes HashesOf(const test::Picture& picture) {
  const auto decoded = image::DecodePicture(EncodePng(picture), {1u << 30, 1u << 30});
  return HashPicture(*decoded.plane);
}

test::Picture Mirrored(const test::Picture& picture) {
  test::Picture turned(picture.width, picture.height);
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x)
      std::copy_n(picture.At(picture.width - 1 - x, y), 3, turned.At(x, y));
  }
  return turned;
}
test::Picture TurnedRight(const test::Picture& picture) {  // clockwise
  test::Picture turned(picture.height, picture.width);
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x)
      std::copy_n(picture.At(x, y), 3, turned.At(picture.height - 1 - y, x));
  }
  return turned;
}
test::Picture Inverted(test::Picture picture) {
  for (std::uint8_t& sample : picture.rgb) sample = static_cast<std::uint8_t>(255 - sample);
  return picture;
}
test::Picture Framed(const test::Picture& picture, std::uint32_t width, std::uint8_t tone) {
  test::Picture framed(picture.width + 2 * width, picture.height + 2 * width);
  std::ranges::fill(framed.rgb, tone);
  for (std::uint32_t y = 0; y < picture.height; ++y)
    std::copy_n(picture.At(0, y), std::size_t{picture.width} * 3, framed.At(width, width + y));
  return framed;
}

// Frames 0 to 3 are registered, the whole picture alone.
class FindPictureTest : public testing::Test {
 protected:
  void SetUp() override {
    const config::Limits limits;
    for (std::uint32_t i = 0; i < 4; ++i) index.Add(FingerprintBytes(EncodePng(Frame(i)), {}, limits));
  }
  static test::Picture Frame(std::uint32_t number) {
    static const test::LaneCamera kCamera(11, 1, 400, 300);
    return kCamera.Frame(number).picture;
  }
  std::vector<PictureMatch> Find(const test::Picture& picture) const { return FindPicture(index, HashesOf(picture)); }

  FakeIndex index;
};

TEST_F(FindPictureTest, FindsEveryTileOfACollageThatIsRegistered) {
  const auto stranger = [](std::uint32_t camera) {
    return test::LaneCamera(99, camera, 400, 300).Frame(7, test::LaneLight::kNight).picture;
  };
  const std::array<test::Picture, 4> tiles = {Frame(2), stranger(1), stranger(2), Frame(3)};
  test::Picture sheet(800, 600);
  for (std::uint32_t i = 0; i < 4; ++i) {
    for (std::uint32_t y = 0; y < 300; ++y)
      std::copy_n(tiles[i].At(0, y), std::size_t{400} * 3, sheet.At(i % 2 * 400, i / 2 * 300 + y));
  }
  std::vector<std::uint32_t> found;
  for (const PictureMatch& match : Find(sheet)) found.push_back(match.item.row);
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::uint32_t>{2, 3}));
}

TEST_F(FindPictureTest, FindsTheCopyItself) {
  const auto matches = Find(Frame(1));
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].item.row, 1u);
  EXPECT_EQ(matches[0].distance, 0);
  EXPECT_EQ(matches[0].view, View::kFull);
  EXPECT_TRUE(matches[0].sure);
}

TEST_F(FindPictureTest, FindsTurnedMirroredInvertedAndFramedCopies) {
  const test::Picture right = TurnedRight(Frame(2));
  const std::tuple<const char*, test::Picture, View> copies[] = {
      {"mirrored", Mirrored(Frame(2)), View::kMirror},
      {"mirrored and turned", Mirrored(right), View::kMirror},
      {"clockwise", right, View::kRotate270},
      {"upside down", TurnedRight(right), View::kRotate180},
      {"anticlockwise", TurnedRight(TurnedRight(right)), View::kRotate90},
      {"inverted", Inverted(Frame(2)), View::kFull},
      {"in a black frame", Framed(Frame(2), 30, 0), View::kFull},
      {"in a white frame", Framed(Frame(2), 50, 255), View::kFull}};
  for (const auto& [name, copy, view] : copies) {
    const auto matches = Find(copy);
    ASSERT_EQ(matches.size(), 1u) << name;
    EXPECT_EQ(matches[0].item.row, 2u) << name;
    EXPECT_EQ(matches[0].view, view) << name;
    EXPECT_LE(matches[0].distance, 24) << name;
  }
}

TEST_F(FindPictureTest, IsSilentAboutOtherFramesHoweverTheyAreTurned) {
  for (std::uint32_t i = 4; i < 10; ++i) {
    EXPECT_TRUE(Find(Frame(i)).empty()) << i;
    EXPECT_TRUE(Find(Mirrored(Frame(i))).empty()) << i;
    EXPECT_TRUE(Find(Framed(Frame(i), 30, 0)).empty()) << i;
  }
}

TEST_F(FindPictureTest, ThresholdsAreThoseOfTheCollection) {
  index.collection.calibrated = false;
  ASSERT_EQ(Find(Frame(1)).size(), 1u);
  EXPECT_FALSE(Find(Frame(1))[0].sure);
  index.collection = {.sure_distance = 0, .weak_distance = 3, .calibrated = true};
  PictureHashes near = HashesOf(Frame(1));
  near.whole.hash.words[0] ^= 7;
  ASSERT_EQ(FindPicture(index, near).size(), 1u);
  EXPECT_FALSE(FindPicture(index, near)[0].sure);
  near.whole.hash.words[0] ^= 8;
  for (PdqResult& part : near.parts) part.hash = near.whole.hash;
  EXPECT_TRUE(FindPicture(index, near).empty());
}

TEST(TurnedHashes, DifferFromThoseOfTheTurnedPictureByFewBits) {
  const test::LaneCamera camera(11, 2, 400, 300);
  image::Luma64 luma;
  image::Downsample(*image::DecodePicture(EncodePng(camera.Frame(0).picture), {1u << 30, 1u << 30}).plane, {}, luma);
  const DihedralHashes whole = PdqDihedral(luma);
  const auto turned = TurnedHashes(whole[0]);
  const auto distance = [&](std::size_t one, Dihedral turn) {
    return HammingDistance(turned[one].hash, whole[static_cast<std::size_t>(turn)]);
  };
  EXPECT_EQ(HammingDistance(turned[0].hash, whole[0]), 256) << "inverted";
  EXPECT_LE(distance(1, Dihedral::kFlipY), 8);
  EXPECT_LE(distance(2, Dihedral::kFlipX), 8);
  EXPECT_LE(distance(3, Dihedral::kFlipPlus1), 8);
  EXPECT_LE(distance(4, Dihedral::kFlipMinus1), 8);
  EXPECT_LE(distance(5, Dihedral::kRotate180), 8);
  EXPECT_LE(distance(6, Dihedral::kRotate270), 8);
  EXPECT_LE(distance(7, Dihedral::kRotate90), 8);
}

}  // namespace
}  // namespace spanwatch::fingerprint
