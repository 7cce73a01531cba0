#include "fingerprint/record_keys.h"

#include <algorithm>

#include <sodium.h>

namespace spanwatch::fingerprint {
namespace {

constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "swrecord";
constexpr std::size_t kSubkeySize = 32;
constexpr std::size_t kStackOfDerivation = 16 * 1024;  // that the key passes through, libsodium's own included
static_assert(crypto_kdf_KEYBYTES == RecordKeys::kRecordKeySize);

}  // namespace

void RecordKeys::Free::operator()(std::uint8_t* bytes) const noexcept { sodium_free(bytes); }

Result<RecordKeys::Locked> RecordKeys::Allocate() {
  if (sodium_init() < 0) return Fail(ErrorCode::kUnavailable, "libsodium finds no source of randomness");
  Locked bytes(static_cast<std::uint8_t*>(sodium_malloc(kDerivedSize)));
  if (!bytes)
    return Fail(ErrorCode::kLimit, "no locked memory for {} bytes of keys: raise RLIMIT_MEMLOCK", kDerivedSize);
  return bytes;
}

Result<RecordKeys> RecordKeys::Derive(ByteView record_key) {
  if (record_key.size() != kRecordKeySize) {
    return Fail(ErrorCode::kInvalid, "a record key has {} bytes, this one has {}", kRecordKeySize, record_key.size());
  }
  auto bytes = Allocate();
  if (!bytes) return Fail(std::move(bytes.error()));
  for (std::uint64_t subkey = 0; subkey < kDerivedSize / kSubkeySize; ++subkey) {
    crypto_kdf_derive_from_key(bytes->get() + subkey * kSubkeySize, kSubkeySize, subkey + 1, kContext,
                               record_key.data());
  }
  sodium_stackzero(kStackOfDerivation);
  return RecordKeys(std::move(*bytes));
}

Result<RecordKeys> RecordKeys::FromDerived(ByteView derived) {
  if (derived.size() != kDerivedSize) {
    return Fail(ErrorCode::kInvalid, "derived record keys have {} bytes, these have {}", kDerivedSize, derived.size());
  }
  auto bytes = Allocate();
  if (!bytes) return Fail(std::move(bytes.error()));
  std::ranges::copy(derived, bytes->get());
  return RecordKeys(std::move(*bytes));
}

ByteView RecordKeys::derived() const { return {bytes_.get(), kDerivedSize}; }

}  // namespace spanwatch::fingerprint
