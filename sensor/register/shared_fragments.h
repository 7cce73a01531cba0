// Finds the fragment windows of a register that would name the wrong item: those shared between different pictures or
// files, those that repeat within one, and those of known harmless content. They stay with the items, so that an item
// is the same whatever else is registered, and the set lists them as common. Used by `register build`. Pure; one
// thread.
#pragma once

#include <span>
#include <vector>

#include "hashset/external_sorter.h"
#include "model/fingerprint.h"

namespace spanwatch::enrolment {

struct FragmentSieveResult {
  std::uint64_t kept = 0;
  std::uint64_t shared = 0;    // windows dropped: in two or more different items
  std::uint64_t repeated = 0;  // windows dropped: more than a few times in one item
  std::uint64_t harmless = 0;  // windows dropped: a negative bank has them
};

// What tells whether two files show the same picture. Of digests the first 64 bits: there may be millions of files, and
// only those that share a window are compared.
struct PictureIdentity {
  std::uint64_t sha256 = 0;
  std::uint64_t image_data = 0;  // 0: none
  PdqHash full;
  bool has_full = false;
};
PictureIdentity IdentityOf(const FileFingerprint& file);
// The same picture: equal bytes, equal image data, or PDQ distance up to 40. Copies must not erase each other's windows
// (design.md section 9.4).
bool IsSamePicture(const PictureIdentity& a, const PictureIdentity& b);

// A window and where it stands.
struct FragmentPlace {
  std::uint64_t hash = 0;
  std::uint32_t file = 0;      // row of `files` below
  std::uint32_t fragment = 0;  // of that file
  friend auto operator<=>(const FragmentPlace&, const FragmentPlace&) = default;
};

struct SharedFragments {
  FragmentSieveResult result;
  std::vector<std::uint64_t> hashes;  // of these windows, ascending
};
// `places`: every window of every file. A group of equal windows is compared with its first file only: the pictures of
// one group are all copies of one another or the window is shared.
// `harmless`: hashes, ascending.
Result<SharedFragments> FindSharedFragments(hashset::ExternalSorter<FragmentPlace>& places,
                                            std::span<const PictureIdentity> files,
                                            std::span<const std::uint64_t> harmless = {});

// Takes these windows away; returns how many. `hashes` ascend.
std::uint64_t DropFragments(FileFingerprint& file, std::span<const std::uint64_t> hashes);

}  // namespace spanwatch::enrolment
