#include <gtest/gtest.h>

#include "fingerprint/plate_mask.h"
#include "fingerprint/plate_normaliser.h"
#include "fingerprint/plate_shapes.h"

namespace spanwatch::fingerprint {
namespace {

using Variants = std::vector<std::string>;

TEST(PlateShapes, NumberSaysLengthAndLetters) {
  EXPECT_EQ(PlateShape("AAA1234"), 0b11110000);
  EXPECT_EQ(PlateShape("AAA1234"), PlateShapeOfPattern("LLLNNNN"));
  EXPECT_EQ(PlateShape("AA"), std::nullopt);
  EXPECT_EQ(PlateShape("AAAA12345"), std::nullopt);
  EXPECT_EQ(PlateShape("AAA-123"), std::nullopt);
  EXPECT_EQ(ShapeLength(*PlateShape("AAA1234")), 7U);
}

TEST(PlateShapes, SpaceIsLettersTimesDigits) {
  EXPECT_DOUBLE_EQ(PlateSpace(*PlateShapeOfPattern("LLLNNNN")), 26.0 * 26 * 26 * 10000);
  EXPECT_DOUBLE_EQ(PlateSpace(*PlateShapeOfPattern("NNNNN")), 1e5);
  EXPECT_DOUBLE_EQ(PlateSpace(*PlateShapeOfPattern("LLLNNNL")), 23.0 * 23 * 23 * 23 * 1000);
}

TEST(PlateShapes, ShortAndDigitsCountOnlyInPlateFields) {
  EXPECT_TRUE(CountsAnywhere(*PlateShapeOfPattern("LLLNNN")));
  EXPECT_TRUE(CountsAnywhere(*PlateShapeOfPattern("NNLLLN")));
  EXPECT_FALSE(CountsAnywhere(*PlateShapeOfPattern("LLNN")));
  EXPECT_FALSE(CountsAnywhere(*PlateShapeOfPattern("NNNNNN")));
  EXPECT_FALSE(CountsAnywhere(*PlateShapeOfPattern("LLLLLL")));
  EXPECT_TRUE(IsListedShape(*PlateShapeOfPattern("NNNNNN")));
  EXPECT_FALSE(IsListedShape(*PlateShapeOfPattern("LLLLN")));
}

TEST(PlateNormaliser, CaseSeparatorsWidthAndLookAlikesMeetInOneForm) {
  for (const char* written : {"AAA1234", "aaa-1234", "AAA 12.34", "a_a_a\u20221234",
                              "\uFF21\uFF21\uFF21\uFF11\uFF12\uFF13\uFF14", "\u0410A\u0391\u00B71234"}) {
    EXPECT_EQ(NormalisePlate(written), "AAA1234") << written;
  }
}

TEST(PlateNormaliser, FoldForgivesWhatReadersConfuse) { EXPECT_EQ(FoldPlate("OQI0128"), "0010128"); }

TEST(PlateNormaliser, RegionIsSplitOff) {
  EXPECT_EQ(PlateVariants("46AAA9-NLD"), (Variants{"46AAA9"}));
  EXPECT_EQ(PlateVariants("TX-ABC1234"), (Variants{"ABC1234"}));
  EXPECT_EQ(PlateVariants("us-tx abc1234"), (Variants{"ABC1234"}));
  EXPECT_EQ(PlateVariants("NH 1234AB"), (Variants{"1234AB", "NH1234AB"}));
  EXPECT_EQ(PlateVariants("CA-12345"), (Variants{"CA12345", "12345"}));
}

TEST(PlateNormaliser, StackedPairStaysInPlaceOrIsLeftOut) {
  EXPECT_EQ(PlateVariants("A/B12345"), (Variants{"AB12345", "12345", "B12345"}));
  EXPECT_EQ(PlateVariants("123(AB)45"), (Variants{"123AB45", "12345"}));
}

TEST(PlateNormaliser, FieldWithoutPlateHasNoVariant) {
  EXPECT_TRUE(PlateVariants("").empty());
  EXPECT_TRUE(PlateVariants("--").empty());
  EXPECT_TRUE(PlateVariants("NOT A PLATE AT ALL").empty());
}

}  // namespace
}  // namespace spanwatch::fingerprint
