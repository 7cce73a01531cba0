#include "register/shared_fragments.h"

#include <algorithm>

#include "hashset/hashset_format.h"

namespace spanwatch::enrolment {
namespace {

constexpr int kSamePictureDistance = 40;
constexpr std::size_t kRepeatsMax = 4;

// What becomes of the windows of one hash, place by place.
class Group {
 public:
  explicit Group(std::span<const PictureIdentity> files) : files_(files) {}

  std::uint64_t hash() const { return first_.hash; }
  std::uint64_t size() const { return size_; }
  bool shared() const { return shared_; }
  bool repeated() const { return repeated_; }

  void Begin(const FragmentPlace& place) {
    first_ = last_ = place;
    size_ = in_one_file_ = 1;
    shared_ = repeated_ = false;
  }
  void Add(const FragmentPlace& place) {
    ++size_;
    in_one_file_ = place.file == last_.file ? in_one_file_ + 1 : 1;
    repeated_ |= in_one_file_ > kRepeatsMax;
    const bool next = place.file != last_.file && place.file != first_.file;
    if (!shared_ && next) shared_ = !IsSamePicture(files_[first_.file], files_[place.file]);
    last_ = place;
  }

 private:
  std::span<const PictureIdentity> files_;
  FragmentPlace first_;
  FragmentPlace last_;
  std::uint64_t size_ = 0;
  std::size_t in_one_file_ = 0;
  bool shared_ = false;
  bool repeated_ = false;
};

void EndGroup(const Group& group, std::span<const std::uint64_t> harmless, SharedFragments& shared) {
  if (group.size() == 0) return;
  const bool is_harmless = std::ranges::binary_search(harmless, group.hash());
  std::uint64_t& count = group.shared()     ? shared.result.shared
                         : group.repeated() ? shared.result.repeated
                         : is_harmless      ? shared.result.harmless
                                            : shared.result.kept;
  count += group.size();
  if (group.shared() || group.repeated() || is_harmless) shared.hashes.push_back(group.hash());
}

}  // namespace

PictureIdentity IdentityOf(const FileFingerprint& file) {
  PictureIdentity identity{.sha256 = hashset::DigestRow(file.sha256, 0).key};
  if (file.image_data) identity.image_data = hashset::DigestRow(*file.image_data, 0).key;
  const auto full = std::ranges::find(file.views, View::kFull, &PictureView::view);
  identity.has_full = full != file.views.end();
  if (identity.has_full) identity.full = full->hash;
  return identity;
}

bool IsSamePicture(const PictureIdentity& a, const PictureIdentity& b) {
  if (a.sha256 == b.sha256 || (a.image_data != 0 && a.image_data == b.image_data)) return true;
  return a.has_full && b.has_full && HammingDistance(a.full, b.full) <= kSamePictureDistance;
}

Result<SharedFragments> FindSharedFragments(hashset::ExternalSorter<FragmentPlace>& places,
                                            std::span<const PictureIdentity> files,
                                            std::span<const std::uint64_t> harmless) {
  SharedFragments shared;
  Group group(files);
  Status status = places.ForEach([&](const FragmentPlace& place) {
    if (group.size() > 0 && place.hash == group.hash()) return group.Add(place);
    EndGroup(group, harmless, shared);
    group.Begin(place);
  });
  EndGroup(group, harmless, shared);
  if (!status) return Fail(status.error());
  return shared;
}

std::uint64_t DropFragments(FileFingerprint& file, std::span<const std::uint64_t> hashes) {
  return std::erase_if(file.fragments,
                       [&](const FragmentPrint& print) { return std::ranges::binary_search(hashes, print.hash); });
}

}  // namespace spanwatch::enrolment
