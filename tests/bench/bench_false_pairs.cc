// bench_false_pairs: how often different pictures of one camera are taken for each other, and whether the rate that
// `register build` writes is the one that pictures held back then show. Prints Markdown.
//
//   bench_false_pairs FRAMES [--light day|night|infrared|rain|headlights|all] [--one-in N] [--costs]
//
// FRAMES made-up frames of one camera, 160x90 (the samples that the sensor takes of 1280x720), as JPEG of quality 85.
// Every pair of their PDQ hashes is compared, beside the distance that calibration of all of them would call sure. One
// frame in forty (N) of each light is registered, with the whole picture
// alone and with all views; all others are looked up as the sensor does. Calibration sees the registered frames only.
#include <fmt/format.h>
#include <sys/mman.h>
#include <time.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <numeric>
#include <thread>

#include "base/check.h"
#include "fingerprint/file_fingerprint.h"
#include "fingerprint/picture_lookup.h"
#include "hashset/hamming_kernels.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"
#include "image/picture_decoder.h"
#include "register/calibration.h"
#include "support/calibrate_pictures.h"
#include "support/picture_maker.h"

namespace spanwatch::bench {
namespace {

constexpr std::array kDistances = {31, 40, 48, 56, 64, 72};
constexpr int kWeak = 40;

struct Frame {
  fingerprint::PictureHashes hashes;
  std::vector<PictureView> views;  // of a registered one

  bool registered() const { return !views.empty(); }
};

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// What the renderings of a picture cost beside its decoding: 40 frames of 1280x720, quality 85.
void MeasureCosts() {
  const test::LaneCamera lane(5, 2);
  double decode = 0, whole = 0, all = 0;
  constexpr int kPictures = 40;
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < kPictures; ++i) {
    const Bytes file = EncodeJpeg(lane.Frame(i).picture, {.quality = 85});
    const double begin = CpuSeconds();
    const auto decoded = image::DecodePicture(file, {1u << 30, 1u << 30});
    const double plane = CpuSeconds();
    image::Luma64 luma;
    image::Downsample(*decoded.plane, {}, luma);
    sum += fingerprint::Pdq(luma).hash.words[0];
    const double hashed = CpuSeconds();
    sum += fingerprint::HashPicture(*decoded.plane).whole.hash.words[0];
    all += CpuSeconds() - hashed;
    whole += hashed - plane;
    decode += plane - begin;
  }
  fmt::print(
      "1280x720, CPU time a picture: decode {:.0f} us, PDQ of the whole {:.0f} us, of all renderings {:.0f} us{}\n\n",
      decode / kPictures * 1e6, whole / kPictures * 1e6, all / kPictures * 1e6, sum == 0 ? "." : "");
}

std::vector<Frame> MakeFrames(std::uint32_t count, std::uint32_t one_in, const std::vector<test::LaneLight>& lights) {
  const test::LaneCamera lane(5, 1, 160, 90);
  std::vector<Frame> frames(count);
  std::atomic<std::uint32_t> next = 0;
  const auto work = [&] {
    const config::Limits limits;
    for (std::uint32_t i = next++; i < count; i = next++) {
      const Bytes file = EncodeJpeg(lane.Frame(i, lights[i % lights.size()]).picture, {.quality = 85});
      frames[i].hashes = fingerprint::HashPicture(*image::DecodePicture(file, {1u << 30, 1u << 30}).plane);
      frames[i].hashes.samples.reset();
      if (i / lights.size() % one_in != 0) continue;
      const fingerprint::EnrolmentProfile profile{.views = fingerprint::ViewProfile::kFull};
      frames[i].views = fingerprint::FingerprintBytes(file, profile, limits).views;
    }
  };
  std::jthread other(work);
  work();
  return frames;
}

void ComparePairs(const std::vector<Frame>& frames, const std::vector<test::LaneLight>& lights) {
  constexpr std::array kNames = {"day", "night", "infra-red", "rain", "headlights"};
  std::map<std::string_view, std::uint64_t> near_by_light;
  std::vector<PdqHash> hashes;
  std::uint64_t usable = 0;
  for (const Frame& frame : frames) {
    hashes.push_back(frame.hashes.whole.hash);
    usable += frame.hashes.whole.quality >= fingerprint::kUsableQuality;
  }
  std::array<std::uint64_t, 257> pairs{};
  std::vector<std::uint16_t> distances(hashes.size());
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    hashset::Kernels().distances(hashes[i], std::span(hashes).first(i), distances.data());
    for (std::size_t j = 0; j < i; ++j) {
      ++pairs[distances[j]];
      if (distances[j] > kWeak) continue;
      const auto light = lights[i % lights.size()];
      ++near_by_light[light == lights[j % lights.size()] ? kNames[static_cast<std::size_t>(light)] : "of two lights"];
    }
  }
  const std::uint64_t count = hashes.size() * (hashes.size() - 1) / 2;
  const auto nearest = std::ranges::find_if(pairs, [](std::uint64_t n) { return n > 0; }) - pairs.begin();
  fmt::print("{} frames ({} of quality 50 and more), {:.3g} pairs; nearest pair at {}; pairs within", frames.size(),
             usable, static_cast<double>(count), nearest);
  std::uint64_t sum = 0;
  for (int d = 0; d <= kDistances.back(); ++d) {
    sum += pairs[static_cast<std::size_t>(d)];
    if (std::ranges::find(kDistances, d) != kDistances.end()) fmt::print(" {}: {},", d, sum);
  }
  fmt::print(" plain PDQ.");
  for (const auto& [light, number] : near_by_light) fmt::print(" Within {}, {}: {}.", kWeak, light, number);
  std::vector<PictureView> wholes;
  for (const Frame& frame : frames) {
    wholes.push_back({frame.hashes.whole.hash, frame.hashes.whole.quality});
  }
  std::vector<support::CalibratedPicture> all;
  for (const PictureView& whole : wholes) all.push_back({whole, std::span(&whole, 1)});
  const enrolment::Calibration calibration = support::CalibratePictures(all);
  const auto within = [&](int distance) { return std::accumulate(pairs.begin(), pairs.begin() + distance + 1, 0ull); };
  fmt::print(
      "\n\nWith all of them registered: {}calibrated, sure up to {}, weak up to {}; pairs within: {} and {}.\n\n",
      calibration.calibrated ? "" : "not ", calibration.sure_distance, calibration.weak_distance,
      within(calibration.sure_distance), within(calibration.weak_distance));
}

