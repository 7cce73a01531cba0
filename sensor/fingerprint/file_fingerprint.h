// FingerprintFile: enrolment computes everything there is to know of one file, at once (design.md section 9.4), with
// the code that detection uses. Any thread; nothing is shared.
#pragma once

#include <filesystem>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "config/limits.h"
#include "image/luma_plane.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

// kNone: the whole picture. kFew: and its mirror, rotations and even crops of 4, 8 and 12 %. kFull: and every crop of
// 0, 4, 8 or 12 % at each side.
enum class ViewProfile : std::uint8_t { kNone, kFew, kFull };

struct EnrolmentProfile {
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;
  std::uint32_t fragment_window = 64;
  ViewProfile views = ViewProfile::kNone;
  std::optional<image::LumaRectangle> plate;  // registered as views of their own
  std::optional<image::LumaRectangle> vehicle;
};

FileFingerprint FingerprintBytes(ByteView file, const EnrolmentProfile& profile, const config::Limits& limits);
// Streams the file; holds in memory only what is a picture, up to perceptual.object_bytes.
Result<FileFingerprint> FingerprintFile(const std::filesystem::path& path, const EnrolmentProfile& profile,
                                        const config::Limits& limits);

}  // namespace spanwatch::fingerprint
