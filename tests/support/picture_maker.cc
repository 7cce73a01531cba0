#include "support/picture_maker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

namespace spanwatch::test {
namespace {

std::uint64_t Mix(std::uint64_t value) {  // the finaliser of SplitMix64
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(Mix(seed + 0x9E3779B97F4A7C15u)) {}
  std::uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15u); }
  std::uint32_t Below(std::uint32_t limit) { return static_cast<std::uint32_t>((Next() >> 32) * limit >> 32); }
  double In(double low, double high) { return low + (high - low) * static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

struct Colour {
  double red = 0, green = 0, blue = 0;
  Colour operator*(double factor) const { return {red * factor, green * factor, blue * factor}; }
};
struct Point {
  double x = 0, y = 0;
};

void Put(Picture& picture, std::uint32_t x, std::uint32_t y, const Colour& colour) {
  const auto level = [](double value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); };
  std::uint8_t* out = picture.At(x, y);
  out[0] = level(colour.red);
  out[1] = level(colour.green);
  out[2] = level(colour.blue);
}

// Smooth values over a unit square, from a coarse grid of random ones in [-1, 1].
class Field {
 public:
  Field(Random& random, int columns, int rows) : columns_(columns), rows_(rows) {
    for (int i = 0; i < (columns + 1) * (rows + 1); ++i) values_.push_back(random.In(-1, 1));
  }
  double At(double x, double y) const {
    const double column = std::clamp(x, 0.0, 0.9999) * columns_;
    const double row = std::clamp(y, 0.0, 0.9999) * rows_;
    const auto at =
        static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_ + 1) + static_cast<std::size_t>(column);
    const double right = column - std::floor(column);
    const double down = row - std::floor(row);
    const double* above = values_.data() + at;
    const double* below = above + columns_ + 1;
    return (above[0] * (1 - right) + above[1] * right) * (1 - down) +
           (below[0] * (1 - right) + below[1] * right) * down;
  }

 private:
  int columns_;
  int rows_;
  std::vector<double> values_;
};

// Grain of one pixel, in [-1, 1].
double Grain(std::uint64_t seed, std::uint32_t x, std::uint32_t y) {
  return static_cast<double>(Mix(seed ^ (std::uint64_t{y} << 32 | x)) >> 40) * 0x1p-23 - 1;
}

// Fills a convex polygon; shade gives the colour of a pixel.
template <typename Shade>
void Fill(Picture& picture, std::span<const Point> corners, Shade&& shade) {
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    double left = 1e9, right = -1e9;
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const Point& a = corners[i];
      const Point& b = corners[(i + 1) % corners.size()];
      if ((a.y <= y) == (b.y <= y)) continue;
      const double x = a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y);
      left = std::min(left, x);
      right = std::max(right, x);
    }
    const auto end = static_cast<std::uint32_t>(std::clamp(right, 0.0, static_cast<double>(picture.width)));
    for (auto x = static_cast<std::uint32_t>(std::clamp(left, 0.0, 1e9)); x < end; ++x) Put(picture, x, y, shade(x, y));
  }
}

// 5x7 dots: a row each, the left dot in bit 4.
constexpr std::array<std::string_view, 36> kGlyphs = {
    "\x0E\x11\x13\x15\x19\x11\x0E", "\x04\x0C\x04\x04\x04\x04\x0E", "\x0E\x11\x01\x02\x04\x08\x1F",
    "\x1F\x02\x04\x02\x01\x11\x0E", "\x02\x06\x0A\x12\x1F\x02\x02", "\x1F\x10\x1E\x01\x01\x11\x0E",
    "\x06\x08\x10\x1E\x11\x11\x0E", "\x1F\x01\x02\x04\x08\x08\x08", "\x0E\x11\x11\x0E\x11\x11\x0E",
    "\x0E\x11\x11\x0F\x01\x02\x0C", "\x0E\x11\x11\x1F\x11\x11\x11", "\x1E\x11\x11\x1E\x11\x11\x1E",
    "\x0E\x11\x10\x10\x10\x11\x0E", "\x1C\x12\x11\x11\x11\x12\x1C", "\x1F\x10\x10\x1E\x10\x10\x1F",
    "\x1F\x10\x10\x1E\x10\x10\x10", "\x0E\x11\x10\x17\x11\x11\x0F", "\x11\x11\x11\x1F\x11\x11\x11",
    "\x0E\x04\x04\x04\x04\x04\x0E", "\x07\x02\x02\x02\x02\x12\x0C", "\x11\x12\x14\x18\x14\x12\x11",
    "\x10\x10\x10\x10\x10\x10\x1F", "\x11\x1B\x15\x15\x11\x11\x11", "\x11\x11\x19\x15\x13\x11\x11",
    "\x0E\x11\x11\x11\x11\x11\x0E", "\x1E\x11\x11\x1E\x10\x10\x10", "\x0E\x11\x11\x11\x15\x12\x0D",
    "\x1E\x11\x11\x1E\x14\x12\x11", "\x0F\x10\x10\x0E\x01\x01\x1E", "\x1F\x04\x04\x04\x04\x04\x04",
    "\x11\x11\x11\x11\x11\x11\x0E", "\x11\x11\x11\x11\x11\x0A\x04", "\x11\x11\x11\x15\x15\x15\x0A",
    "\x11\x11\x0A\x04\x0A\x11\x11", "\x11\x11\x11\x0A\x04\x04\x04", "\x1F\x01\x02\x04\x08\x10\x1F"};