// The views of a registered frame that a profile puts into the set.
std::span<const PictureView> ViewsOf(const Frame& frame, bool all) {
  return std::span(frame.views).first(all ? frame.views.size() : 1);
}

// Frames held back, looked up as the sensor does.
void LookUp(const std::vector<Frame>& frames, bool all, std::string_view profile) {
  hashset::HashSetWriter writer({.name = "pairs"});
  writer.AddCollection({.name = "camera", .owner = "owner", .calibrated = true});
  std::uint64_t views = 0, pictures = 0;
  for (const Frame& frame : frames) {
    if (!frame.registered()) continue;
    const std::uint32_t row = writer.AddItem({.kind = ItemKind::kImage});
    for (const PictureView& view : ViewsOf(frame, all)) writer.AddPicture(row, view);
    views += ViewsOf(frame, all).size();
    ++pictures;
  }
  const Bytes seed(32, 1);
  const Bytes set = *writer.Encode(seed);
  const UniqueFd file(::memfd_create("pairs", MFD_CLOEXEC));
  CHECK(::write(file.get(), set.data(), set.size()) == static_cast<ssize_t>(set.size()));
  const hashset::PublicKey key = hashset::PublicKeyOf(seed);
  const std::vector<Bytes> trusted{{key.begin(), key.end()}};
  const auto snapshot = *hashset::Snapshot::Make({*hashset::MappedHashSet::Open(file, "pairs", trusted)});
  std::uint64_t near = 0, weak = 0, queries = 0;
  const double begin = CpuSeconds();
  for (const Frame& frame : frames) {
    if (frame.registered()) continue;
    ++queries;
    for (const auto& match : fingerprint::FindPicture(*snapshot, frame.hashes)) {
      near += match.distance <= 31;
      weak += match.distance <= 40;
    }
  }
  fmt::print("| {} | {} | {} | {} | {:.3g} | {} | {} | {:.0f} |\n", profile, pictures, views, queries,
             static_cast<double>(pictures) * static_cast<double>(queries), near, weak,
             (CpuSeconds() - begin) / static_cast<double>(queries) * 1e6);
}

