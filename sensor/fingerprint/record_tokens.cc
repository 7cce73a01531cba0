#include "fingerprint/record_tokens.h"

#include "fingerprint/plate_shapes.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::uint64_t kPlaceStep = 0x9E3779B97F4A7C15;

}  // namespace

std::uint32_t RecordTokens::ClassOf(std::uint16_t shape, TokenPlace place) {
  if (numbers_.empty()) numbers_.resize(kTokenPlaces * kShapeNumbers);
  const std::size_t key = static_cast<std::size_t>(place) * kShapeNumbers + shape;
  if (numbers_[key] == 0) {
    keys_.push_back(static_cast<std::uint16_t>(key));
    numbers_[key] = static_cast<std::uint16_t>(keys_.size());
  }
  return numbers_[key] - 1U;
}

void RecordTokens::Add(RecordTokenSample& sample, std::uint16_t shape, TokenPlace place, std::uint64_t tag) {
  const std::uint32_t number = ClassOf(shape, place);
  // The same token in two places is two tokens.
  sample.Insert(tag + static_cast<std::uint64_t>(place) * kPlaceStep, static_cast<std::uint16_t>(number));
}

void RecordTokens::Clear() {
  for (const std::uint16_t key : keys_) numbers_[key] = 0;
  keys_.clear();
  misses_.Clear();
}

}  // namespace spanwatch::fingerprint
