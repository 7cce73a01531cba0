#include "register/shared_fragments.h"

#include <algorithm>

namespace spanwatch::enrolment {
namespace {

constexpr int kSamePictureDistance = 40;
constexpr std::size_t kRepeatsMax = 4;

struct Place {
  std::uint64_t hash = 0;
  std::uint32_t file = 0;
  std::uint32_t fragment = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

const PictureView* FullView(const FileFingerprint& file) {
  const auto full = std::ranges::find(file.views, View::kFull, &PictureView::view);
  return full == file.views.end() ? nullptr : &*full;
}

// What becomes of the places of one hash. A group is compared with its first file only: the pictures of one group are
// all copies of one another or the window is shared.
enum class Verdict { kKeep, kShared, kRepeated };

Verdict Judge(std::span<const Place> group, std::span<FileFingerprint* const> files) {
  std::size_t in_one_file = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    in_one_file = i > 0 && group[i].file == group[i - 1].file ? in_one_file + 1 : 1;
    if (in_one_file > kRepeatsMax) return Verdict::kRepeated;
    const bool other = group[i].file != group[0].file && (i == 0 || group[i].file != group[i - 1].file);
    if (other && !IsSamePicture(*files[group[0].file], *files[group[i].file])) return Verdict::kShared;
  }
  return Verdict::kKeep;
}

}  // namespace

bool IsSamePicture(const FileFingerprint& a, const FileFingerprint& b) {
  if (a.sha256 == b.sha256 && a.size == b.size) return true;
  if (a.image_data && a.image_data == b.image_data) return true;
  const PictureView* of_a = FullView(a);
  const PictureView* of_b = FullView(b);
  return of_a != nullptr && of_b != nullptr && HammingDistance(of_a->hash, of_b->hash) <= kSamePictureDistance;
}

FragmentSieveResult DropSharedFragments(std::span<FileFingerprint* const> files) {
  std::vector<Place> places;
  for (std::uint32_t file = 0; file < files.size(); ++file) {
    for (std::uint32_t i = 0; i < files[file]->fragments.size(); ++i) {
      places.push_back({files[file]->fragments[i].hash, file, i});
    }
  }
  std::ranges::sort(places);
  FragmentSieveResult result;
  std::vector<Place> dropped;
  for (std::size_t begin = 0; begin < places.size();) {
    std::size_t end = begin + 1;
    while (end < places.size() && places[end].hash == places[begin].hash) ++end;
    const std::span<const Place> group(places.data() + begin, end - begin);
    const Verdict verdict = group.size() == 1 ? Verdict::kKeep : Judge(group, files);
    if (verdict == Verdict::kShared) result.shared += group.size();
    if (verdict == Verdict::kRepeated) result.repeated += group.size();
    if (verdict != Verdict::kKeep) dropped.insert(dropped.end(), group.begin(), group.end());
    begin = end;
  }
  result.kept = places.size() - dropped.size();
  std::ranges::sort(dropped, {}, &Place::file);
  std::vector<bool> gone;
  for (std::size_t begin = 0; begin < dropped.size();) {
    auto& fragments = files[dropped[begin].file]->fragments;
    gone.assign(fragments.size(), false);
    const std::uint32_t file = dropped[begin].file;
    for (; begin < dropped.size() && dropped[begin].file == file; ++begin) gone[dropped[begin].fragment] = true;
    std::size_t index = 0;
    std::erase_if(fragments, [&](const FragmentPrint&) { return gone[index++]; });
  }
  return result;
}

std::uint64_t DropHarmlessFragments(FileFingerprint& file, std::span<const std::uint64_t> harmless) {
  return std::erase_if(file.fragments,
                       [&](const FragmentPrint& print) { return std::ranges::binary_search(harmless, print.hash); });
}

void ThinFragments(FileFingerprint& file, std::size_t count) {
  if (file.fragments.size() <= count) return;
  // Reads at or after where it writes.
  for (std::size_t i = 0; i < count; ++i) file.fragments[i] = file.fragments[i * file.fragments.size() / count];
  file.fragments.resize(count);
}

}  // namespace spanwatch::enrolment
