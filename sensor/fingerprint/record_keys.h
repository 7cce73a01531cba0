// RecordKeys: what is derived from the owner's record key (32 random bytes in a file of their own, never in a hash
// set).
//
// k tags plates and values, k2 tags pairs, the name key tags file names. An inspector is given the derived keys,
// never the record key. All of it stays in locked memory that is left out of core dumps and cleared when it goes.
// Derivation: libsodium's crypto_kdf (BLAKE2b), context "swrecord", subkeys 1 (k), 2 (k2), 3 (name). Movable;
// read-only after it was made, so safe from any thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::fingerprint {

class RecordKeys {
 public:
  static constexpr std::size_t kRecordKeySize = 32;
  static constexpr std::size_t kDerivedSize = 96;

  // REQUIRES: nothing; a key of another size is an error. The caller clears its own copy.
  static Result<RecordKeys> Derive(ByteView record_key);
  // From derived(): what an inspector receives through its descriptor.
  static Result<RecordKeys> FromDerived(ByteView derived);

  // k, k2 and the name key, 32 bytes each; valid as long as this object.
  ByteView derived() const;
  ByteView k() const { return derived().subspan(0, 32); }
  ByteView k2() const { return derived().subspan(32, 32); }
  ByteView name_key() const { return derived().subspan(64, 32); }

 private:
  struct Free {
    void operator()(std::uint8_t* bytes) const noexcept;
  };
  using Locked = std::unique_ptr<std::uint8_t, Free>;
  explicit RecordKeys(Locked bytes) : bytes_(std::move(bytes)) {}
  static Result<Locked> Allocate();

  Locked bytes_;
};

}  // namespace spanwatch::fingerprint
