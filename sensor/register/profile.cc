#include "register/profile.h"

#include <algorithm>

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kCompactFragments = 16;
constexpr std::size_t kStandardViews = 12;  // the first are the whole, the boxes, mirror and rotations

}  // namespace

Profile ProfileNamed(std::string_view name) {
  const auto found = std::ranges::find(kProfileNames, name);
  return found == kProfileNames.end() ? Profile::kFull : static_cast<Profile>(found - kProfileNames.begin());
}

void ReduceViews(std::vector<PictureView>& views, Profile profile) {
  if (profile == Profile::kCompact) std::erase_if(views, [](const auto& view) { return view.view != View::kFull; });
  if (profile == Profile::kStandard && views.size() > kStandardViews) views.resize(kStandardViews);
}

void Reduce(FileFingerprint& file, Profile profile) {
  ReduceViews(file.views, profile);
  std::vector<FragmentPrint>& fragments = file.fragments;
  if (profile != Profile::kCompact || fragments.size() <= kCompactFragments) return;
  std::ranges::nth_element(fragments, fragments.begin() + kCompactFragments, {}, &FragmentPrint::hash);
  fragments.resize(kCompactFragments);
  std::ranges::sort(fragments);
}

}  // namespace spanwatch::enrolment
