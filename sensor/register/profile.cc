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
  const std::size_t kept = KeptWindows(file, profile);
  if (kept == fragments.size()) return;
  std::ranges::nth_element(fragments, fragments.begin() + static_cast<std::ptrdiff_t>(kept), {}, &FragmentPrint::hash);
  fragments.resize(kept);
  std::ranges::sort(fragments);
}

std::size_t KeptWindows(const FileFingerprint& file, Profile profile) {
  return profile == Profile::kCompact ? std::min(file.fragments.size(), kCompactFragments) : file.fragments.size();
}

std::size_t KeptViews(const FileFingerprint& file, Profile profile) {
  if (profile == Profile::kCompact)
    return static_cast<std::size_t>(std::ranges::count(file.views, View::kFull, &PictureView::view));
  return profile == Profile::kStandard ? std::min(file.views.size(), kStandardViews) : file.views.size();
}

}  // namespace spanwatch::enrolment
