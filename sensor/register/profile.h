// Profile: how much of each item is registered. Chosen when a register is made, so that enrolment keeps no more than
// its sets will use; a set may be built with less. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/fingerprint.h"

namespace spanwatch::enrolment {

// compact: digests, one PDQ, at most 16 windows a file (ten million images); standard: all windows, few views; full:
// all views (the breach's 184,000).
enum class Profile : std::uint8_t { kCompact, kStandard, kFull };

inline constexpr std::array<std::string_view, 3> kProfileNames = {"compact", "standard", "full"};
constexpr std::string_view ToString(Profile profile) { return kProfileNames[static_cast<std::size_t>(profile)]; }
// The fullest when there is none of that name.
Profile ProfileNamed(std::string_view name);

// Leaves of a file what the profile keeps. Of its windows those of the least hashes stay: different files keep the same
// of the windows that they share, so that these are noticed as shared.
void Reduce(FileFingerprint& file, Profile profile);
void ReduceViews(std::vector<PictureView>& views, Profile profile);
// How many would stay.
std::size_t KeptWindows(const FileFingerprint& file, Profile profile);
std::size_t KeptViews(const FileFingerprint& file, Profile profile);

}  // namespace spanwatch::enrolment
