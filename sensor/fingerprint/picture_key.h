// PictureKey: XXH3-128 of a picture's image data, and of what else its pixels depend on, under a secret of the
// inspector's own, so that a picture is known again between objects (PictureMemory) at a small part of what SHA-256
// costs; whoever does not know the secret cannot make two pictures of one key. PictureKeyHash: of a stream. One thread
// each.
#pragma once

#include <sys/random.h>
#include <xxhash.h>

#include <array>
#include <memory>

#include "base/bytes.h"
#include "base/check.h"

namespace spanwatch::fingerprint {

using PictureKey = std::array<std::uint8_t, 16>;

class PictureSecret {
 public:
  PictureSecret() { CHECK(::getrandom(bytes_.data(), bytes_.size(), 0) == static_cast<ssize_t>(bytes_.size())); }
  const auto& bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, 192> bytes_;
};

class PictureKeyHash {
 public:
  // `secret` outlives it.
  explicit PictureKeyHash(const PictureSecret& secret) : state_(XXH3_createState()) {
    XXH3_128bits_reset_withSecret(state_.get(), secret.bytes().data(), secret.bytes().size());
  }
  void Update(ByteView bytes) { XXH3_128bits_update(state_.get(), bytes.data(), bytes.size()); }
  PictureKey Finish() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    return std::to_array(canonical.digest);
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

}  // namespace spanwatch::fingerprint
