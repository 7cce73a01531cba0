#include "base/enumeration.h"

#include <gtest/gtest.h>

namespace spanwatch {

enum class Season : std::uint8_t { kSpring, kSummer, kAutumn, kWinter };
template <>
inline constexpr std::size_t kCountOf<Season> = 4;

namespace {

enum class Wrong : std::uint8_t { kOne, kTwo };

TEST(Enumeration, ANumberIsAnEnumeratorOrNothing) {
  EXPECT_EQ(EnumFrom<Season>(0), Season::kSpring);
  EXPECT_EQ(EnumFrom<Season>(3), Season::kWinter);
  EXPECT_EQ(EnumFrom<Season>(4), std::nullopt);
  EXPECT_EQ(EnumFrom<Season>(256), std::nullopt);
  EXPECT_EQ(EnumFrom<Season>(~std::uint64_t{0}), std::nullopt);
}

TEST(Enumeration, ListsAllInTheirOrder) {
  const auto all = Enumerators<Season>();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all.front(), Season::kSpring);
  EXPECT_EQ(all.back(), Season::kWinter);
}

TEST(Enumeration, TheCompilerKnowsWhichNumbersHaveAName) {
  static_assert(internal::CountsAll<Season>());
  static_assert(internal::HasName<Wrong::kTwo>() && !internal::HasName<static_cast<Wrong>(2)>());
  static_assert(!internal::CountsAll<Wrong>(), "it has no count");
}

}  // namespace
}  // namespace spanwatch
