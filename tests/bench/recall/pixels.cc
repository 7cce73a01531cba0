#include "recall/pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

namespace spanwatch::bench {
namespace {

std::uint8_t Level(double value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); }
std::uint32_t At(double share, std::uint32_t side) {
  return static_cast<std::uint32_t>(std::lround(std::clamp(share, 0.0, 1.0) * side));
}

}  // namespace

Picture Tone(Picture picture, const std::function<double(double)>& level) {
  std::array<std::uint8_t, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = Level(level(static_cast<double>(i)));
  for (std::uint8_t& sample : picture.rgb) sample = table[sample];
  return picture;
}

Picture Grey(Picture picture) {
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    std::uint8_t* rgb = picture.rgb.data() + i;
    std::fill_n(rgb, 3, Level(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]));
  }
  return picture;
}

Picture Noisy(Picture picture, double deviation, std::uint64_t seed) {
  std::minstd_rand random(static_cast<std::uint32_t>(seed | 1));
  const double step = deviation * std::sqrt(6.0) / 2147483646.0;
  for (std::uint8_t& sample : picture.rgb) {  // the difference of two even numbers: a triangle of this deviation
    const double noise = (static_cast<double>(random()) - static_cast<double>(random())) * step;
    sample = Level(sample + noise);
  }
  return picture;
}

Picture Blurred(const Picture& picture, int radius) {
  Picture from = picture;
  Picture to = picture;
  const int size = 2 * radius + 1;
  const auto pass = [&](int length, int lines, auto&& sample) {
    for (int line = 0; line < lines; ++line) {
      for (int c = 0; c < 3; ++c) {
        const auto value = [&](int i) { return static_cast<int>(sample(from, std::clamp(i, 0, length - 1), line)[c]); };
        int sum = 0;
        for (int i = -radius; i <= radius; ++i) sum += value(i);
        for (int i = 0; i < length; ++i) {
          sample(to, i, line)[c] = static_cast<std::uint8_t>(sum / size);
          sum += value(i + radius + 1) - value(i - radius);
        }
      }
    }
    from = to;
  };
  const int width = static_cast<int>(picture.width);
  const int height = static_cast<int>(picture.height);
  for (int round = 0; round < 2; ++round) {
    pass(width, height,
         [](Picture& p, int x, int y) { return p.At(static_cast<unsigned>(x), static_cast<unsigned>(y)); });
    pass(height, width,
         [](Picture& p, int y, int x) { return p.At(static_cast<unsigned>(x), static_cast<unsigned>(y)); });
  }
  return to;
}

Picture Scaled(const Picture& picture, double width, double height) {
  return test::Resize(picture, std::max(1u, static_cast<unsigned>(std::lround(picture.width * width))),
                      std::max(1u, static_cast<unsigned>(std::lround(picture.height * height))));
}

Picture Trimmed(const Picture& picture, double left, double top, double right, double bottom) {
  const std::uint32_t x = At(left, picture.width);
  const std::uint32_t y = At(top, picture.height);
  return test::Crop(picture, x, y, picture.width - x - At(right, picture.width),
                    picture.height - y - At(bottom, picture.height));
}

Picture Rotated(const Picture& picture, double degrees) {
  Picture turned(picture.width, picture.height);
  const double angle = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double middle_x = (picture.width - 1) / 2.0;
  const double middle_y = (picture.height - 1) / 2.0;
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x) {
      const double from_x = middle_x + (x - middle_x) * cosine + (y - middle_y) * sine;
      const double from_y = middle_y - (x - middle_x) * sine + (y - middle_y) * cosine;
      if (from_x < 0 || from_y < 0 || from_x >= picture.width - 1 || from_y >= picture.height - 1) continue;
      const auto left = static_cast<std::uint32_t>(from_x);
      const auto top = static_cast<std::uint32_t>(from_y);
      const double u = from_x - left;
      const double v = from_y - top;
      for (std::size_t c = 0; c < 3; ++c) {
        turned.At(x, y)[c] = Level((picture.At(left, top)[c] * (1 - u) + picture.At(left + 1, top)[c] * u) * (1 - v) +
                                   (picture.At(left, top + 1)[c] * (1 - u) + picture.At(left + 1, top + 1)[c] * u) * v);
      }
    }
  }
  return turned;
}

Picture Mirrored(const Picture& picture) {
  Picture turned(picture.width, picture.height);
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x)
      std::copy_n(picture.At(picture.width - 1 - x, y), 3, turned.At(x, y));
  }
  return turned;
}

Picture Upright(const Picture& picture, int quarter_turns) {
  if (quarter_turns == 0) return picture;
  Picture turned(picture.height, picture.width);
  for (std::uint32_t y = 0; y < picture.height; ++y) {
    for (std::uint32_t x = 0; x < picture.width; ++x)
      std::copy_n(picture.At(x, y), 3, turned.At(y, picture.width - 1 - x));
  }
  return Upright(turned, quarter_turns - 1);
}

Picture Framed(const Picture& picture, double left, double top, double right, double bottom, std::uint8_t level) {
  const auto more = [](double share, std::uint32_t side) {
    return static_cast<std::uint32_t>(std::lround(share * side));
  };
  Picture framed(picture.width + more(left, picture.width) + more(right, picture.width),
                 picture.height + more(top, picture.height) + more(bottom, picture.height));
  std::ranges::fill(framed.rgb, level);
  Paste(framed, picture, more(left, picture.width), more(top, picture.height));
  return framed;
}

void FillBox(Picture& picture, double left, double top, double right, double bottom, std::uint8_t level) {
  const std::uint32_t begin = At(left, picture.width);
  const std::uint32_t end = At(right, picture.width);
  for (std::uint32_t y = At(top, picture.height); y < At(bottom, picture.height); ++y)
    std::fill(picture.At(begin, y), picture.At(begin, y) + std::size_t{end - begin} * 3, level);
}

void Scribble(Picture& picture, double left, double top, double right, double bottom, std::uint8_t level) {
  const double height = (bottom - top) * picture.height;
  const double letter = height * 0.6 / picture.width;  // a letter's width with the space after it, of the picture's
  std::minstd_rand random(7);
  for (double x = left; x + letter < right; x += letter) {
    if (random() % 6 == 0) continue;  // between words
    const double stem = letter * 0.18;
    FillBox(picture, x, top, x + stem, bottom, level);
    const double bar = top + (bottom - top) * static_cast<double>(random() % 3) * 0.4;
    FillBox(picture, x, bar, x + letter * 0.7, bar + (bottom - top) * 0.15, level);
    if (random() % 2 == 0) FillBox(picture, x + letter * 0.55, top, x + letter * 0.55 + stem, bottom, level);
  }
}

void Paste(Picture& onto, const Picture& part, std::uint32_t x, std::uint32_t y) {
  for (std::uint32_t row = 0; row < part.height && y + row < onto.height; ++row) {
    const std::uint32_t width = std::min(part.width, onto.width - std::min(x, onto.width));
    std::copy_n(part.At(0, row), std::size_t{width} * 3, onto.At(x, y + row));
  }
}

}  // namespace spanwatch::bench
