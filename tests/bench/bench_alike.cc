// bench_alike: what the second look (fingerprint/picture_detail.h) makes of pictures that look alike. Prints Markdown.
//
//   bench_alike [FRAMES] [FOLDER...]
//
// FRAMES made-up frames of each of three gates and three lanes, by day and with headlights by night, 960x540; besides,
// JPEG and PNG files, a folder for each camera. Of all pairs of one camera those that PDQ finds alike are looked at a
// second time, and so is each of ten copies of every picture.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "fingerprint/pdq.h"
#include "fingerprint/picture_detail.h"
#include "image/picture_decoder.h"
#include "recall/pixels.h"
#include "support/gate_maker.h"
#include "support/picture_maker.h"

namespace spanwatch::bench {
namespace {

constexpr int kAlike = 40;

struct Frame {
  Bytes file;
  image::Luma64 luma;
  PdqHash hash;
  PictureDetail detail;
};
using Camera = std::vector<Frame>;

image::Luma64 LumaOf(ByteView file) {
  image::Luma64 luma{};
  const auto outcome = image::DecodePicture(file, {1u << 30, 1u << 30});
  if (outcome.plane) image::Downsample(*outcome.plane, {}, luma);
  return luma;
}

Frame FrameOf(Bytes file) {
  const image::Luma64 luma = LumaOf(file);
  return {std::move(file), luma, fingerprint::Pdq(luma).hash, fingerprint::DetailOf(luma)};
}

struct Copy {
  const char* name;
  std::function<Bytes(const Picture&)> make;
};
const std::vector<Copy>& Copies() {
  static const std::vector<Copy> kCopies = {
      {"JPEG q30", [](const Picture& p) { return EncodeJpeg(p, {.quality = 30}); }},
      {"JPEG q50", [](const Picture& p) { return EncodeJpeg(p, {.quality = 50}); }},
      {"JPEG q90", [](const Picture& p) { return EncodeJpeg(p, {.quality = 90}); }},
      {"twice the size", [](const Picture& p) { return EncodeJpeg(Resize(p, p.width * 2, p.height * 2)); }},
      {"half the size", [](const Picture& p) { return EncodeJpeg(Resize(p, p.width / 2, p.height / 2)); }},
      {"a quarter of the size", [](const Picture& p) { return EncodeJpeg(Resize(p, p.width / 4, p.height / 4)); }},
      {"half the size, q30",
       [](const Picture& p) { return EncodeJpeg(Resize(p, p.width / 2, p.height / 2), {.quality = 30}); }},
      {"grey", [](const Picture& p) { return EncodeJpeg(Grey(p)); }},
      {"brightness 1.3",
       [](const Picture& p) { return EncodeJpeg(Tone(p, [](double level) { return level * 1.3; })); }},
      {"crop, 2 % a side", [](const Picture& p) { return EncodeJpeg(Trimmed(p, 0.02, 0.02, 0.02, 0.02)); }}};
  return kCopies;
}

struct Differences {
  std::vector<double> values;

  double Share(double least, double most) const {
    const auto inside = std::ranges::count_if(values, [&](double value) { return value > least && value <= most; });
    return values.empty() ? 0 : 100.0 * static_cast<double>(inside) / static_cast<double>(values.size());
  }
  double Median() {
    if (values.empty()) return 0;
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
  }
  void Print(const std::string& cameras, const std::string& what) {
    constexpr double kNear = 0.1, kOther = fingerprint::kOtherDifference - 1e-9;
    fmt::print("| {} | {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.3f} |\n", cameras, what, values.size(), Share(-1, kNear),
               Share(kNear, kOther), Share(kOther, 9), Median());
  }
};

double CpuMicroseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

void PrintTable(const std::string& name, const std::vector<Camera>& cameras) {
  Differences others;
  std::size_t pairs = 0;
  double spent = 0;
  for (const Camera& camera : cameras) {
    for (std::size_t i = 0; i < camera.size(); ++i) {
      for (std::size_t j = 0; j < camera.size(); ++j) {
        if (i == j) continue;
        ++pairs;
        if (HammingDistance(camera[i].hash, camera[j].hash) > kAlike) continue;
        const double begin = CpuMicroseconds();
        others.values.push_back(fingerprint::DetailProbe(camera[i].luma).Difference(camera[j].detail).value_or(0));
        spent += CpuMicroseconds() - begin;
      }
    }
  }
  others.Print(name, fmt::format("others, of {} pairs", pairs));
  for (const Copy& copy : Copies()) {
    Differences copies;
    for (const Camera& camera : cameras) {
      for (const Frame& frame : camera) {
        const fingerprint::DetailProbe probe(LumaOf(copy.make(test::DecodeRgb(frame.file))));
        copies.values.push_back(probe.Difference(frame.detail).value_or(0));
      }
    }
    copies.Print(name, copy.name);
  }
  if (!others.values.empty())
    fmt::print("| {} | CPU of one second look, us | {:.0f} | | | | |\n", name,
               spent / static_cast<double>(others.values.size()));
}

Camera CameraOf(const std::filesystem::path& folder) {
  Camera camera;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    auto file = ReadFile(entry.path(), 1u << 28);
    if (file && !test::DecodeRgb(*file).rgb.empty()) camera.push_back(FrameOf(std::move(*file)));
  }
  return camera;
}

int Run(const std::vector<std::string>& arguments) {
  const auto frames = static_cast<std::uint32_t>(arguments.empty() ? 40 : std::stoul(arguments[0]));
  fmt::print("| pictures | compared | how many | up to 0.1 % | between % | taken away % | median |\n");
  fmt::print("|---|---|---|---|---|---|---|\n");
  std::vector<Camera> gates(3), lanes(3), nights(3);
  for (std::uint32_t camera = 0; camera < 3; ++camera) {
    for (std::uint32_t i = 0; i < frames; ++i) {
      gates[camera].push_back(FrameOf(EncodeJpeg(test::GateCamera(3, camera, 960, 540).Frame(i), {.quality = 90})));
      const test::LaneCamera lane(11, camera, 960, 540);
      lanes[camera].push_back(FrameOf(EncodeJpeg(lane.Frame(i).picture, {.quality = 90})));
      nights[camera].push_back(
          FrameOf(EncodeJpeg(lane.Frame(i, test::LaneLight::kHeadlights).picture, {.quality = 90})));
    }
  }
  PrintTable("gates", gates);
  PrintTable("lanes by day", lanes);
  PrintTable("lanes, headlights by night", nights);
  for (std::size_t i = 1; i < arguments.size(); ++i)
    PrintTable(std::filesystem::path(arguments[i]).filename().string(), {CameraOf(arguments[i])});
  return 0;
}

}  // namespace
}  // namespace spanwatch::bench

int main(int count, char** values) { return spanwatch::bench::Run({values + 1, values + count}); }
