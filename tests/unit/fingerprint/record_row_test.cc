#include "fingerprint/record_row.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace spanwatch::fingerprint {
namespace {

// Whether `value`, as it would be registered, is read from the row of the plate ABC1234 in `row`.
bool ReadsBeside(std::string_view row, std::string_view value) {
  constexpr std::string_view kPlate = "ABC1234";
  const auto begin = static_cast<std::uint32_t>(row.find(kPlate));
  std::vector<RecordValue> values;
  ReadRow(row, {.place = TokenPlace::kPlain, .begin = begin, .end = begin + 7}, TextTokeniser::kReach, values);
  return std::ranges::find(values, NormaliseValue(value).text(), &RecordValue::text) != values.end();
}

TEST(RecordRow, ReadsMomentsBesideOtherWords) {
  for (const char* row : {"ABC1234_20260305T081101Z.jpg", "20260305T081101Z-ABC1234.jpg", "ABC1234-20260305T0811Z.jpg",
                          "20260305_081101_ABC1234", "cam3_0001_ABC1234_20260305081101.jpeg",
                          "20260305T081101Z plate=ABC1234 cam=3", "2026-03-05T08:11:01Z plate=ABC1234",
                          "2026-03-05 08:11:01 lpr: read ABC1234", "3 ABC1234 2026-03-05T08:11:01+00:00."}) {
    EXPECT_TRUE(ReadsBeside(row, "2026-03-05 08:11")) << row;
  }
  EXPECT_FALSE(ReadsBeside("ABC1234_1_20260306T081101Z.jpg", "2026-03-05 08:11"));
}

TEST(RecordRow, ACommaEndsNoFieldBetweenOtherDelimiters) {
  EXPECT_TRUE(ReadsBeside("ABC1234;51,3;TX", "51,3"));
  EXPECT_TRUE(ReadsBeside("ABC1234,\"McAllen, TX\"", "McAllen, TX"));
  EXPECT_TRUE(ReadsBeside("McAllen, TX|ABC1234", "McAllen, TX"));
  EXPECT_FALSE(ReadsBeside("ABC1234,McAllen,TX", "McAllen, TX"));
}

}  // namespace
}  // namespace spanwatch::fingerprint
