#include "hashset/hashset_format.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace spanwatch::hashset {
namespace {

constexpr std::string_view kSignaturePrefix = "spanwatch hash set v2\n";

bool TakeText(ByteReader& reader, std::string& text) {
  const std::uint32_t length = reader.U32Le();
  if (length > kNameBytesMax) return false;
  text = AsText(reader.Take(length));
  return reader.ok();
}

void EncodeCollection(const CollectionRow& collection, ByteWriter& writer) {
  writer.Text(collection.name);
  writer.Text(collection.owner);
  writer.Le(collection.items);
  writer.Le(collection.bytes);
  writer.Le(collection.sure_distance);
  writer.Le(collection.weak_distance);
  writer.Le(static_cast<std::uint8_t>(collection.calibrated));
  writer.Le(std::bit_cast<std::uint64_t>(collection.false_rate));
  writer.Le(static_cast<std::uint8_t>(collection.negative));
  writer.Raw(collection.chances.eighths());
  writer.Le(collection.expires_s);
}

// Version 3 tells the chance at one distance alone.
PictureChances ChancesOfVersion3(const CollectionRow& collection) {
  PictureChances chances;
  if (!(collection.false_rate > 0)) return chances;
  for (std::size_t distance = 0; distance < PictureChances::kDistances; ++distance) {
    const double nearer = static_cast<double>(collection.sure_distance) - static_cast<double>(distance);
    chances.Set(distance, collection.false_rate * std::exp(-kPicturesThinOut * nearer));
  }
  return chances;
}

bool DecodeCollection(ByteReader& reader, std::uint32_t version, CollectionRow& collection) {
  if (!TakeText(reader, collection.name) || !TakeText(reader, collection.owner)) return false;
  collection.items = reader.U64Le();
  collection.bytes = reader.U64Le();
  collection.sure_distance = reader.U8();
  collection.weak_distance = reader.U8();
  collection.calibrated = reader.U8() != 0;
  collection.false_rate = std::bit_cast<double>(reader.U64Le());
  collection.negative = reader.U8() != 0;
  if (version > 3) {
    std::array<std::uint8_t, PictureChances::kDistances> eighths{};
    const ByteView chances = reader.Take(eighths.size());
    std::copy(chances.begin(), chances.end(), eighths.begin());
    collection.chances = PictureChances(eighths);
    collection.expires_s = reader.U32Le();
  } else {
    collection.chances = ChancesOfVersion3(collection);
  }
  return reader.ok() && collection.sure_distance <= collection.weak_distance &&
         collection.weak_distance <= kPictureDistanceMax && std::isfinite(collection.false_rate) &&
         collection.false_rate >= 0;
}

bool DecodeLists(ByteReader& reader, std::uint32_t version, Manifest& manifest) {
  const std::uint32_t collections = reader.U32Le();
  if (collections > kCollectionsMax) return false;
  for (std::uint32_t i = 0; i < collections; ++i) {
    CollectionRow collection;
    if (!DecodeCollection(reader, version, collection)) return false;
    manifest.collections.push_back(std::move(collection));
  }
  const std::uint32_t shapes = reader.U32Le();
  if (shapes > UINT16_MAX + 1u) return false;
  for (std::uint32_t i = 0; i < shapes && reader.ok(); ++i) {
    const std::uint16_t shape = reader.U16Le();
    manifest.shapes.push_back({shape, reader.U64Le()});
  }
  const std::size_t sections = version > 3 ? kSectionCount : kSectionCountOfVersion3;
  if (reader.U32Le() != sections) return false;
  for (SectionEntry& section : std::span(manifest.sections).first(sections)) {
    section.rows = reader.U64Le();
    section.offset = reader.U64Le();
    section.bytes = reader.U64Le();
    const ByteView checksum = reader.Take(section.checksum.size());
    if (!reader.ok()) return false;
    std::copy(checksum.begin(), checksum.end(), section.checksum.begin());
  }
  for (SectionEntry& section : std::span(manifest.sections).subspan(sections))
    section = {.offset = kHeaderBytes + kSignatureBytes, .checksum = SectionChecksum({})};
  return reader.ok() && reader.remaining() == 0;
}

}  // namespace

void PictureChances::Set(std::size_t distance, double chance) {
  const double eighths = std::round(-8 * std::log2(std::min(chance, 1.0)));
  eighths_[distance] = static_cast<std::uint8_t>(std::min(eighths, kNotMeasured - 1.0));
}

double PictureChances::Within(int distance) const {
  const std::uint8_t eighths = eighths_[static_cast<std::size_t>(std::clamp(distance, 0, kPictureDistanceMax))];
  return eighths == kNotMeasured ? kUnknown : std::exp2(-eighths / 8.0);
}

