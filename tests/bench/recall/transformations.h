// What is done to a picture between its registration and the wire: one transformation and strength is one row of the
// recall table. Pure; the same seed gives the same copy.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "support/picture_maker.h"

namespace spanwatch::bench {

using Random = std::mt19937_64;

// A whole file. `original` is the registered file of the same picture; boxes are of frames with a vehicle.
struct Subject {
  test::Picture picture;
  Bytes original;
  test::PictureBox plate_box;
  test::PictureBox vehicle_box;
};

struct Transformation {
  std::string name;
  std::string strength;
  std::function<Bytes(const Subject&, Random&)> copy;
  bool vehicles_only = false;
};

const std::vector<Transformation>& Transformations();

}  // namespace spanwatch::bench
