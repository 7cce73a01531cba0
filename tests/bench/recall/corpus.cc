#include "recall/corpus.h"

#include <algorithm>

#include "base/file.h"
#include "fingerprint/pdq.h"
#include "image/picture_decoder.h"

namespace spanwatch::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kLongSide = 1280;
constexpr std::uint32_t kShortSideMin = 300;
constexpr int kAlike = 40;
constexpr std::uint32_t kCameras = 3;

std::vector<fs::path> FilesUnder(const std::vector<fs::path>& folders) {
  std::vector<fs::path> files;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
      const fs::path extension = entry.path().extension();
      if (entry.is_regular_file() && !entry.is_symlink() && (extension == ".jpg" || extension == ".png"))
        files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Corpus Photographs(const std::vector<fs::path>& folders, std::size_t count) {
  Corpus corpus{.name = "photographs"};
  std::vector<PdqHash> taken;
  for (const fs::path& path : FilesUnder(folders)) {
    if (corpus.subjects.size() == count) break;
    const auto file = ReadFile(path, 1u << 30);
    if (!file) continue;
    test::Picture picture = test::DecodeRgb(*file);
    if (picture.rgb.empty() || std::min(picture.width, picture.height) < kShortSideMin) continue;
    const double scale = static_cast<double>(kLongSide) / std::max(picture.width, picture.height);
    if (scale < 1) {
      picture = test::Resize(picture, static_cast<std::uint32_t>(picture.width * scale),
                             static_cast<std::uint32_t>(picture.height * scale));
    }
    Bytes original = EncodeJpeg(picture, {.quality = 92});
    image::Luma64 luma;
    image::Downsample(*image::DecodePicture(original, {1u << 30, 1u << 30}).plane, {}, luma);
    const fingerprint::PdqResult result = fingerprint::Pdq(luma);
    const bool alike =
        std::ranges::any_of(taken, [&](const PdqHash& hash) { return HammingDistance(hash, result.hash) <= kAlike; });
    if (result.quality < fingerprint::kUsableQuality || alike) continue;
    taken.push_back(result.hash);
    corpus.subjects.push_back({.picture = test::DecodeRgb(original), .original = std::move(original)});
  }
  return corpus;
}

Corpus Lanes(const std::string& name, const std::vector<test::LaneLight>& lights, std::size_t count) {
  Corpus corpus{.name = name, .vehicles = true};
  std::vector<test::LaneCamera> cameras;
  for (std::uint32_t camera = 0; camera < kCameras; ++camera) cameras.emplace_back(11, camera, 960, 540);
  for (std::uint32_t i = 0; i < count; ++i) {
    const test::LaneFrame frame = cameras[i % kCameras].Frame(i, lights[i / kCameras % lights.size()]);
    Bytes original = EncodeJpeg(frame.picture, {.quality = 90});
    test::Picture picture = test::DecodeRgb(original);
    corpus.subjects.push_back({.picture = std::move(picture),
                               .original = std::move(original),
                               .plate_box = frame.plate_box,
                               .vehicle_box = frame.vehicle_box});
  }
  return corpus;
}

}  // namespace spanwatch::bench