Bytes EncodeManifest(const Manifest& manifest) {
  ByteWriter writer;
  writer.Text(manifest.name);
  writer.Text(manifest.profile);
  writer.Le(manifest.serial);
  writer.Le(manifest.base_serial);
  writer.Raw(manifest.base_digest);
  writer.Le(manifest.created);
  writer.Le(manifest.fragment_seed);
  writer.Le(manifest.fragment_density);
  writer.Le(manifest.fragment_window);
  writer.Le(manifest.fragment_sure);
  writer.Le(static_cast<std::uint8_t>(manifest.has_records));
  writer.Le(static_cast<std::uint8_t>(manifest.has_bare_digests | manifest.has_bare_md5 << 1));
  writer.Raw(manifest.record_key_id);
  for (const std::uint64_t items : manifest.items_of_kind) writer.Le(items);
  writer.Le(static_cast<std::uint32_t>(manifest.collections.size()));
  for (const CollectionRow& collection : manifest.collections) EncodeCollection(collection, writer);
  writer.Le(static_cast<std::uint32_t>(manifest.shapes.size()));
  for (const ShapeDensity& shape : manifest.shapes) {
    writer.Le(shape.shape);
    writer.Le(shape.registered);
  }
  writer.Le(static_cast<std::uint32_t>(kSectionCount));
  for (const SectionEntry& section : manifest.sections) {
    writer.Le(section.rows);
    writer.Le(section.offset);
    writer.Le(section.bytes);
    writer.Raw(section.checksum);
  }
  return writer.Release();
}

Result<Manifest> DecodeManifest(ByteView bytes, std::uint32_t version) {
  ByteReader reader(bytes);
  Manifest manifest;
  bool whole = TakeText(reader, manifest.name) && TakeText(reader, manifest.profile);
  if (whole) {
    manifest.serial = reader.U64Le();
    manifest.base_serial = reader.U64Le();
    if (version > 3) {
      const ByteView digest = reader.Take(manifest.base_digest.size());
      std::copy(digest.begin(), digest.end(), manifest.base_digest.begin());
    }
    manifest.created = static_cast<std::int64_t>(reader.U64Le());
    manifest.fragment_seed = reader.U64Le();
    manifest.fragment_density = reader.U32Le();
    manifest.fragment_window = reader.U32Le();
    manifest.fragment_sure = reader.U32Le();
    manifest.has_records = reader.U8() != 0;
    const std::uint8_t bare = reader.U8();
    manifest.has_bare_digests = (bare & 1) != 0;
    manifest.has_bare_md5 = (bare & 2) != 0;
    const ByteView key_id = reader.Take(manifest.record_key_id.size());
    std::copy(key_id.begin(), key_id.end(), manifest.record_key_id.begin());
    for (std::uint64_t& items : manifest.items_of_kind) items = reader.U64Le();
    const bool fragments = manifest.fragment_density > 0 && manifest.fragment_window >= kFragmentWindowMin &&
                           manifest.fragment_window <= kFragmentWindowMax && manifest.fragment_sure > 0;
    whole = fragments && DecodeLists(reader, version, manifest);
  }
  if (!whole) return Fail(ErrorCode::kCorrupt, "its manifest is damaged");
  return manifest;
}

KeyRow DigestRow(const Sha256Digest& digest, std::uint32_t item) {
  ByteReader reader(digest);
  const std::uint64_t key = reader.U64Be();
  return {key, item, reader.U32Be()};
}

Sha256Digest DigestOfMd5(const Md5Digest& md5) {
  Sha256Digest digest{};
  std::ranges::copy(md5, digest.begin());
  return digest;
}

Bytes SignedMessage(ByteView header, ByteView manifest) {
  ByteWriter writer;
  writer.Raw(AsBytes(kSignaturePrefix));
  writer.Raw(header);
  writer.Raw(manifest);
  return writer.Release();
}

std::array<std::uint8_t, 32> SectionChecksum(ByteView section) {
  std::array<std::uint8_t, 32> checksum{};
  crypto_generichash(checksum.data(), checksum.size(), section.data(), section.size(), nullptr, 0);
  return checksum;
}

std::uint32_t ExpirySeconds(PacketTime expires) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(expires).time_since_epoch().count();
  return seconds >= UINT32_MAX ? 0 : static_cast<std::uint32_t>(std::max<std::int64_t>(seconds, 1));
}

PacketTime ExpiryTime(std::uint32_t seconds) {
  return seconds == 0 ? PacketTime::max() : PacketTime(std::chrono::seconds(seconds));
}

RecordKeyId RecordKeyIdOf(ByteView record_key) {
  constexpr std::string_view kText = "spanwatch record key id";
  std::array<std::uint8_t, 32> digest{};
  crypto_generichash(digest.data(), digest.size(), AsBytes(kText).data(), kText.size(), record_key.data(),
                     record_key.size());
  RecordKeyId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

}  // namespace spanwatch::hashset
