#include "recall/transformations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "recall/jpegtran.h"
#include "recall/pixels.h"

namespace spanwatch::bench {
namespace {

using test::EncodeJpeg;
using test::EncodePng;

// A copy is saved as JPEG of quality 85 unless its row says otherwise.
using Change = std::function<Picture(const Subject&, Random&)>;

constexpr std::uint64_t kStrangers = 77;  // the seed of pictures beside a copy

double In(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53;
}
std::string Percent(double share) { return fmt::format("{:g} %", share * 100); }

class Table {
 public:
  std::vector<Transformation> rows;

  void Saved(std::string name, std::string strength, std::function<Bytes(const Subject&, Random&)> copy) {
    rows.push_back({std::move(name), std::move(strength), std::move(copy)});
  }
  void Changed(std::string name, std::string strength, Change change) {
    Saved(std::move(name), std::move(strength), [change = std::move(change)](const Subject& subject, Random& random) {
      return EncodeJpeg(change(subject, random), {.quality = 85});
    });
  }
};

void AddSaved(Table& table) {
  for (const int quality : {95, 70, 50, 30, 10}) {
    table.Saved("JPEG", fmt::format("q{}", quality),
                [quality](const Subject& s, Random&) { return EncodeJpeg(s.picture, {.quality = quality}); });
  }
  table.Saved("progressive JPEG", "q70",
              [](const Subject& s, Random&) { return EncodeJpeg(s.picture, {.quality = 70, .progressive = true}); });
  table.Saved("format change", "PNG", [](const Subject& s, Random&) { return EncodePng(s.picture); });
  table.Saved("first scan alone", "progressive q85", [](const Subject& s, Random&) {
    Bytes file = EncodeJpeg(s.picture, {.quality = 85, .progressive = true});
    constexpr std::uint8_t kStartOfScan[] = {0xFF, 0xDA};
    const auto first = std::search(file.begin(), file.end(), std::begin(kStartOfScan), std::end(kStartOfScan));
    file.erase(std::search(first + 2, file.end(), std::begin(kStartOfScan), std::end(kStartOfScan)), file.end());
    return file;
  });
  table.Saved("damage in the middle", "64 bytes of the registered file", [](const Subject& s, Random& random) {
    Bytes file = s.original;
    for (std::size_t i = 0; i < 64; ++i) file[file.size() / 2 + i] = static_cast<std::uint8_t>(random() % 255);
    return file;
  });
}

// Rewrites that leave every coefficient as it is. A crop begins on a block border at the left and the top.
void AddLossless(Table& table) {
  const std::pair<const char*, const char*> rewrites[] = {{"optimised tables", "-optimize"},
                                                          {"progressive", "-progressive"},
                                                          {"baseline, of a progressive file", ""},
                                                          {"restart markers in every row", "-restart 1"},
                                                          {"grey", "-grayscale"},
                                                          {"rotate 90", "-rotate 90"},
                                                          {"rotate 180, trimmed", "-rotate 180 -trim"},
                                                          {"flip horizontal", "-flip horizontal"},
                                                          {"flip vertical", "-flip vertical"}};
  for (const auto& [strength, options] : rewrites) {
    table.Saved("jpegtran", strength, [options = std::string(options)](const Subject& s, Random&) {
      return Jpegtran(options.empty() ? Jpegtran(s.original, "-progressive") : s.original, options);
    });
  }
  for (const double share : {0.06, 0.12}) {
    table.Saved("jpegtran", "crop of up to " + Percent(share) + " a side", [share](const Subject& s, Random& random) {
      const auto part = [&](std::uint32_t side) { return static_cast<std::uint32_t>(In(random, 0, share) * side); };
      const std::uint32_t left = part(s.picture.width), top = part(s.picture.height);
      const std::uint32_t right = part(s.picture.width), bottom = part(s.picture.height);
      return Jpegtran(s.original, fmt::format("-crop {}x{}+{}+{}", s.picture.width - left - right,
                                              s.picture.height - top - bottom, left, top));
    });
  }
}

void AddSizes(Table& table) {
  for (const double scale : {2.0, 1.5, 0.5, 0.25, 0.1}) {
    table.Changed("resize", Percent(scale),
                  [scale](const Subject& s, Random&) { return Scaled(s.picture, scale, scale); });
  }
  table.Changed("squeeze", "to a square",
                [](const Subject& s, Random&) { return test::Resize(s.picture, s.picture.height, s.picture.height); });
  table.Changed("squeeze", "width 80 %", [](const Subject& s, Random&) { return Scaled(s.picture, 0.8, 1); });
}

void AddTones(Table& table) {
  table.Changed("grey", "", [](const Subject& s, Random&) { return Grey(s.picture); });
  const auto tone = [&](const char* name, double strength, auto level) {
    table.Changed(name, fmt::format("{:g}", strength), [strength, level](const Subject& s, Random&) {
      return Tone(s.picture, [&](double value) { return level(value, strength); });
    });
  };
  for (const double factor : {0.7, 1.3}) tone("brightness", factor, [](double v, double f) { return v * f; });
  for (const double factor : {0.6, 1.5})
    tone("contrast", factor, [](double v, double f) { return 128 + (v - 128) * f; });
  for (const double gamma : {0.6, 1.8})
    tone("gamma", gamma, [](double v, double g) { return 255 * std::pow(v / 255, 1 / g); });
  for (const int radius : {2, 5}) {
    table.Changed("blur", fmt::format("radius {}", radius),
                  [radius](const Subject& s, Random&) { return Blurred(s.picture, radius); });
  }
  for (const double deviation : {8.0, 20.0}) {
    table.Changed("noise", fmt::format("deviation {:g}", deviation),
                  [deviation](const Subject& s, Random& random) { return Noisy(s.picture, deviation, random()); });
  }
  table.Changed("invert", "",
                [](const Subject& s, Random&) { return Tone(s.picture, [](double value) { return 255 - value; }); });
}

void AddOverlays(Table& table) {
  table.Changed("caption", "text over the lower 8 %", [](const Subject& s, Random&) {
    Picture picture = s.picture;
    Scribble(picture, 0.05, 0.9, 0.95, 0.98, 250);
    return picture;
  });
  table.Changed("caption", "strip over the lower 8 %", [](const Subject& s, Random&) {
    Picture picture = s.picture;
    FillBox(picture, 0, 0.92, 1, 1, 12);
    Scribble(picture, 0.05, 0.94, 0.7, 0.98, 240);
    return picture;
  });
  table.Changed("caption", "strip of 12 % below", [](const Subject& s, Random&) {
    Picture picture = Framed(s.picture, 0, 0, 0, 0.12, 245);
    Scribble(picture, 0.05, 0.925, 0.7, 0.975, 15);
    return picture;
  });
  table.Changed("logo", "8 % of the sides, a corner", [](const Subject& s, Random&) {
    Picture picture = s.picture;
    FillBox(picture, 0.9, 0.02, 0.98, 0.1, 240);
    FillBox(picture, 0.92, 0.04, 0.96, 0.08, 60);
    return picture;
  });
  for (const double border : {0.02, 0.05, 0.1}) {
    table.Changed("border", Percent(border), [border](const Subject& s, Random& random) {
      const auto level = static_cast<std::uint8_t>(random() % 2 == 0 ? 0 : 255);
      return Framed(s.picture, border, border, border, border, level);
    });
  }
  table.Changed("border", "10 % above and below",
                [](const Subject& s, Random&) { return Framed(s.picture, 0, 0.1, 0, 0.1, 0); });
}

// A picture that nobody registered, of that size.
Picture Stranger(std::uint32_t width, std::uint32_t height, Random& random) {
  const auto camera = static_cast<std::uint32_t>(random());
  const Picture frame = test::LaneCamera(kStrangers, camera, 640, 360).Frame(camera % 100).picture;
  return Scaled(frame, width * 1.0 / frame.width, height * 1.0 / frame.height);
}

// A window with a title bar on a desktop with a task bar, at any place; the desktop is grey, or shows another picture.
Picture Screenshot(const Picture& shown, bool grey, Random& random) {
  Picture screen =
      Framed(shown, In(random, 0.02, 0.2), In(random, 0.12, 0.25), In(random, 0.02, 0.2), In(random, 0.1, 0.2), 70);
  const double width = shown.width * 1.0 / screen.width;
  const double height = shown.height * 1.0 / screen.height;
  // Where the picture lies: its place is known by the tone around it, so it is drawn first and framed after.
  Picture framed = Framed(shown, 0.004, 0.05, 0.004, 0.004, 225);
  Scribble(framed, 0.02, 0.012, 0.3, 0.035, 30);
  FillBox(framed, 0.96, 0.01, 0.985, 0.036, 190);
  const auto left = static_cast<std::uint32_t>(In(random, 0.02, 0.98 - width) * screen.width);
  const auto top = static_cast<std::uint32_t>(In(random, 0.01, 0.88 - height) * screen.height);
  if (grey)
    std::ranges::fill(screen.rgb, std::uint8_t{70});
  else
    screen = Stranger(screen.width, screen.height, random);
  Paste(screen, framed, left, top);
  FillBox(screen, 0, 0.955, 1, 1, 35);
  Scribble(screen, 0.01, 0.967, 0.12, 0.99, 220);
  Scribble(screen, 0.9, 0.967, 0.99, 0.99, 220);
  return screen;
}

// One of `columns` by `rows` tiles, at any place; the others are strangers.
Picture Collage(const Picture& shown, std::uint32_t columns, std::uint32_t rows, Random& random) {
  const Picture tile = Scaled(shown, 1.0 / columns, 1.0 / rows);
  Picture sheet(tile.width * columns, tile.height * rows);
  const std::uint64_t place = random() % (columns * rows);
  for (std::uint32_t i = 0; i < columns * rows; ++i) {
    Paste(sheet, i == place ? tile : Stranger(tile.width, tile.height, random), i % columns * tile.width,
          i / columns * tile.height);
  }
  return sheet;
}

void AddSurroundings(Table& table) {
  table.Changed("screenshot", "window, title bar, task bar",
                [](const Subject& s, Random& random) { return Screenshot(s.picture, true, random); });
  table.Changed("screenshot", "the same, a picture as the desktop",
                [](const Subject& s, Random& random) { return Screenshot(s.picture, false, random); });
  table.Changed("screenshot", "viewer, black bars of 10 % and a toolbar", [](const Subject& s, Random&) {
    Picture screen = Framed(s.picture, 0.1, 0.08, 0.1, 0, 18);
    FillBox(screen, 0, 0, 1, 0.07, 50);
    Scribble(screen, 0.02, 0.02, 0.25, 0.05, 200);
    return screen;
  });
  table.Changed("collage", "one of two, side by side",
                [](const Subject& s, Random& random) { return Collage(s.picture, 2, 1, random); });
  table.Changed("collage", "one of four",
                [](const Subject& s, Random& random) { return Collage(s.picture, 2, 2, random); });
  table.Changed("collage", "one of nine",
                [](const Subject& s, Random& random) { return Collage(s.picture, 3, 3, random); });
}

void AddGeometry(Table& table) {
  for (const double degrees : {0.5, 1.0, 2.0, 3.0, 5.0}) {
    table.Changed("rotation", fmt::format("{:g} degrees", degrees),
                  [degrees](const Subject& s, Random&) { return Rotated(s.picture, degrees); });
  }
  for (const int turns : {1, 2, 3}) {
    table.Changed("rotation", fmt::format("{} degrees", turns * 90),
                  [turns](const Subject& s, Random&) { return Upright(s.picture, turns); });
  }
  table.Changed("mirror", "", [](const Subject& s, Random&) { return Mirrored(s.picture); });
  for (const double share : {0.02, 0.05, 0.1, 0.2, 0.5}) {
    table.Changed("crop, symmetric", Percent(share), [share](const Subject& s, Random&) {
      return Trimmed(s.picture, share / 2, share / 2, share / 2, share / 2);
    });
  }
  for (const double share : {0.05, 0.1}) {
    table.Changed("crop, one side", Percent(share), [share](const Subject& s, Random& random) {
      const std::uint64_t side = random() % 4;
      const auto cut = [&](std::uint64_t one) { return side == one ? share : 0; };
      return Trimmed(s.picture, cut(0), cut(1), cut(2), cut(3));
    });
  }
  for (const double share : {0.02, 0.06, 0.12, 0.2}) {
    table.Changed("crop, asymmetric", "up to " + Percent(share) + " a side", [share](const Subject& s, Random& random) {
      const double left = In(random, 0, share), top = In(random, 0, share);
      const double right = In(random, 0, share), bottom = In(random, 0, share);
      return Trimmed(s.picture, left, top, right, bottom);
    });
  }
}

void AddPairs(Table& table) {
  table.Saved("pair", "resize 50 % + q30",
              [](const Subject& s, Random&) { return EncodeJpeg(Scaled(s.picture, 0.5, 0.5), {.quality = 30}); });
  table.Saved("pair", "crop up to 6 % a side + q50", [](const Subject& s, Random& random) {
    const double left = In(random, 0, 0.06), top = In(random, 0, 0.06);
    const double right = In(random, 0, 0.06), bottom = In(random, 0, 0.06);
    return EncodeJpeg(Trimmed(s.picture, left, top, right, bottom), {.quality = 50});
  });
  table.Changed("pair", "brightness 1.3 + resize 50 %", [](const Subject& s, Random&) {
    return Scaled(Tone(s.picture, [](double v) { return v * 1.3; }), 0.5, 0.5);
  });
  table.Changed("pair", "mirror + crop up to 6 % a side", [](const Subject& s, Random& random) {
    const double left = In(random, 0, 0.06), top = In(random, 0, 0.06);
    const double right = In(random, 0, 0.06), bottom = In(random, 0, 0.06);
    return Mirrored(Trimmed(s.picture, left, top, right, bottom));
  });
  table.Changed("pair", "border 5 % + gamma 1.8", [](const Subject& s, Random&) {
    return Framed(Tone(s.picture, [](double v) { return 255 * std::pow(v / 255, 1 / 1.8); }), 0.05, 0.05, 0.05, 0.05,
                  0);
  });
}

Picture Part(const Picture& picture, const test::PictureBox& box) {
  return Trimmed(picture, box.left, box.top, 1 - box.right, 1 - box.bottom);
}

void AddBoxes(Table& table) {
  table.Changed("vehicle crop", "as registered",
                [](const Subject& s, Random&) { return Part(s.picture, s.vehicle_box); });
  table.Changed("plate crop", "as registered", [](const Subject& s, Random&) { return Part(s.picture, s.plate_box); });
  table.Changed("plate crop", "at 200 %",
                [](const Subject& s, Random&) { return Scaled(Part(s.picture, s.plate_box), 2, 2); });
  for (std::size_t i = table.rows.size() - 3; i < table.rows.size(); ++i) table.rows[i].vehicles_only = true;
}

}  // namespace

const std::vector<Transformation>& Transformations() {
  static const std::vector<Transformation> kRows = [] {
    Table table;
    for (const auto add :
         {AddSaved, AddLossless, AddSizes, AddTones, AddOverlays, AddSurroundings, AddGeometry, AddPairs, AddBoxes})
      add(table);
    return table.rows;
  }();
  return kRows;
}

}  // namespace spanwatch::bench