// Text of seven characters in a frame, dark on light.
void DrawPlate(Picture& picture, const PictureBox& box, std::string_view text, const Colour& ground) {
  const double width = (box.right - box.left) * picture.width;
  const double height = (box.bottom - box.top) * picture.height;
  const double left = box.left * picture.width;
  const double top = box.top * picture.height;
  const Point corners[] = {{left, top}, {left + width, top}, {left + width, top + height}, {left, top + height}};
  const double dots = static_cast<double>(text.size()) * 6 + 3;  // five and a space each, a margin around
  Fill(picture, corners, [&](std::uint32_t x, std::uint32_t y) {
    const int column = static_cast<int>((x - left) / width * dots) - 2;
    const int row = static_cast<int>((y - top) / height * 11) - 2;
    if (row < 0 || row >= 7 || column < 0 || column % 6 == 5) return ground;
    const std::size_t place = static_cast<std::size_t>(column) / 6;
    if (place >= text.size()) return ground;
    const char letter = text[place];
    const std::string_view glyph = kGlyphs[static_cast<std::size_t>(letter <= '9' ? letter - '0' : letter - 'A' + 10)];
    const bool dark = (glyph[static_cast<std::size_t>(row)] >> (4 - column % 6) & 1) != 0;
    return dark ? Colour{20, 24, 60} : ground;
  });
}

Colour AnyColour(Random& random, double low, double high) {
  const double level = random.In(low, high);
  return {level * random.In(0.8, 1.15), level * random.In(0.8, 1.15), level * random.In(0.8, 1.15)};
}

Picture Background(Random random, std::uint32_t width, std::uint32_t height) {
  Picture picture(width, height);
  const Field ground(random, 7, 5);
  const Field stains(random, 60, 34);
  const std::uint64_t grain = random.Next();
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const double u = static_cast<double>(x) / width;
      const double v = static_cast<double>(y) / height;
      const double level = 95 + 40 * v + 22 * ground.At(u, v) + 12 * stains.At(u, v) + 6 * Grain(grain, x, y);
      Put(picture, x, y, {level, level * 0.99, level * 0.95});
    }
  }
  // Kerb, lane lines, a booth and its posts.
  const std::uint32_t things = 6 + random.Below(5);
  for (std::uint32_t i = 0; i < things; ++i) {
    const double x = random.In(-0.05, 0.95) * width;
    const double y = random.In(-0.1, 0.85) * height;
    const double wide = random.In(0.01, 0.16) * width;
    const double high = random.In(0.05, 0.5) * height;
    const double lean = random.In(-0.08, 0.08) * width;
    const Colour colour = AnyColour(random, 40, 210);
    const Point corners[] = {{x, y}, {x + wide, y}, {x + wide + lean, y + high}, {x + lean, y + high}};
    const std::uint64_t seed = random.Next();
    Fill(picture, corners,
         [&](std::uint32_t px, std::uint32_t py) { return colour * (1 + 0.08 * Grain(seed, px, py)); });
  }
  return picture;
}

// A vehicle seen from ahead or behind, in a square of its own: (0, 0) is its top left, (1, 1) its bottom right.
class Vehicle {
 public:
  Vehicle(Random& random, const Picture& picture)
      : random_(random),
        reflections_(random, 3 + static_cast<int>(random.Below(5)), 3 + static_cast<int>(random.Below(5))) {
    width_ = random.In(0.4, 0.68) * picture.width;
    height_ = random.In(0.55, 0.95) * picture.height;
    left_ = (picture.width - width_) * random.In(0.25, 0.75);  // vehicles keep to the lane
    top_ = (picture.height - height_) * random.In(0.2, 0.8);
    lean_ = random.In(-0.12, 0.12);
    shine_ = random.In(0.25, 0.7);
    grain_ = random.Next();
  }

