// DecodingBudget: how many pixels the pictures of one conversation may cost. A few kilobytes can announce a hundred
// million pixels, so what is decoded is paid for with bytes of the wire: each byte of a conversation earns it some
// pixels, more than any photograph needs. What is drawn beyond that (scans in black and white, diagrams) comes out of a
// pool that all conversations of an inspector share and packet time fills. Then neither one sender nor many have more
// of the inspector's time than both allow, and nobody's pictures are passed over for what others send beyond the pool.
//
// A picture may turn out dearer than its header said (scans that repeat); then the conversation is in debt until it has
// earned it. One inspector thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "config/limits.h"
#include "image/picture_decoder.h"

namespace spanwatch::fingerprint {

class DecodingPool {
 public:
  explicit DecodingPool(const config::Limits& limits) : limits_(limits), pixels_(limits.perceptual_pixels) {}

  // Packet time goes on.
  void Advance(PacketTime now) {
    if (now <= filled_) return;
    const auto seconds = std::chrono::duration<double>(std::min<Duration>(now - filled_, std::chrono::hours(1)));
    const double earned = seconds.count() * static_cast<double>(limits_.perceptual_pixels_per_second) + part_;
    filled_ = now;
    const auto whole = static_cast<std::uint64_t>(earned);
    part_ = earned - static_cast<double>(whole);
    pixels_ = std::min(pixels_ + whole, limits_.perceptual_pixels);
  }
  // The clock was set back: packet time goes on from here.
  void SetBack(PacketTime now) { filled_ = std::min(filled_, now); }
  std::uint64_t pixels() const { return pixels_; }
  // As many of them as there are; returns how many.
  std::uint64_t Take(std::uint64_t pixels) {
    const std::uint64_t taken = std::min(pixels, pixels_);
    pixels_ -= taken;
    return taken;
  }
  const config::Limits& limits() const { return limits_; }

 private:
  const config::Limits& limits_;
  std::uint64_t pixels_;
  PacketTime filled_{};
  double part_ = 0;  // of a pixel
};

class DecodingBudget final : public image::PixelBudget {
 public:
  // `pool` outlives it.
  explicit DecodingBudget(DecodingPool& pool) : pool_(pool) {}

  // Bytes of the conversation came by. What was not spent is kept up to the largest picture.
  void Earn(std::uint64_t wire_bytes) {
    const auto most = static_cast<std::int64_t>(pool_.limits().perceptual_pixels);
    const std::uint64_t earned =
        std::min(wire_bytes, pool_.limits().perceptual_pixels) * pool_.limits().perceptual_pixels_per_byte;
    earned_ = std::min(earned_ + static_cast<std::int64_t>(std::min<std::uint64_t>(earned, INT64_MAX / 4)), most);
  }
  bool Affords(std::uint64_t pixels) const noexcept override {
    return earned_ + static_cast<std::int64_t>(pool_.pixels()) >= static_cast<std::int64_t>(pixels);
  }
  void Spend(std::uint64_t pixels) {
    earned_ -= static_cast<std::int64_t>(pixels);
    if (earned_ < 0) earned_ += static_cast<std::int64_t>(pool_.Take(static_cast<std::uint64_t>(-earned_)));
  }

 private:
  DecodingPool& pool_;
  std::int64_t earned_ = 0;
};

}  // namespace spanwatch::fingerprint
