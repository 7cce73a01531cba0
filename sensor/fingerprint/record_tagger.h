// RecordTagger: the one tag function of the record family (design.md section 5).
//
//   tag(value)           = first 8 bytes (big-endian) of AES-256-CMAC_k (0x01 | value)        RFC 4493 with a 256-bit
//   key pair(plate, value)   = first 8 bytes (big-endian) of AES-256-CMAC_k2(tag(plate) | tag(value)), each big-endian
//   name(text)           = as tag, under the name key
//
// A plate and most values are one AES block, so that a batch is tagged at the speed of pipelined AES; where the
// processor has no AES instructions OpenSSL does the same. Expanded keys lie in locked memory. One inspector thread
// (or one enrolment worker) each.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "fingerprint/plate_word.h"
#include "fingerprint/record_keys.h"

namespace spanwatch::fingerprint {

// kNarrow: a block an instruction; kPortable: OpenSSL. Both for the differential test.
enum class AesPath : std::uint8_t { kBest, kNarrow, kPortable };

class RecordTagger {
 public:
  explicit RecordTagger(const RecordKeys& keys, AesPath path = AesPath::kBest);
  ~RecordTagger();
  RecordTagger(RecordTagger&&) noexcept;
  RecordTagger& operator=(RecordTagger&&) noexcept;

  std::uint64_t Tag(std::string_view value) const noexcept;
  std::uint64_t PairTag(std::uint64_t plate_tag, std::uint64_t value_tag) const noexcept;
  std::uint64_t NameTag(std::string_view name) const noexcept;
  // tags[i] = Tag(plates[i]). REQUIRES: tags.size() >= plates.size()
  void TagPlates(std::span<const PlateWord> plates, std::span<std::uint64_t> tags) const noexcept;

 private:
  struct Schedules;
  struct Free {
    void operator()(Schedules* schedules) const noexcept;
  };
  std::unique_ptr<Schedules, Free> schedules_;
};

}  // namespace spanwatch::fingerprint
