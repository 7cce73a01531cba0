// Fingerprint values (design.md section 5): what enrolment computes, what the hash set stores, what the sensor looks
// up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/enumeration.h"

namespace spanwatch {

using Sha256Digest = std::array<std::uint8_t, 32>;
using Md5Digest = std::array<std::uint8_t, 16>;
using ItemId = std::array<std::uint8_t, 16>;  // 128 random bits; lower-case hex in events

// PDQ hash: bit i of the reference's 256, word i/64, least significant first.
struct PdqHash {
  std::array<std::uint64_t, 4> words{};
  friend bool operator==(const PdqHash&, const PdqHash&) = default;
};

// What tells a copy from a look-alike among pictures of near hashes: fingerprint/picture_detail.h.
struct PictureDetail {
  std::array<std::uint64_t, 4> words{};
  friend bool operator==(const PictureDetail&, const PictureDetail&) = default;
};

inline int HammingDistance(const PdqHash& a, const PdqHash& b) {
  int distance = 0;
  for (std::size_t i = 0; i < a.words.size(); ++i) distance += __builtin_popcountll(a.words[i] ^ b.words[i]);
  return distance;
}

enum class View : std::uint8_t {
  kFull,
  kPlateCrop,
  kVehicleCrop,
  kOffsetCrop,
  kMirror,
  kRotate90,
  kRotate180,
  kRotate270
};
template <>
inline constexpr std::size_t kCountOf<View> = 8;

constexpr std::string_view ToString(View view) {
  constexpr std::string_view kNames[] = {"full",   "plate-crop", "vehicle-crop", "offset-crop",
                                         "mirror", "rotate-90",  "rotate-180",   "rotate-270"};
  static_assert(std::size(kNames) == kCountOf<View>);
  return kNames[static_cast<std::size_t>(view)];
}

struct PictureView {
  PdqHash hash;
  std::uint8_t quality = 0;  // 0..100, as PDQ defines it
  View view = View::kFull;
};

// One sampled window of a file: where it starts, and the seeded 64-bit hash of its 64 bytes.
struct FragmentPrint {
  std::uint64_t offset = 0;
  std::uint64_t hash = 0;
  friend auto operator<=>(const FragmentPrint&, const FragmentPrint&) = default;
};

// Everything enrolment computes of one file, at once, since it keeps nothing else (design.md section 9.4).
struct FileFingerprint {
  std::uint64_t size = 0;
  Sha256Digest sha256{};
  Md5Digest md5{};
  std::uint32_t crc32 = 0;
  std::array<std::uint8_t, 16> xxh3_128{};  // canonical (big-endian) form
  std::uint64_t head_xxh3 = 0;              // XXH3-64 of the first KiB (or of the whole when shorter)
  std::optional<Sha256Digest> image_data;   // SHA-256 of JPEG scan data or PNG IDAT alone
  std::uint64_t image_head_xxh3 = 0;        // XXH3-64, seeded, of the first KiB of the image data; 0 without
  std::vector<PictureView> views;           // empty when the file is no picture that we decode
  std::optional<PictureDetail> detail;      // of the whole picture
  std::vector<FragmentPrint> fragments;     // ascending by offset, low-entropy windows left out
};

// One plate record, as keyed tags: nothing here can be read back without the record key.
struct RecordFingerprint {
  std::uint64_t plate_tag = 0;           // K0: normalised plate
  std::uint64_t folded_tag = 0;          // K1: O,Q as 0 and I as 1
  std::uint16_t shape = 0;               // number in the built-in plate shape table
  std::vector<std::uint64_t> pair_tags;  // plate with each supporting value
};

}  // namespace spanwatch
