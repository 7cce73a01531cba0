// FingerprintIndex: what a loaded hash set answers. Implemented by `hashset` over its mapped file (and by fakes in
// tests), called by the families of `fingerprint` in an inspector.
//
// Immutable while a batch is processed; every method is const, allocation-free but for the caller's vectors, and safe
// from any thread. A set that lies about itself may answer wrongly; it never makes a lookup leave its bounds.
//
// A lookup gives no item that has expired or that a delta took back. It does give those of negative banks, so that the
// caller may subtract what they match.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/fingerprint.h"
#include "base/time.h"

namespace spanwatch {

// One registered item: which of the loaded sets, and its row there. Valid for one snapshot.
struct ItemRef {
  std::uint16_t set = 0;
  std::uint32_t row = 0;
  friend auto operator<=>(const ItemRef&, const ItemRef&) = default;
};

enum class ItemKind : std::uint8_t { kImage, kRecord, kFile };  // kFile: registered, no picture that we decode
template <>
inline constexpr std::size_t kCountOf<ItemKind> = 3;

struct ItemFacts {
  ItemId id{};
  ItemKind kind = ItemKind::kFile;
  std::uint32_t collection = 0;      // row in the set's collections
  std::uint64_t size = 0;            // 0 when unknown (imported digests, records)
  std::uint32_t fragment_count = 0;  // registered windows
  PacketTime expires = PacketTime::max();
  bool negative = false;  // known harmless (a negative bank): a match of it is subtracted, never told
};

struct CollectionFacts {
  std::string_view name;  // valid as long as the snapshot
  std::string_view owner;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
  std::uint8_t sure_distance = 31;  // perceptual thresholds of this collection
  std::uint8_t weak_distance = 40;
  bool calibrated = false;  // measured by `register build`; until then one perceptual hit alone is weak
  double false_rate = 0;    // expected false partners per unrelated picture at sure_distance; 0: not known
  bool negative = false;
};

struct SetFacts {
  std::string_view name;
  std::uint64_t serial = 0;
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;  // one position in so many is sampled
  std::uint32_t fragment_window = 64;    // bytes of a window
  std::uint32_t fragment_sure = 2;       // windows that agree and make a match sure
  bool has_fragments = true;             // some window is registered
  bool has_records = false;
  bool has_bare_digests = false;  // forces the digest of every object
  bool has_bare_md5 = false;      // forces the MD5 of every object
  bool has_negatives = false;     // some collection of it is known harmless
};

struct FragmentHit {
  FragmentPrint print;  // as looked up
  ItemRef item;
  std::uint64_t registered_offset = 0;
};

struct SizeHit {
  ItemRef item;
  std::uint32_t crc32 = 0;
};

struct PictureHit {
  ItemRef item;
  std::uint16_t distance = 0;
  View view = View::kFull;
};

// How many distinct plates of one shape are registered, for the probability by chance.
struct ShapeDensity {
  std::uint16_t shape = 0;
  std::uint64_t registered = 0;
};

class FingerprintIndex {
 public:
  virtual ~FingerprintIndex() = default;

  virtual std::size_t set_count() const = 0;
  virtual SetFacts Set(std::size_t set) const = 0;
  virtual ItemFacts Item(ItemRef item) const = 0;
  virtual CollectionFacts Collection(ItemRef item) const = 0;

  // Appends the items whose file has this digest; `size` is checked where the register knows it.
  virtual void FindDigest(const Sha256Digest& sha256, std::uint64_t size, std::vector<ItemRef>& found) const = 0;
  // Appends the items of which nothing but this MD5 is known.
  virtual void FindMd5([[maybe_unused]] const Md5Digest& md5, [[maybe_unused]] std::vector<ItemRef>& found) const {}
  virtual void FindImageData(const Sha256Digest& sha256, std::vector<ItemRef>& found) const = 0;
  // False: no registered file, or no registered image data, begins with a first KiB of this XXH3-64 (fingerprint/
  // file_head.h), so that an exact match is impossible (unless a set has_bare_digests).
  virtual bool MayBegin(std::uint64_t head_xxh3) const = 0;
  // Appends the items with this CRC-32 and size, which the readable directory of an encrypted archive tells, none when
  // a known harmless file has them too; where it hides the CRC-32, those of this size with theirs. At most 16 of a set.
  virtual void FindArchiveEntry([[maybe_unused]] std::uint32_t crc32, [[maybe_unused]] std::uint64_t size,
                                [[maybe_unused]] std::vector<ItemRef>& found) const {}
  virtual void FindFileSize([[maybe_unused]] std::uint64_t size, [[maybe_unused]] std::vector<SizeHit>& found) const {}
  // How many registered files have a size from `least` to `most`.
  virtual std::uint64_t CountFileSizes([[maybe_unused]] std::uint64_t least,
                                       [[maybe_unused]] std::uint64_t most) const {
    return 0;
  }
  // Looks up a batch with prefetch in one set; `prints` were hashed with that set's seed and density.
  virtual void FindFragments(std::size_t set, std::span<const FragmentPrint> prints,
                             std::vector<FragmentHit>& found) const = 0;
  // Whether any view is registered: without one no picture need be decoded.
  virtual bool HasPictures() const { return false; }
  // Every registered view within `max_distance` that some collection of its set still calls a match, exact in recall;
  // at most 64 nearest, one per item.
  virtual void FindPictures(const PdqHash& hash, int max_distance, std::vector<PictureHit>& found) const = 0;
  // What tells a copy of this picture from another that looks like it; nothing where the set does not have it.
  virtual std::optional<PictureDetail> Detail([[maybe_unused]] ItemRef item) const { return std::nullopt; }
  // How likely a picture that nobody registered, of the same cameras, lies within `distance` of a registered one of
  // this item's collection, as calibration measured it: at most 1.
  virtual double ChanceOfPicture([[maybe_unused]] ItemRef item, [[maybe_unused]] int distance) const { return 1; }
  // For each plate tag (K0 or K1 alike) appends (index into tags, item). Tags were made with that set's record key.
  struct PlateHit {
    std::uint32_t tag_index = 0;
    ItemRef item;
    bool folded = false;  // matched by K1 only
  };
  virtual void FindPlates(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const = 0;
  // For each pair tag appends (index into tags, item).
  virtual void FindPairs(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const = 0;
  // Registered distinct plates (K0) of this shape, over one set.
  virtual std::uint64_t RegisteredPlates(std::size_t set, std::uint16_t shape) const = 0;
};

}  // namespace spanwatch
