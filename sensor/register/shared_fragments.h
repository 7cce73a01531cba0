// Takes out of the items of a register the fragment windows that would name the wrong item: those shared between
// different pictures or files, and those that repeat within one. Used by `register build`. Pure; one thread.
#pragma once

#include <span>

#include "model/fingerprint.h"

namespace spanwatch::enrolment {

struct FragmentSieveResult {
  std::uint64_t kept = 0;
  std::uint64_t shared = 0;    // windows dropped: in two or more different items
  std::uint64_t repeated = 0;  // windows dropped: more than a few times in one item
};

// The same picture: equal bytes, equal image data, or PDQ distance up to 40. Copies must not erase each other's windows
// (design.md section 9.4).
bool IsSamePicture(const FileFingerprint& a, const FileFingerprint& b);

FragmentSieveResult DropSharedFragments(std::span<FileFingerprint* const> files);

// Takes away the windows that a known harmless file has too; returns how many. `harmless`: hashes, ascending.
std::uint64_t DropHarmlessFragments(FileFingerprint& file, std::span<const std::uint64_t> harmless);

// Keeps about `count` windows of a file, evenly spread over it (the compact profile).
void ThinFragments(FileFingerprint& file, std::size_t count);

}  // namespace spanwatch::enrolment
