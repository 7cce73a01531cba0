#include "support/gate_maker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace spanwatch::test {
namespace {

using Random = std::mt19937_64;
using Tone = std::array<double, 3>;

double In(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
}

// Repeatable noise of a lattice point, in [-1, 1].
double Lattice(std::uint64_t seed, std::int64_t x, std::int64_t y) {
  std::uint64_t value = seed ^ static_cast<std::uint64_t>(x) * 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 29) ^ static_cast<std::uint64_t>(y)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 32)) * 0x94D049BB133111EBu;
  return static_cast<double>(value >> 40) * 0x1p-23 - 1;
}

double Smooth(std::uint64_t seed, double x, double y) {
  const auto column = static_cast<std::int64_t>(std::floor(x));
  const auto row = static_cast<std::int64_t>(std::floor(y));
  const double right = x - std::floor(x);
  const double down = y - std::floor(y);
  const double above = std::lerp(Lattice(seed, column, row), Lattice(seed, column + 1, row), right);
  const double below = std::lerp(Lattice(seed, column, row + 1), Lattice(seed, column + 1, row + 1), right);
  return std::lerp(above, below, down);
}

// In heights of the picture.
struct RoundBox {
  double x = 0, y = 0, half_width = 0, half_height = 0, radius = 0;

  // Below zero inside.
  double Distance(double px, double py) const {
    const double across = std::abs(px - x) - half_width + radius;
    const double along = std::abs(py - y) - half_height + radius;
    return std::hypot(std::max(across, 0.0), std::max(along, 0.0)) + std::min(std::max(across, along), 0.0) - radius;
  }
};

class Canvas {
 public:
  explicit Canvas(Picture& picture) : picture_(picture) {}

  // tone(old, x, y), in heights of the picture.
  template <typename Paint>
  void Everywhere(Paint&& paint) {
    InPixels(0, 0, picture_.width, picture_.height, paint);
  }
  // A little lighter at the top than at the bottom, as bodywork is under a sky.
  void Draw(const RoundBox& box, const Tone& tone, double sheen = 0.15) {
    const double height = picture_.height;
    const auto pixel = [](double value, std::uint32_t most) {
      return static_cast<std::uint32_t>(std::clamp(value, 0.0, static_cast<double>(most)));
    };
    InPixels(pixel((box.x - box.half_width) * height - 1, picture_.width),
             pixel((box.y - box.half_height) * height - 1, picture_.height),
             pixel((box.x + box.half_width) * height + 2, picture_.width),
             pixel((box.y + box.half_height) * height + 2, picture_.height), [&](const Tone& old, double x, double y) {
               const double cover = std::clamp(0.5 - box.Distance(x, y) * height, 0.0, 1.0);
               const double light = 1 + sheen * (box.y - y) / box.half_height;
               Tone mixed;
               for (std::size_t c = 0; c < 3; ++c) mixed[c] = std::lerp(old[c], tone[c] * light, cover);
               return mixed;
             });
  }

