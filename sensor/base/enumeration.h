// Enumerations as numbers: how many enumerators one has, and a number that came from outside (a ring, a file, a
// database) as one of them. Pure functions, safe from any thread.
//
// Beside an enum whose numbers leave the memory of its process stands
//
//   template <>
//   inline constexpr std::size_t kCountOf<View> = 8;
//
// The enumerators count from 0 without holes. A count that is not that of the enum does not compile where it is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spanwatch {

template <typename Enum>
inline constexpr std::size_t kCountOf = 0;

namespace internal {

// Whether the enum has an enumerator of this value. The compiler writes `spanwatch::View::kMirror` for one that has a
// name, and `(spanwatch::View)8` for one that has none.
template <auto kValue>
consteval bool HasName() {
  const std::string_view function = __PRETTY_FUNCTION__;
  const std::string_view before = "kValue = ";
  return function[function.find(before) + before.size()] != '(';
}

template <typename Enum>
consteval bool CountsAll() {
  return kCountOf<Enum> > 0 && HasName<static_cast<Enum>(kCountOf<Enum> - 1)>() &&
         !HasName<static_cast<Enum>(kCountOf<Enum>)>();
}

}  // namespace internal

// Nothing when no enumerator has this number.
template <typename Enum>
constexpr std::optional<Enum> EnumFrom(std::uint64_t number) {
  static_assert(internal::CountsAll<Enum>(), "kCountOf beside the enum is not the number of its enumerators");
  if (number >= kCountOf<Enum>) return std::nullopt;
  return static_cast<Enum>(number);
}

// All of them, in their order.
template <typename Enum>
constexpr auto Enumerators() {
  std::array<Enum, kCountOf<Enum>> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = *EnumFrom<Enum>(i);
  return all;
}

}  // namespace spanwatch
