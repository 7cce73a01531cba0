// Match: one registered item recognised in one object, with its evidence. From `fingerprint` to `inspector`.
#pragma once

#include "base/enumeration.h"
#include "model/fingerprint_index.h"

namespace spanwatch {

// Ordered from best to least: an item counts once per flow, by its best method (design.md section 9.3).
enum class Method : std::uint8_t { kExact, kArchiveEntry, kFragment, kPerceptual, kRecord };
template <>
inline constexpr std::size_t kCountOf<Method> = 5;
enum class Confidence : std::uint8_t { kWeak, kSure };
template <>
inline constexpr std::size_t kCountOf<Confidence> = 2;

constexpr std::string_view ToString(Method method) {
  constexpr std::string_view kNames[] = {"exact", "archive-entry", "fragment", "perceptual", "record"};
  static_assert(std::size(kNames) == kCountOf<Method>);
  return kNames[static_cast<std::size_t>(method)];
}
constexpr std::string_view ToString(Confidence confidence) { return confidence == Confidence::kSure ? "sure" : "weak"; }

struct Match {
  ItemRef item;
  Method method = Method::kExact;
  Confidence confidence = Confidence::kSure;
  bool image_data = false;  // exact: the picture agrees, its metadata need not
  // perceptual
  std::uint16_t distance = 0;
  View view = View::kFull;
  std::uint8_t quality = 0;
  // fragment: windows found of those registered, and the share of the file they span
  std::uint32_t fragments_found = 0;
  std::uint32_t fragments_registered = 0;
  float coverage = 0;
  std::uint64_t offset = 0;  // of the evidence in the object's bytes
  // record
  bool supported = false;  // a supporting column agreed
};

// The ratio test over one object or window (design.md section 5, Record).
struct RecordEvidence {
  std::uint32_t distinct_plates = 0;
  std::uint32_t supported_plates = 0;
  std::uint64_t distinct_tokens = 0;  // of the same shapes
  double probability = 1;             // that chance alone gives so many
  bool structured = false;            // inside a recognised LPR structure
};

// The distinct pictures that a source sent to a destination, against the pictures of one collection: how likely are so
// many alike to them when none is a copy? (design.md section 10, Evidence.)
struct PictureEvidence {
  std::uint64_t pictures_seen = 0;   // looked at, within a day
  std::uint64_t pictures_alike = 0;  // of these: like a registered one of the collection
  double probability = 1;            // that chance alone gives so many, so near
};

// The readable directory of an encrypted archive against the register (algorithms.md section 6).
struct ArchiveEvidence {
  std::uint64_t entries_listed = 0;   // distinct encrypted entries whose size can be read
  std::uint64_t entries_matched = 0;  // registered by CRC-32 and size
  std::uint64_t sizes_matched = 0;    // registered by size, in archives that hide the CRC-32
  double probability = 1;             // that chance alone gives so many
};

// Called by the families while bytes arrive (as soon as a match is certain) and again at the object's end, when a later
// call for the same item and method replaces the earlier one.
class MatchSink {
 public:
  virtual ~MatchSink() = default;
  virtual void OnMatch(const Match& match) noexcept = 0;
  // Once a picture, before its matches: it was looked up by its looks.
  virtual void OnPicture([[maybe_unused]] const PdqHash& hash) noexcept {}
  virtual void OnRecordEvidence(const RecordEvidence& evidence) noexcept = 0;
  // Again whenever it has changed, before the matches that it belongs to.
  virtual void OnArchiveEvidence([[maybe_unused]] const ArchiveEvidence& evidence) noexcept {}
  // Once an object: it has the structure of licence-plate records, whether or not any of them is registered.
  virtual void OnLprStructure() noexcept {}
  // True once something in this object was named by exact or fragment: what costs more need not look any further.
  virtual bool AlreadyNamed() const noexcept = 0;
};

}  // namespace spanwatch
