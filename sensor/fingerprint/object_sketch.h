// ObjectSketch: everything the fingerprint families find in one object. Made by `inspector` for each object and raw
// stream; one inspector thread; the context outlives it. Matches go to the context's sink.
#pragma once

#include <vector>

#include "fingerprint/family.h"

namespace spanwatch::fingerprint {

class ObjectSketch final : public ObjectConsumer {
 public:
  ObjectSketch(const SketchContext& context, const ObjectContext& object);

  // Always true: a family that has seen enough passes over the rest.
  bool OnData(ByteView bytes) noexcept override;
  void OnGap(std::uint64_t length) noexcept override;
  void OnArchiveEntry(const ArchiveEntry& entry) noexcept override;
  void OnEnd(ObjectEnd end) noexcept override;

  // What the bytes are, as IANA media type; empty when unknown or not yet known.
  std::string_view media_type() const { return image::MediaType(facts_.type); }
  // After OnEnd, where it was computed.
  const std::optional<Sha256Digest>& sha256() const { return facts_.sha256; }

 private:
  void Feed(ByteView bytes) noexcept;
  void Begin() noexcept;

  SketchFacts facts_;
  std::vector<std::unique_ptr<Sketcher>> families_;
  std::uint8_t head_[image::kSniffBytes] = {};
  std::size_t head_filled_ = 0;
  bool begun_ = false;
};

std::unique_ptr<ObjectSketch> MakeObjectSketch(const SketchContext& context, const ObjectContext& object);

}  // namespace spanwatch::fingerprint