// What calibration expects beside what the held back frames show.
void CompareCalibration(const std::vector<Frame>& frames, bool all, std::string_view profile) {
  std::vector<support::CalibratedPicture> registered;
  for (const Frame& frame : frames) {
    if (frame.registered()) registered.push_back({frame.views[0], ViewsOf(frame, all)});
  }
  const enrolment::Calibration calibration = support::CalibratePictures(registered);
  std::array<std::uint64_t, 257> partners{};
  std::uint64_t queries = 0;
  std::vector<PdqHash> views;
  std::vector<std::uint16_t> distances;
  for (const auto& picture : registered) {
    views.clear();
    for (const PictureView& view : picture.views) views.push_back(view.hash);
    distances.resize(views.size());
    for (const Frame& frame : frames) {
      if (frame.registered() || frame.hashes.whole.quality < fingerprint::kUsableQuality) continue;
      hashset::Kernels().distances(frame.hashes.whole.hash, views, distances.data());
      ++partners[*std::ranges::min_element(distances)];
    }
  }
  for (const Frame& frame : frames)
    queries += !frame.registered() && frame.hashes.whole.quality >= fingerprint::kUsableQuality;
  if (queries == 0) return;
  fmt::print("| {} | {} | {} | {:.2g} |", profile, calibration.calibrated ? "yes" : "no", calibration.sure_distance,
             calibration.false_rate);
  for (const int distance : kDistances) {
    std::uint64_t sum = 0;
    for (int d = 0; d <= distance; ++d) sum += partners[static_cast<std::size_t>(d)];
    fmt::print(" {:.2g} / {:.2g} |", calibration.FalseRate(distance),
               static_cast<double>(sum) / static_cast<double>(queries));
  }
  fmt::print("\n");
}

void Run(std::uint32_t count, std::uint32_t one_in, const std::string& light) {
  using test::LaneLight;
  const std::map<std::string, std::vector<LaneLight>> lights{
      {"day", {LaneLight::kDay}},
      {"night", {LaneLight::kNight}},
      {"infrared", {LaneLight::kInfrared}},
      {"rain", {LaneLight::kRain}},
      {"headlights", {LaneLight::kHeadlights}},
      {"all", {LaneLight::kDay, LaneLight::kNight, LaneLight::kInfrared, LaneLight::kRain, LaneLight::kHeadlights}}};
  const std::vector<Frame> frames = MakeFrames(count, one_in, lights.at(light));
  fmt::print("### One camera, {}\n\n", light == "all" ? "day, night, infra-red, rain, headlights in turn" : light);
  ComparePairs(frames, lights.at(light));
  fmt::print(
      "| views | registered | views in the set | held back, looked up | pairs | false within 31 | within 40 | us a "
      "look-up |\n");
  fmt::print("|---|---|---|---|---|---|---|---|\n");
  LookUp(frames, false, "none");
  LookUp(frames, true, "full");
  fmt::print("\nFalse partners per picture, expected by calibration / shown by those held back, within\n\n");
  fmt::print("| views | calibrated | sure up to | rate written |");
  for (const int distance : kDistances) fmt::print(" {} |", distance);
  fmt::print("\n|---|---|---|---|---|---|---|---|---|---|\n");
  CompareCalibration(frames, false, "none");
  CompareCalibration(frames, true, "full");
  fmt::print("\n");
}

}  // namespace
}  // namespace spanwatch::bench

int main(int argc, char** argv) {
  std::uint32_t frames = 1000;
  std::string light = "all";
  CLI::App app("False pairs among the frames of one camera.");
  bool costs = false;
  app.add_option("FRAMES", frames)->required();
  std::uint32_t one_in = 40;
  app.add_option("--one-in", one_in, "Of how many frames of a light one is registered")->check(CLI::PositiveNumber);
  app.add_flag("--costs", costs, "What hashing costs, too");
  app.add_option("--light", light)->check(CLI::IsMember({"day", "night", "infrared", "rain", "headlights", "all"}));
  CLI11_PARSE(app, argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (costs) spanwatch::bench::MeasureCosts();
  spanwatch::bench::Run(frames, one_in, light);
  return 0;
}
