#include "fingerprint/pdq.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "support/shared_data.h"

namespace spanwatch::fingerprint {
namespace {

std::string Hex(const PdqHash& hash) {
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", hash.words[3], hash.words[2], hash.words[1], hash.words[0]);
}

image::Luma64 Made(int kind) {
  image::Luma64 luma;
  std::uint32_t z = 12347;
  for (std::uint32_t y = 0; y < 64; ++y) {
    for (std::uint32_t x = 0; x < 64; ++x) {
      z = z * 1664525u + 1013904223u;
      luma[y * 64 + x] = static_cast<float>(kind == 0 ? ((7 * x + 3 * y + ((x * y) >> 5)) & 255) : z >> 24);
    }
  }
  return luma;
}

TEST(Pdq, AgreesWithTheReferenceOnAGoldenVector) {
  const PdqResult result = Pdq(Made(0));
  EXPECT_EQ(Hex(result.hash), "370e7165175576553764a66faaaa6aae52a8f44d8d559a45e0d59b8de0185db0");
  EXPECT_EQ(result.quality, 100);
}

TEST(Pdq, AgreesWithTheReferenceOnEveryVectorOfTheCoresSize) {
  std::ifstream vectors(test::SharedData() / "pdq-vectors/exact-luma.tsv");
  if (!vectors) GTEST_SKIP() << "the vectors are not beside this checkout";
  int checked = 0;
  for (std::string line; std::getline(vectors, line);) {
    std::istringstream fields(line);
    int kind = 0, width = 0, height = 0, quality = 0;
    if (!(fields >> kind >> width >> height >> quality) || width != 64 || height != 64) continue;
    const image::Luma64 luma = Made(kind);
    EXPECT_EQ(Pdq(luma).quality, quality);
    const DihedralHashes hashes = PdqDihedral(luma);
    for (const PdqHash& hash : hashes) {
      std::string expected;
      fields >> expected;
      EXPECT_EQ(Hex(hash), expected) << "kind " << kind << " turn " << (&hash - hashes.data());
    }
    ++checked;
  }
  EXPECT_GE(checked, 2);
}

}  // namespace
}  // namespace spanwatch::fingerprint
