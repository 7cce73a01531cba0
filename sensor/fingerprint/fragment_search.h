// FindFragments: the registered ones among some sampled windows, but for those that say nothing (repeating_window.h).
//
// FragmentSearch: the registered windows of all loaded sets in the bytes that one call brings to an inspector, found
// once, whoever asks: a raw stream, the message that a parser cut out of it, a part of that and a file carved from it
// are runs of the same bytes. A window's print needs nothing but the window, so what is found does not depend on who
// asked first.
//
// Begin Find* End for each call; bytes that came from elsewhere (decoded, or held back from an earlier call) are told
// by their address, and their object samples them itself. Made with the index, which outlives it. One inspector thread.
#pragma once

#include <functional>
#include <vector>

#include "fingerprint/fragment_sampler.h"
#include "model/fingerprint_index.h"

namespace spanwatch::fingerprint {

// Appends to `hits`.
void FindFragments(const FingerprintIndex& index, std::size_t set, std::span<const FragmentPrint> prints,
                   const WindowBytes& windows, std::vector<FragmentHit>& hits) noexcept;

// Sets whose windows are of one length: their bytes are scanned once for all of them. Sets of one register (a whole set
// and its deltas) share a kind, that is the prints too.
struct FragmentLane {
  WindowScanner scanner;
  std::vector<std::vector<std::size_t>> sets;  // by kind

  // Looks up prints of this lane's scanner in every set of their kind; appends to `hits`.
  void Find(const FingerprintIndex& index, std::span<const FragmentPrint> prints, const WindowBytes& windows,
            std::vector<FragmentHit>& hits) const noexcept {
    for (const std::size_t set : sets[windows.kind]) FindFragments(index, set, prints, windows, hits);
  }
};

class FragmentSearch {
 public:
  explicit FragmentSearch(const FingerprintIndex& index);

  // They stay as they are until End.
  void Begin(ByteView bytes) noexcept {
    bytes_ = bytes;
    searched_ = false;
  }
  void End() noexcept { bytes_ = {}; }

  // True when `piece` is a run of the call's bytes.
  bool Holds(ByteView piece) const noexcept {
    const std::less_equal<const std::uint8_t*> not_behind;
    return !piece.empty() && !bytes_.empty() && not_behind(bytes_.data(), piece.data()) &&
           not_behind(piece.data() + piece.size(), bytes_.data() + bytes_.size());
  }
  // Appends the windows that lie wholly inside `piece`, in ascending order; their offsets count from `from`, that of
  // the piece's first byte. REQUIRES: Holds(piece)
  void Find(ByteView piece, std::uint64_t from, std::vector<FragmentHit>& hits) noexcept;

  const FingerprintIndex& index() const { return index_; }
  const std::vector<FragmentLane>& lanes() const { return lanes_; }

 private:
  void Search() noexcept;

  const FingerprintIndex& index_;
  std::vector<FragmentLane> lanes_;
  std::vector<std::size_t> windows_;  // bytes of one, by set
  ByteView bytes_;
  bool searched_ = false;
  std::vector<FragmentHit> found_;
};

}  // namespace spanwatch::fingerprint
