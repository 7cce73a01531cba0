#include "fingerprint/plate_normaliser.h"

#include <algorithm>
#include <array>

#include "fingerprint/plate_shapes.h"
#include "fingerprint/text_decoder.h"
#include "fingerprint/text_fold.h"

namespace spanwatch::fingerprint {
namespace {

// ISO 3166-1 alpha-3, national distinguishing signs and ISO 3166-2 subdivisions of the US, Canada and Mexico,
// ascending.
constexpr auto kRegions = std::to_array<std::string_view>({
    "AB",  "AK",  "AL",  "AR",  "AUT", "AZ",  "BC", "BEL", "BGR", "CA",  "CAN", "CHE", "CMX", "CO",  "CT",  "CZE", "DC",
    "DE",  "DEU", "DNK", "ESP", "EST", "FIN", "FL", "FRA", "GA",  "GBR", "GRC", "GTM", "HI",  "HRV", "HUN", "IA",  "ID",
    "IL",  "IN",  "IRL", "ITA", "KS",  "KY",  "LA", "LTU", "LUX", "LVA", "MA",  "MB",  "MD",  "ME",  "MEX", "MI",  "MN",
    "MO",  "MS",  "MT",  "MX",  "NB",  "NC",  "ND", "NE",  "NH",  "NJ",  "NL",  "NLD", "NM",  "NOR", "NS",  "NT",  "NU",
    "NV",  "NY",  "OH",  "OK",  "ON",  "OR",  "PA", "PE",  "POL", "PR",  "PRT", "QC",  "RI",  "ROU", "SC",  "SD",  "SK",
    "SVK", "SVN", "SWE", "TM",  "TN",  "TX",  "US", "USA", "UT",  "VA",  "VT",  "WA",  "WI",  "WV",  "WY",  "YT",
});

constexpr char kFoldSeparator = ' ';

// The field as folded characters: letters and digits, kFoldSeparator, and '/' '(' ')' for stacked pairs.
std::string FoldField(std::string_view field) {
  std::string folded = FoldText(field);
  for (char& c : folded) {
    if (IsFoldedSeparator(c)) c = kFoldSeparator;
    if (!IsOtherLetter(c)) c = FoldCharacter(static_cast<std::uint8_t>(c));
  }
  std::erase_if(folded, [](char c) {
    return !IsFoldedLetter(c) && !IsFoldedDigit(c) && c != kFoldSeparator && c != '/' && c != '(' && c != ')';
  });
  return folded;
}

std::string Squeeze(std::string_view folded) {
  std::string squeezed;
  std::ranges::copy_if(folded, std::back_inserter(squeezed),
                       [](char c) { return IsFoldedLetter(c) || IsFoldedDigit(c); });
  return squeezed;
}

// Region codes taken off the front and the back, as long as a separator stands between; at most two of each (`us-tx`).
std::string_view WithoutRegions(std::string_view folded) {
  for (int round = 0; round < 2; ++round) {
    const std::size_t first = folded.find(kFoldSeparator);
    if (first != std::string_view::npos && IsRegionCode(folded.substr(0, first))) folded.remove_prefix(first + 1);
    const std::size_t last = folded.rfind(kFoldSeparator);
    if (last != std::string_view::npos && IsRegionCode(folded.substr(last + 1)))
      folded.remove_suffix(folded.size() - last);
  }
  return folded;
}

// What is left without place names at either end: words of a script that is not Latin, parted from the rest.
std::string_view WithoutPlaceNames(std::string_view folded) {
  const auto is_name = [](std::string_view word) { return std::ranges::all_of(word, IsOtherLetter); };
  for (std::size_t space = folded.find(kFoldSeparator);
       space != std::string_view::npos && is_name(folded.substr(0, space)); space = folded.find(kFoldSeparator)) {
    folded.remove_prefix(space + 1);
  }
  for (std::size_t space = folded.rfind(kFoldSeparator);
       space != std::string_view::npos && is_name(folded.substr(space + 1)); space = folded.rfind(kFoldSeparator)) {
    folded = folded.substr(0, space);
  }
  return folded;
}

bool IsCharacter(std::string_view text, std::size_t i) {
  return i < text.size() && (IsFoldedLetter(text[i]) || IsFoldedDigit(text[i]));
}

// Where a stacked pair is written: `A/B` with one character on either side, or `(AB)`; npos when there is none.
struct StackedPair {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;
};

StackedPair FindStackedPair(std::string_view folded) {
  for (std::size_t i = 0; i < folded.size(); ++i) {
    if (folded[i] == '/' && i > 0 && IsCharacter(folded, i - 1) && IsCharacter(folded, i + 1)) return {i - 1, i + 2};
    if (folded[i] == '(' && IsCharacter(folded, i + 1) && IsCharacter(folded, i + 2) && i + 3 < folded.size() &&
        folded[i + 3] == ')') {
      return {i, i + 4};
    }
  }
  return {};
}

void AddVariant(std::string_view folded, std::vector<std::string>& variants) {
  std::string plate = Squeeze(folded);
  if (plate.size() < kPlateMinimum || plate.size() > kPlateMaximum) return;
  if (std::ranges::find(variants, plate) == variants.end()) variants.push_back(std::move(plate));
}

}  // namespace

std::string NormalisePlate(std::string_view text) { return Squeeze(FoldField(text)); }

std::string FoldPlate(std::string_view normalised) {
  std::string folded(normalised);
  for (char& c : folded) {
    if (c == 'O' || c == 'Q') c = '0';
    if (c == 'I') c = '1';
  }
  return folded;
}

std::vector<std::string> PlateVariants(std::string_view field) {
  const std::string folded = FoldField(field);
  std::vector<std::string> variants;
  const auto add_both = [&](std::string_view text) {
    const std::string_view core = WithoutRegions(text);
    const std::string rest = Squeeze(core);
    // `CA-123` alone may be a plate: a region is certain only when what is left counts as a plate by itself.
    const auto shape = PlateShape(rest);
    if (core.size() != text.size() && shape && CountsAnywhere(*shape)) AddVariant(core, variants);
    AddVariant(text, variants);
    AddVariant(core, variants);
  };
  add_both(folded);
  if (variants.empty()) AddVariant(WithoutPlaceNames(folded), variants);
  const StackedPair pair = FindStackedPair(folded);
  if (pair.begin != std::string_view::npos) {
    add_both(folded.substr(0, pair.begin) + folded.substr(pair.end));
    // In a text a slash parts it: the lower character stays with what follows.
    if (folded[pair.begin] != '(') AddVariant(folded.substr(0, pair.begin) + folded.substr(pair.begin + 2), variants);
  }
  return variants;
}

bool IsRegionCode(std::string_view upper_case) { return std::ranges::binary_search(kRegions, upper_case); }

}  // namespace spanwatch::fingerprint
