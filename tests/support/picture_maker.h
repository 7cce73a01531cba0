// LaneCamera: made-up frames of a fixed camera over a vehicle lane. One camera has one background; each frame has a
// vehicle of its own (shape, colour, place, size, marks), its own light and noise, and a plate with made-up text, so
// that frames of one camera are as far apart as real gate frames are. The same seed, camera and frame number give the
// same samples everywhere. Values; any thread.
#pragma once

#include <string>

#include "support/picture_codec.h"

namespace spanwatch::test {

// Shares of the sides of a picture.
struct PictureBox {
  double left = 0, top = 0, right = 1, bottom = 1;
};

// What a lane looks like at the hour. kNight: little light and much noise; kInfrared: grey, the lane dark, the plate
// bright; kRain: haze and streaks; kHeadlights: night with two lamps that glare.
enum class LaneLight : std::uint8_t { kDay, kNight, kInfrared, kRain, kHeadlights };

struct LaneFrame {
  Picture picture;
  std::string plate;  // LLLNNNN
  PictureBox plate_box;
  PictureBox vehicle_box;
};

class LaneCamera {
 public:
  LaneCamera(std::uint64_t seed, std::uint32_t camera, std::uint32_t width = 1280, std::uint32_t height = 720);

  LaneFrame Frame(std::uint32_t number, LaneLight light = LaneLight::kDay) const;

 private:
  std::uint64_t seed_;
  Picture background_;
};

}  // namespace spanwatch::test