  void Draw(Picture& picture) {
    const double roof = random_.In(0.0, 0.3);    // how much narrower than the body
    const double waist = random_.In(0.3, 0.62);  // where glass ends and body begins
    const Colour paint = AnyColour(random_, 15, 235);
    const Colour glass = AnyColour(random_, 20, 120);
    Quad(picture, {-0.03, 0.86}, {1.03, 1.0}, 0, {25, 25, 28});  // shadow and tyres
    Quad(picture, {roof * 0.5, 0}, {1 - roof * 0.5, waist}, roof * 0.5, paint);
    Quad(picture, {roof * 0.5 + 0.06, random_.In(0.04, 0.12)}, {0.94 - roof * 0.5, waist - 0.03}, roof * 0.4, glass);
    Quad(picture, {0, waist}, {1, 0.9}, random_.In(-0.03, 0.04), paint * random_.In(0.75, 1.15));
    const Colour trim = AnyColour(random_, 10, 200);
    const double grille = random_.In(waist + 0.04, 0.7);
    const double side = random_.In(0.12, 0.34);
    Quad(picture, {side, grille}, {1 - side, grille + random_.In(0.05, 0.16)}, 0.02, trim);
    const double lamp = random_.In(waist + 0.02, 0.68);
    const double lamp_width = random_.In(0.06, 0.2);
    const double lamp_height = random_.In(0.05, 0.16);
    const Colour light = random_.Below(2) == 0 ? Colour{250, 245, 220} : Colour{190, 30, 30};
    Quad(picture, {0.02, lamp}, {0.02 + lamp_width, lamp + lamp_height}, 0, light);
    Quad(picture, {0.98 - lamp_width, lamp}, {0.98, lamp + lamp_height}, 0, light);
    const std::uint32_t marks =
        2 + random_.Below(4);  // what is on it, in it, or in its way: load, stickers, people, dents
    for (std::uint32_t i = 0; i < marks; ++i) {
      const Point corner{random_.In(0.02, 0.8), random_.In(0.02, 0.75)};
      const Point other{corner.x + random_.In(0.05, 0.35), corner.y + random_.In(0.04, 0.22)};
      Quad(picture, corner, {std::min(other.x, 0.98), other.y}, random_.In(-0.05, 0.05), AnyColour(random_, 10, 245));
    }
  }
  PictureBox Box(const Picture& picture, Point from, Point to) const {
    const auto share = [](double value, std::uint32_t side) { return std::clamp(value / side, 0.0, 1.0); };
    const Point a = At(from);
    const Point b = At(to);
    return {share(a.x, picture.width), share(a.y, picture.height), share(b.x, picture.width),
            share(b.y, picture.height)};
  }

 private:
  Point At(Point place) const {
    return {left_ + (place.x + lean_ * (0.5 - place.y)) * width_, top_ + place.y * height_};
  }
  // A part from one corner to the other; its lower edge is `spread` wider at each side.
  void Quad(Picture& picture, Point from, Point to, double spread, const Colour& colour) {
    const Point corners[] = {At(from), At({to.x, from.y}), At({to.x + spread, to.y}), At({from.x - spread, to.y})};
    Fill(picture, corners, [&](std::uint32_t x, std::uint32_t y) {
      const double light = reflections_.At((x - left_) / width_, (y - top_) / height_);
      return colour * (1 + shine_ * light + 0.06 * Grain(grain_, x, y));
    });
  }

  Random& random_;
  Field reflections_;
  double width_, height_, left_, top_, lean_, shine_;
  std::uint64_t grain_;
};

// The light of the moment over the whole picture, and the noise of the sensor.
void Light(Picture& picture, Random& random) {
  const Field shadows(random, 5, 4);
  const double gain = random.In(0.75, 1.15);
  const double depth = random.In(0.08, 0.28);
  const double noise = random.In(2, 5);
  const std::uint64_t seed = random.Next();
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x) {
      const double light = gain * (1 + depth * shadows.At(static_cast<double>(x) / picture.width,
                                                          static_cast<double>(y) / picture.height));
      const double grain = noise * Grain(seed, x, y);
      const std::uint8_t* in = picture.At(x, y);
      Put(picture, x, y, {in[0] * light + grain, in[1] * light + grain, in[2] * light + grain});
    }
  }
}

// Every sample through `change(level, x, y)`, which gets red, green, blue in turn.
template <typename Change>
void Shade(Picture& picture, Change&& change) {
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x) {
      const std::uint8_t* in = picture.At(x, y);
      Put(picture, x, y, {change(in[0], x, y), change(in[1], x, y), change(in[2], x, y)});
    }
  }
}

void MakeNight(Picture& picture, Random& random, double gain) {
  const Field lamps(random, 3, 3);
  const std::uint64_t seed = random.Next();
  Shade(picture, [&](double level, std::uint32_t x, std::uint32_t y) {
    const double lamp =
        1 + 0.5 * lamps.At(static_cast<double>(x) / picture.width, static_cast<double>(y) / picture.height);
    return level * gain * lamp + 9 * Grain(seed, x, y);
  });
}

