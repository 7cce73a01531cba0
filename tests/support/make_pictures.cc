// make_pictures: made-up gate pictures for the quick start and the tests.
//
//   make_pictures OUT_DIR --cameras N --frames M --seed S [--size 1280x720] [--quality Q] [--records FILE]
//     OUT_DIR/lane<camera>/<plate>_<number>.jpg, beside each a .json with its plate and vehicle boxes; FILE takes the
//     plates as CSV (plate,state,timestamp,lane,image), as a plate reader would export them.
//   make_pictures OUT_DIR --gates --cameras N --frames M --seed S [--size 1280x720] [--quality Q]
//     OUT_DIR/gate<camera>/gate<camera>_<number>.jpg: frames that look alike.
//   make_pictures --reencode IN OUT [--quality Q] [--scale S] [--format jpg or png] [--progressive] [--crop L,T,R,B]
//     S and L,T,R,B are shares: 0.5 halves the sides, 0.05,0,0.05,0 cuts 5 % off the left and right.
//   make_pictures --distances DIR
//     the least and the median PDQ distance of the pictures of each folder.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "base/file.h"
#include "config/limits.h"
#include "fingerprint/file_fingerprint.h"
#include "support/gate_maker.h"
#include "support/picture_maker.h"

namespace spanwatch::test {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string out;
  std::uint32_t cameras = 1;
  std::uint32_t frames = 10;
  std::uint64_t seed = 1;
  std::string size = "1280x720";
  std::string records;
  bool gates = false;
  std::vector<std::string> reencode;
  int quality = 88;
  double scale = 1;
  std::string format = "jpg";
  bool progressive = false;
  std::vector<double> crop;
  std::string distances;
};

int Fail(std::string_view message) {
  std::cerr << "make_pictures: " << message << '\n';
  return 1;
}

bool Write(const fs::path& path, ByteView bytes) {
  std::ofstream file(path, std::ios::binary);
  file << AsText(bytes);
  return file.good();
}

std::string Json(const PictureBox& box) {
  return fmt::format(R"({{"left": {:.4f}, "top": {:.4f}, "right": {:.4f}, "bottom": {:.4f}}})", box.left, box.top,
                     box.right, box.bottom);
}

int MakeGates(const Arguments& arguments, std::uint32_t width, std::uint32_t height) {
  for (std::uint32_t camera = 1; camera <= arguments.cameras; ++camera) {
    const std::string name = fmt::format("gate{}", camera);
    const fs::path folder = fs::path(arguments.out) / name;
    std::error_code error;
    fs::create_directories(folder, error);
    const GateCamera gate(arguments.seed, camera, width, height);
    for (std::uint32_t number = 0; number < arguments.frames; ++number) {
      const Bytes file = EncodeJpeg(gate.Frame(number), {.quality = arguments.quality});
      if (!Write(folder / fmt::format("{}_{:04}.jpg", name, number), file))
        return Fail(folder.string() + " cannot be written to");
    }
  }
  return 0;
}

int Make(const Arguments& arguments) {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  if (std::sscanf(arguments.size.c_str(), "%ux%u", &width, &height) != 2 || width < 16 || height < 16 ||
      width > 16384 || height > 16384) {
    return Fail("--size is WIDTHxHEIGHT in pixels, 16 to 16384 each");
  }
  if (arguments.gates) return MakeGates(arguments, width, height);
  std::string records = "plate,state,timestamp,lane,image\n";
  constexpr std::string_view kStates[] = {"TX", "NM", "AZ", "CA", "TAMPS"};
  for (std::uint32_t camera = 1; camera <= arguments.cameras; ++camera) {
    const fs::path folder = fs::path(arguments.out) / fmt::format("lane{}", camera);
    std::error_code error;
    fs::create_directories(folder, error);
    const LaneCamera lane(arguments.seed, camera, width, height);
    for (std::uint32_t number = 0; number < arguments.frames; ++number) {
      const LaneFrame frame = lane.Frame(number);
      const std::string name = fmt::format("{}_{:04}", frame.plate, number);
      const std::string boxes =
          fmt::format("{{\"plate\": {}, \"vehicle\": {}}}\n", Json(frame.plate_box), Json(frame.vehicle_box));
      const JpegOptions options{.quality = arguments.quality, .progressive = arguments.progressive};
      if (!Write(folder / (name + ".jpg"), EncodeJpeg(frame.picture, options)) ||
          !Write(folder / (name + ".json"), AsBytes(boxes))) {
        return Fail(folder.string() + " cannot be written to");
      }
      records += fmt::format("{},{},2019-05-{:02}T{:02}:{:02}:{:02}Z,{},lane{}/{}.jpg\n", frame.plate,
                             kStates[(number * 7 + camera) % std::size(kStates)], 1 + number / 86400 % 28,
                             number / 3600 % 24, number / 60 % 60, number % 60, camera, camera, name);
    }
  }
  if (!arguments.records.empty() && !Write(arguments.records, AsBytes(records)))
    return Fail("--records cannot be written");
  return 0;
}

