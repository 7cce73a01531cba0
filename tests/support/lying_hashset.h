// Hash sets that lie under a valid signature, and a reader that asks them everything. For unit tests and the fuzz
// target.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "hashset/hashset_writer.h"
#include "hashset/item_contents.h"
#include "hashset/snapshot.h"

namespace spanwatch::hashset {

inline constexpr std::size_t kManifestOffset = kHeaderBytes + kSignatureBytes;

// Signed again, so that the lie is believed. Bytes too short for a set are returned as they are.
inline Bytes Resigned(Bytes bytes, ByteView signing_seed) {
  Header header;
  if (bytes.size() < kManifestOffset) return bytes;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.manifest_bytes > bytes.size() - kManifestOffset) return bytes;
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_key;
  crypto_sign_seed_keypair(public_key.data(), secret_key.data(), signing_seed.data());
  header.signer = public_key;
  std::memcpy(bytes.data(), &header, sizeof(header));
  const ByteView all = bytes;
  const Bytes message = SignedMessage(all.first(kHeaderBytes), all.subspan(kManifestOffset, header.manifest_bytes));
  crypto_sign_detached(bytes.data() + kHeaderBytes, nullptr, message.data(), message.size(), secret_key.data());
  return bytes;
}

// `bytes` are those of a set. What follows the manifest gets random bytes, or small numbers (that look like rows).
inline Bytes WithRandomSections(Bytes bytes, std::mt19937_64& random) {
  std::uint32_t manifest_bytes = 0;
  std::memcpy(&manifest_bytes, bytes.data() + 12, sizeof(manifest_bytes));
  const bool small = random() % 2 == 0;
  const std::uint64_t one_in = std::uint64_t{1} << random() % 10;
  for (std::size_t i = kManifestOffset + manifest_bytes; i + 4 <= bytes.size(); i += 4) {
    if (random() % one_in != 0) continue;
    const auto word = static_cast<std::uint32_t>(small ? random() % 100 : random());
    std::memcpy(bytes.data() + i, &word, sizeof(word));
  }
  return bytes;
}

// A few bytes of the header's counts or of the manifest changed.
inline Bytes WithRandomManifest(Bytes bytes, std::mt19937_64& random) {
  std::uint32_t manifest_bytes = 0;
  std::memcpy(&manifest_bytes, bytes.data() + 12, sizeof(manifest_bytes));
  for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
    const std::size_t at = random() % 8 == 0 ? 12 + random() % 12 : kManifestOffset + random() % manifest_bytes;
    bytes[at] = random() % 2 == 0 ? static_cast<std::uint8_t>(random()) : static_cast<std::uint8_t>(bytes[at] + 1);
  }
  return bytes;
}

// Every kind of lookup, with keys that are there and keys that are not; every answer's item and collection is read.
// Returns a number that depends on all of it.
inline std::uint64_t LookUpEverything(const MappedHashSet& set, std::mt19937_64& random) {
  const std::shared_ptr<const MappedHashSet> borrowed(std::shared_ptr<void>(), &set);
  const auto made = Snapshot::Make({borrowed});
  if (!made) return 0;  // it says that it is a delta
  const auto& snapshot = *made;
  snapshot->SetNow(PacketTimeFromNanoseconds(1));
  std::vector<ItemRef> items{{0, 0}, {0, UINT32_MAX}, {7, 0}};
  std::vector<std::uint64_t> keys{0, UINT64_MAX};
  for (int i = 0; i < 40; ++i) keys.push_back(random());
  std::vector<FingerprintIndex::PlateHit> plates;
  std::vector<FragmentPrint> prints;
  std::vector<SizeHit> sizes;
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < set.file_bytes() / 8; i += 1 + i / 16) keys.push_back(i);
  for (const std::uint64_t key : keys) {
    prints.push_back({key, key});
    Sha256Digest digest{};
    std::memcpy(digest.data(), &key, sizeof(key));
    snapshot->FindDigest(digest, key, items);
    snapshot->FindImageData(digest, items);
    snapshot->FindArchiveEntry(static_cast<std::uint32_t>(key), key, items);
    snapshot->FindFileSize(key, sizes);
    counted += snapshot->CountFileSizes(key, key + key / 64);
    if (snapshot->MayBegin(key)) items.push_back({0, static_cast<std::uint32_t>(key)});
  }
  snapshot->FindPlates(0, keys, plates);
  snapshot->FindPairs(0, keys, plates);
  for (const auto& plate : plates) items.push_back(plate.item);
  for (const SizeHit& size : sizes) items.push_back(size.item);
  std::vector<FragmentHit> fragments;
  snapshot->FindFragments(0, prints, fragments);
  for (const FragmentHit& hit : fragments) items.push_back(hit.item);
  std::vector<PictureHit> pictures;
  // The narrow distances go through the slots.
  for (const int distance : {256, 30, 22, 10, 0}) snapshot->FindPictures({{random(), 0, 0, 0}}, distance, pictures);
  snapshot->FindPictures({{0, 0, 0, 0}}, 22, pictures);
  std::uint64_t sum = snapshot->RegisteredPlates(0, 0xf0) + snapshot->Set(0).name.size() + counted;
  sum += set.Removes({}) + ItemContents(set).size();
  for (const PictureHit& hit : pictures) {
    items.push_back(hit.item);
    sum += ToString(hit.view).size();
  }
  for (const ItemRef& item : items) {
    const CollectionFacts collection = snapshot->Collection(item);
    sum += snapshot->Item(item).size + collection.items + collection.name.size() + collection.owner.size();
  }
  return sum;
}

}  // namespace spanwatch::hashset