void MakeInfrared(Picture& picture, Random& random) {
  const double gain = random.In(0.35, 0.5);
  const double centre_x = random.In(0.4, 0.6) * picture.width;
  const double centre_y = random.In(0.5, 0.7) * picture.height;
  const double reach = 0.45 * picture.width;
  const std::uint64_t seed = random.Next();
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x) {
      const std::uint8_t* in = picture.At(x, y);
      const double far = std::hypot(x - centre_x, y - centre_y) / reach;  // from where the flash points
      const double grey =
          (in[0] + in[1] + in[2]) / 3.0 * gain * (0.35 + 1.4 * std::exp(-far * far)) + 5 * Grain(seed, x, y);
      Put(picture, x, y, {grey, grey, grey});
    }
  }
}

void MakeRain(Picture& picture, Random& random) {
  const double haze = random.In(0.25, 0.45);
  Shade(picture, [&](double level, std::uint32_t, std::uint32_t) { return level * (1 - haze) + 150 * haze; });
  const double lean = random.In(-0.25, 0.25);
  const std::uint32_t streaks = picture.width / 3;
  for (std::uint32_t i = 0; i < streaks; ++i) {
    const double x = random.In(-0.1, 1.1) * picture.width;
    const double y = random.In(-0.1, 1.0) * picture.height;
    const double length = random.In(0.02, 0.08) * picture.height;
    const double wide = std::max(1.0, 0.0012 * picture.width);
    const double level = random.In(175, 225);
    const Point corners[] = {
        {x, y}, {x + wide, y}, {x + wide + lean * length, y + length}, {x + lean * length, y + length}};
    Fill(picture, corners, [&](std::uint32_t, std::uint32_t) { return Colour{level, level, level}; });
  }
}

void MakeHeadlights(Picture& picture, Random& random, const PictureBox& vehicle) {
  MakeNight(picture, random, random.In(0.12, 0.2));
  const double wide = (vehicle.right - vehicle.left) * picture.width;
  const double y0 = (vehicle.top + (vehicle.bottom - vehicle.top) * random.In(0.55, 0.72)) * picture.height;
  const double lamps[] = {vehicle.left * picture.width + wide * random.In(0.08, 0.2),
                          vehicle.right * picture.width - wide * random.In(0.08, 0.2)};
  const double reach = wide * random.In(0.1, 0.22);
  const double glare = random.In(300, 600);
  Shade(picture, [&](double level, std::uint32_t x, std::uint32_t y) {
    for (const double lamp : lamps) {
      const double far = std::hypot(x - lamp, y - y0) / reach;
      level += glare * std::exp(-far * far * 2) + 40 * std::exp(-far * 0.7);
    }
    return level;
  });
}

// REQUIRES: a frame by day, complete
void Relight(LaneFrame& frame, Random& random, LaneLight light) {
  if (light == LaneLight::kNight) MakeNight(frame.picture, random, random.In(0.18, 0.35));
  if (light == LaneLight::kRain) MakeRain(frame.picture, random);
  if (light == LaneLight::kHeadlights) MakeHeadlights(frame.picture, random, frame.vehicle_box);
  if (light != LaneLight::kInfrared) return;
  MakeInfrared(frame.picture, random);
  DrawPlate(frame.picture, frame.plate_box, frame.plate, {235, 235, 235});  // it throws the flash back
}

}  // namespace

LaneCamera::LaneCamera(std::uint64_t seed, std::uint32_t camera, std::uint32_t width, std::uint32_t height)
    : seed_(Mix(seed * 1000003 + camera)), background_(Background(Random(seed_), width, height)) {}

LaneFrame LaneCamera::Frame(std::uint32_t number, LaneLight light) const {
  Random random(Mix(seed_ + 1 + number));
  LaneFrame frame;
  frame.picture = background_;
  for (int i = 0; i < 3; ++i) frame.plate.push_back(static_cast<char>('A' + random.Below(26)));
  for (int i = 0; i < 4; ++i) frame.plate.push_back(static_cast<char>('0' + random.Below(10)));
  Vehicle vehicle(random, frame.picture);
  vehicle.Draw(frame.picture);
  Light(frame.picture, random);
  frame.vehicle_box = vehicle.Box(frame.picture, {0, 0}, {1, 1});
  const double middle = random.In(0.42, 0.58);
  frame.plate_box = vehicle.Box(frame.picture, {middle - 0.14, 0.76}, {middle + 0.14, 0.85});
  DrawPlate(frame.picture, frame.plate_box, frame.plate, AnyColour(random, 190, 235));
  Relight(frame, random, light);
  return frame;
}

}  // namespace spanwatch::test
