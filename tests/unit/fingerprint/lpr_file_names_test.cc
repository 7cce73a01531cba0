#include "fingerprint/lpr_file_names.h"

#include <gtest/gtest.h>

#include <string>

namespace spanwatch::fingerprint {
namespace {

std::string Letters(int i) {
  return {static_cast<char>('A' + i % 26), static_cast<char>('A' + i / 26 % 26), static_cast<char>('C' + i % 20)};
}

bool AddAll(const std::string& before, const std::string& after, bool plates = true) {
  LprFileNames names;
  bool believed = false;
  for (int i = 0; i < 40; ++i) {
    believed = names.Add(before + (plates ? Letters(i) : "DSC") + std::to_string(1000 + i) + after);
  }
  return believed;
}

TEST(LprFileNames, TimeCameraAndPlateAreAPlateReaders) {
  EXPECT_TRUE(AddAll("20190513-021140_3_", ".jpg"));
  EXPECT_TRUE(AddAll("cam3/2019/05/13/20190513-021140_cam3_", ".jpg"));
  EXPECT_TRUE(AddAll("20190513021140_lane2_", "_overview.png"));
  EXPECT_TRUE(AddAll("export/20190513_021140123_7_", ".jpg"));
}

TEST(LprFileNames, CamerasAndPhonesAreNot) {
  EXPECT_FALSE(AddAll("20190513_021140_", ".jpg", false)) << "numbered by a camera";
  EXPECT_FALSE(AddAll("", ".jpg")) << "no time";
  EXPECT_FALSE(AddAll("20191513-021140_3_", ".jpg")) << "no month";
  EXPECT_FALSE(AddAll("20190513-991140_3_", ".jpg")) << "no hour";
  EXPECT_FALSE(AddAll("20190513-021140_", "AB.jpg")) << "too long for a plate";
}

TEST(LprFileNames, AFewAmongManyAreNot) {
  LprFileNames names;
  bool believed = false;
  for (int i = 0; i < 200; ++i) {
    const std::string last = i % 10 == 0 ? Letters(i) + "1234" : "Screenshot";
    believed = names.Add("20190513-021140_3_" + last + ".jpg");
  }
  EXPECT_FALSE(believed);
}

}  // namespace
}  // namespace spanwatch::fingerprint