int Reencode(const Arguments& arguments) {
  const auto file = ReadFile(arguments.reencode[0], 1u << 30);
  if (!file) return Fail(arguments.reencode[0] + " cannot be read");
  Picture picture = DecodeRgb(*file);
  if (picture.rgb.empty()) return Fail(arguments.reencode[0] + " is no JPEG or PNG");
  if (!arguments.crop.empty()) {
    const auto cut = [&](std::size_t side, std::uint32_t length) {
      return static_cast<std::uint32_t>(std::lround(std::clamp(arguments.crop[side], 0.0, 0.49) * length));
    };
    picture = Crop(picture, cut(0, picture.width), cut(1, picture.height),
                   picture.width - cut(0, picture.width) - cut(2, picture.width),
                   picture.height - cut(1, picture.height) - cut(3, picture.height));
  }
  if (arguments.scale != 1) {
    const auto side = [&](std::uint32_t length) {
      return static_cast<std::uint32_t>(std::max(1L, std::lround(length * arguments.scale)));
    };
    picture = Resize(picture, side(picture.width), side(picture.height));
  }
  const JpegOptions options{.quality = arguments.quality, .progressive = arguments.progressive};
  if (!Write(arguments.reencode[1], arguments.format == "png" ? EncodePng(picture) : EncodeJpeg(picture, options))) {
    return Fail(arguments.reencode[1] + " cannot be written");
  }
  return 0;
}

int Distances(const std::string& folder) {
  std::map<fs::path, std::vector<PdqHash>> cameras;
  const config::Limits limits;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto file = fingerprint::FingerprintFile(entry.path(), {}, limits);
    if (file && !file->views.empty()) cameras[entry.path().parent_path()].push_back(file->views[0].hash);
  }
  for (const auto& [camera, hashes] : cameras) {
    std::vector<int> distances;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) distances.push_back(HammingDistance(hashes[i], hashes[j]));
    }
    if (distances.empty()) continue;
    std::ranges::sort(distances);
    const auto share = std::ranges::lower_bound(distances, 50) - distances.begin();
    std::cout << fmt::format("{}: {} pictures, {} pairs, least distance {}, median {}, {} pairs below 50\n",
                             camera.string(), hashes.size(), distances.size(), distances.front(),
                             distances[distances.size() / 2], share);
  }
  return 0;
}

}  // namespace
}  // namespace spanwatch::test

int main(int count, char** values) {
  using namespace spanwatch::test;
  Arguments arguments;
  CLI::App app("Makes gate pictures of fixed lane cameras, or writes one picture anew.");
  app.add_option("OUT_DIR", arguments.out);
  app.add_option("--cameras", arguments.cameras);
  app.add_option("--frames", arguments.frames);
  app.add_option("--seed", arguments.seed);
  app.add_option("--size", arguments.size);
  app.add_option("--records", arguments.records);
  app.add_flag("--gates", arguments.gates);
  app.add_option("--reencode", arguments.reencode)->expected(2);
  app.add_option("--quality", arguments.quality)->check(CLI::Range(1, 100));
  app.add_option("--scale", arguments.scale)->check(CLI::Range(0.01, 8.0));
  app.add_option("--format", arguments.format)->check(CLI::IsMember({"jpg", "png"}));
  app.add_flag("--progressive", arguments.progressive);
  app.add_option("--crop", arguments.crop)->expected(4)->delimiter(',');
  app.add_option("--distances", arguments.distances);
  CLI11_PARSE(app, count, values);
  if (!arguments.distances.empty()) return Distances(arguments.distances);
  if (!arguments.reencode.empty()) return Reencode(arguments);
  if (arguments.out.empty()) return Fail("name a folder for the pictures; --help shows the options");
  return Make(arguments);
}
