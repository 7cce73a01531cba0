// Sketcher: the interface of a fingerprint family over one object. To add a family, write <name>_family.cc with
// Make<Name>Sketcher and add a line to families.def.
//
// Calls: (Update | Gap | OnArchiveEntry)* Finish. One inspector thread.
#pragma once

#include <memory>
#include <optional>

#include "config/limits.h"
#include "fingerprint/picture_key.h"
#include "fingerprint/record_family.h"
#include "image/picture_format.h"
#include "model/anomaly.h"
#include "model/match.h"
#include "model/object.h"
#include "telemetry/counters.h"

namespace spanwatch::fingerprint {

class DecodingBudget;
class FragmentSearch;
class PictureMemory;

// What a sketch works with; all outlive it. `fragments` is of the same index. `pictures` may be null: then pictures are
// not remembered between objects; so may `budget`: then pictures may cost what they like.
struct SketchContext {
  const FingerprintIndex& index;
  const RecordSearch& records;
  FragmentSearch& fragments;
  MatchSink& sink;
  const config::Limits& limits;
  Counters& counters;
  AnomalySink& anomalies;
  PictureMemory* pictures = nullptr;
  DecodingBudget* budget = nullptr;
};

// What the families of one object tell each other.
struct SketchFacts {
  image::FileType type = image::FileType::kUnknown;  // from the first bytes
  const image::PictureFormat* format = nullptr;      // of a picture; null for what is none, or is not read
  std::optional<Sha256Digest> sha256;
  // Of a picture that is whole, or of as much of a JPEG as was there: the same bytes, decoded, are the same picture.
  std::optional<PictureKey> picture;
  std::optional<PictureKey> first_scans;  // of the first scans of a progressive JPEG, as soon as they are there
  bool has_first_scans = false;
  bool pictures = false;   // some set has registered views: pictures are looked at
  bool gap = false;        // a byte before this one is missing
  std::uint64_t size = 0;  // seen so far, gaps left out
};

class Sketcher {
 public:
  virtual ~Sketcher() = default;
  virtual void Update(ByteView bytes) noexcept = 0;
  virtual void Gap(std::uint64_t length) noexcept = 0;
  // As ObjectConsumer has it.
  virtual void OnArchiveEntry([[maybe_unused]] const ArchiveEntry& entry) noexcept {}
  virtual void Finish(ObjectEnd end) noexcept = 0;
};

#define FAMILY(name, streams) \
  std::unique_ptr<Sketcher> Make_##name(const SketchContext& context, const ObjectContext& object, SketchFacts& facts);
#include "fingerprint/families.def"
#undef FAMILY

}  // namespace spanwatch::fingerprint
