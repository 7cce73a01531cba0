// FindFragments: the registered ones among some sampled windows, but for those that say nothing (repeating_window.h).
//
// FragmentSearch: the registered windows of the bytes that one call brings to an inspector, found once, whoever asks: a
// raw stream, the message that a parser cut out of it, a part of that and a file carved from it are runs of the same
// bytes. A window's print needs nothing but the window, so what is found does not depend on who asked first.
//
// Begin (Find)* End for each call; bytes that came from elsewhere (decoded, or held back from an earlier call) are told
// by their address, and their object samples them itself. One inspector thread.
#pragma once

#include <functional>
#include <vector>

#include "fingerprint/fragment_sampler.h"
#include "model/fingerprint_index.h"

namespace spanwatch::fingerprint {

// Appends to `hits`.
void FindFragments(const FingerprintIndex& index, std::size_t set, std::span<const FragmentPrint> prints,
                   const WindowBytes& windows, std::vector<FragmentHit>& hits) noexcept;

class FragmentSearch {
 public:
  // Both stay as they are until End.
  void Begin(const FingerprintIndex& index, ByteView bytes) noexcept;
  void End() noexcept { bytes_ = {}; }

  // True when `piece` is a run of the call's bytes.
  bool Holds(ByteView piece) const noexcept {
    const std::less_equal<const std::uint8_t*> not_behind;
    return !piece.empty() && !bytes_.empty() && not_behind(bytes_.data(), piece.data()) &&
           not_behind(piece.data() + piece.size(), bytes_.data() + bytes_.size());
  }
  // Windows of one set that lie wholly inside `piece`, in ascending order; offsets count from the call's first byte.
  // Valid until End. REQUIRES: Holds(piece); `scanner` is that of the set
  std::span<const FragmentHit> Find(std::size_t set, const WindowScanner& scanner, ByteView piece) noexcept;
  std::uint64_t OffsetOf(ByteView piece) const noexcept {
    return static_cast<std::uint64_t>(piece.data() - bytes_.data());
  }

 private:
  struct Found {
    bool searched = false;
    std::vector<FragmentHit> hits;
  };

  const FingerprintIndex* index_ = nullptr;
  ByteView bytes_;
  std::vector<Found> sets_;
};

}  // namespace spanwatch::fingerprint
