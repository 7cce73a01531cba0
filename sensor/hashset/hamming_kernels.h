// The inner loops of the picture index, each compiled for several kinds of processor; the best that runs here is chosen
// once. Pure; any thread.
#pragma once

#include <span>

#include "model/fingerprint.h"

namespace spanwatch::hashset {

struct HammingKernels {
  // Distance of each of `hashes`.
  void (*distances)(const PdqHash& hash, std::span<const PdqHash> hashes, std::uint16_t* distances);
  // Distance of each hash that `ids` names. REQUIRES: ids inside `hashes`.
  void (*distances_of)(const PdqHash& hash, std::span<const PdqHash> hashes, std::span<const std::uint32_t> ids,
                       std::uint16_t* distances);
  // Where `checks` differ from `check` in at most `limit` bits: ascending positions, their number returned.
  // REQUIRES: room for one position for each check.
  std::size_t (*near)(std::span<const std::uint16_t> checks, std::uint16_t check, int limit, std::uint32_t* positions);
  // The bits of `hash` under `mask`, moved together.
  std::uint64_t (*gather)(const PdqHash& hash, const PdqHash& mask);
};

const HammingKernels& Kernels();
// What runs on any processor: for tests, which compare.
const HammingKernels& PlainKernels();

}  // namespace spanwatch::hashset