 private:
  template <typename Paint>
  void InPixels(std::uint32_t left, std::uint32_t top, std::uint32_t right, std::uint32_t bottom, Paint&& paint) {
    for (std::uint32_t y = top; y < bottom; ++y) {
      for (std::uint32_t x = left; x < right; ++x) {
        std::uint8_t* out = picture_.At(x, y);
        const Tone tone =
            paint(Tone{static_cast<double>(out[0]), static_cast<double>(out[1]), static_cast<double>(out[2])},
                  (x + 0.5) / picture_.height, (y + 0.5) / picture_.height);
        for (std::size_t c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(std::clamp(tone[c] + 0.5, 0.0, 255.0));
      }
    }
  }

  Picture& picture_;
};

Picture Gate(Random& random, std::uint32_t width, std::uint32_t height) {
  Picture picture(width, height);
  Canvas canvas(picture);
  const std::uint64_t seed = random();
  const double horizon = In(random, 0.2, 0.3);
  canvas.Everywhere([&](const Tone&, double x, double y) {
    const double grain =
        5 * Lattice(seed, static_cast<std::int64_t>(x * height), static_cast<std::int64_t>(y * height));
    const double level = y < horizon ? 190 + 25 * Smooth(seed + 1, x * 5, y * 5) + 12 * Smooth(seed + 2, x * 30, y * 30)
                                     : 88 + 30 * y + 14 * Smooth(seed + 3, x * 6, y * 14) + grain;
    return Tone{level, level, level * (y < horizon ? 1.06 : 0.97)};
  });
  const double wide = static_cast<double>(width) / height;
  for (int i = 0; i < 7; ++i) {  // trees, sheds and signs behind
    const double level = In(random, 40, 150);
    canvas.Draw(
        {In(random, 0, wide), horizon - In(random, -0.03, 0.1), In(random, 0.03, 0.14), In(random, 0.03, 0.16), 0.02},
        {level * 0.9, level, level * 0.85});
  }
  const double side = In(random, 0.1, 0.2);
  canvas.Draw({side, 0.45, In(random, 0.08, 0.14), 0.33, 0.01}, {205, 200, 185});  // the booth and its window
  canvas.Draw({side, 0.34, 0.07, 0.09, 0.005}, {45, 60, 75});
  canvas.Draw({wide - In(random, 0.08, 0.2), 0.5, 0.03, 0.35, 0.005}, {220, 190, 30});
  canvas.Draw({wide * 0.5, In(random, 0.26, 0.32), wide * 0.36, 0.012, 0.004}, {210, 60, 50});  // the barrier
  for (const double kerb : {wide * In(random, 0.2, 0.26), wide * In(random, 0.74, 0.8)})
    canvas.Draw({kerb, 0.75, 0.012, 0.32, 0.004}, {225, 225, 215});
  for (int i = 0; i < 6; ++i)  // stains and patches of the road
    canvas.Draw(
        {In(random, 0.2, wide - 0.2), In(random, 0.5, 0.98), In(random, 0.03, 0.12), In(random, 0.01, 0.04), 0.01},
        {72, 72, 70}, 0);
  return picture;
}

void DrawVehicle(Picture& picture, Random& random) {
  static constexpr Tone kPaints[] = {{225, 225, 225}, {25, 26, 30},  {130, 134, 138},
                                     {150, 25, 25},   {35, 55, 110}, {85, 90, 80}};
  struct Model {
    double half_width, body, roof;
  };
  static constexpr Model kModels[] = {{0.19, 0.1, 0.12}, {0.2, 0.11, 0.16}, {0.22, 0.13, 0.2}, {0.23, 0.14, 0.26}};
  Canvas canvas(picture);
  Tone paint = kPaints[random() % std::size(kPaints)];
  for (double& level : paint) level *= In(random, 0.9, 1.1);
  const Model& model = kModels[random() % std::size(kModels)];
  const double x = static_cast<double>(picture.width) / picture.height / 2 + In(random, -0.035, 0.035);
  const double y = 0.66 + In(random, -0.03, 0.03);
  const double half = model.half_width * In(random, 0.95, 1.05);
  canvas.Draw({x, y + model.body + 0.025, half * 1.02, 0.03, 0.02}, {30, 30, 32});  // shadow and tyres
  canvas.Draw({x, y - model.body - model.roof / 2 + 0.02, half * 0.84, model.roof / 2 + 0.04, 0.05}, paint);
  canvas.Draw({x, y - model.body - model.roof / 2 + 0.03, half * 0.74, model.roof / 2, 0.03}, {55, 65, 75}, 0.4);
  for (int i = 0; i < 3; ++i) {  // who sits in it, and what the glass mirrors
    const double level = In(random, 25, 190);
    canvas.Draw({x + half * In(random, -0.55, 0.55), y - model.body - model.roof * In(random, 0.2, 0.7),
                 half * In(random, 0.06, 0.22), model.roof * In(random, 0.1, 0.3), 0.02},
                {level, level, level});
  }
  canvas.Draw({x, y, half, model.body, 0.05}, paint, In(random, 0.0, 0.35));
  canvas.Draw({x, y + model.body * 0.2, half * 0.5, model.body * In(random, 0.15, 0.3), 0.01}, {22, 22, 24});
  const bool front = random() % 2 == 0;
  for (const double lamp : {-0.78, 0.78})
    canvas.Draw({x + lamp * half, y + In(random, -0.02, 0.0), half * 0.16, model.body * 0.22, 0.01},
                front ? Tone{245, 240, 225} : Tone{180, 25, 25});
  const double plate = y + model.body * 0.62;
  canvas.Draw({x, plate, 0.07, 0.02, 0.004}, {230, 228, 215}, 0);
  for (int i = 0; i < 7; ++i) {  // characters: each of a few strokes
    for (int stroke = 0; stroke < 3; ++stroke) {
      canvas.Draw({x - 0.057 + i * 0.019 + In(random, -0.004, 0.004), plate + In(random, -0.009, 0.009),
                   In(random, 0.001, 0.006), In(random, 0.001, 0.008), 0.0005},
                  {25, 25, 60}, 0);
    }
  }
}

}  // namespace

GateCamera::GateCamera(std::uint64_t seed, std::uint32_t camera, std::uint32_t width, std::uint32_t height)
    : seed_(seed * 7919 + camera * 104729) {
  Random random(seed_);
  background_ = Gate(random, width, height);
}

Picture GateCamera::Frame(std::uint32_t number) const {
  Random random(seed_ ^ (number + 1) * 0x9E3779B97F4A7C15u);
  Picture picture = background_;
  DrawVehicle(picture, random);
  const double gain = In(random, 0.9, 1.1);  // the light of the hour, clouds, and the noise of the sensor
  const double clouds = In(random, 0.0, 0.06);
  const double noise = In(random, 1.5, 4);
  const std::uint64_t seed = random();
  Canvas(picture).Everywhere([&](const Tone& tone, double x, double y) {
    const double light = gain * (1 + clouds * Smooth(seed, x * 2, y * 2));
    const auto grain = Lattice(seed + 1, static_cast<std::int64_t>(x * 4096), static_cast<std::int64_t>(y * 4096));
    return Tone{tone[0] * light + noise * grain, tone[1] * light + noise * grain, tone[2] * light + noise * grain};
  });
  return picture;
}

}  // namespace spanwatch::test
