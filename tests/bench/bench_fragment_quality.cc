// What fragments find and what they do not.
//
// bench_fragment_quality recall FILE...: files (say, of make_pictures) are registered as profile *standard* registers
//   them; single packets of them, and files with packets lost at random, are searched. A Markdown table.
// bench_fragment_quality false PRINTS LIST < BYTES: registers the files that LIST names, a line each, and as many
//   made-up windows as make PRINTS in all, then searches standard input, which is to be unrelated. Prints bytes,
//   windows, and items found, weak and sure, with the files that they are.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "base/file.h"
#include "fingerprint/family.h"
#include "fingerprint/file_fingerprint.h"
#include "fingerprint/fragment_search.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"
#include "register/shared_fragments.h"

namespace spanwatch {
namespace {

constexpr std::uint64_t kSeed = 99;
constexpr std::size_t kPacketBytes = 1460;
constexpr std::size_t kReadBytes = 1u << 20;
constexpr std::size_t kFileBytesMax = 256u << 20;
constexpr int kPacketsPerFile = 50;
constexpr int kLossesPerFile = 10;

struct NoAnomalies final : AnomalySink {
  void OnAnomaly(AnomalyCode) noexcept override {}
};

// The best confidence of each item.
struct Found final : MatchSink {
  void OnMatch(const Match& match) noexcept override {
    Confidence& best = items.try_emplace(match.item.row, Confidence::kWeak).first->second;
    if (match.confidence == Confidence::kSure) best = Confidence::kSure;
    coverage = std::max(coverage, match.coverage);
  }
  void OnRecordEvidence(const RecordEvidence&) noexcept override {}
  bool AlreadyNamed() const noexcept override { return false; }

  std::map<std::uint32_t, Confidence> items;
  float coverage = 0;
};

struct World {
  // Windows of `files` that different ones share are left out, as `register build` does; the rest are made up.
  bool Register(std::vector<FileFingerprint>& files, std::uint64_t prints) {
    std::vector<enrolment::PictureIdentity> identities;
    hashset::ExternalSorter<enrolment::FragmentPlace> places(std::filesystem::temp_directory_path());
    for (const FileFingerprint& file : files) {
      const auto number = static_cast<std::uint32_t>(identities.size());
      identities.push_back(enrolment::IdentityOf(file));
      for (std::uint32_t i = 0; i < file.fragments.size(); ++i) places.Add({file.fragments[i].hash, number, i});
    }
    const auto shared = enrolment::FindSharedFragments(places, identities);
    if (!shared) return false;
    for (FileFingerprint& file : files) enrolment::DropFragments(file, shared->hashes);
    hashset::HashSetWriter writer({.name = "bench", .fragment_seed = kSeed});
    const std::uint32_t collection = writer.AddCollection({.name = "bench"});
    for (const FileFingerprint& file : files) {
      registered += file.fragments.size();
      writer.AddFile(writer.AddItem({.collection = collection, .size = file.size}), file);
    }
    real = registered;
    std::mt19937_64 random(1);
    for (std::uint64_t number = 0; registered < prints; ++number) {
      FileFingerprint file{.size = 100'000, .crc32 = static_cast<std::uint32_t>(number), .head_xxh3 = random()};
      std::memcpy(file.sha256.data(), &number, sizeof(number));
      for (std::size_t i = 0; i < 400 && registered < prints; ++i, ++registered)
        file.fragments.push_back({i * 256, random()});
      writer.AddFile(writer.AddItem({.collection = collection, .size = file.size}), file);
    }
    const Bytes signing_seed(32, 1);
    const auto path = std::filesystem::temp_directory_path() / ("bench_quality." + std::to_string(::getpid()));
    const auto written = writer.Write(path, signing_seed);
    const auto key = hashset::PublicKeyOf(signing_seed);
    const Bytes trusted[] = {Bytes(key.begin(), key.end())};
    auto set = written ? hashset::MappedHashSet::Open(path, trusted) : Fail(written.error());
    std::filesystem::remove(path);
    if (!set) return false;
    auto made = hashset::Snapshot::Make({*set});
    if (made) index = *made;
    return made.has_value();
  }
  // A sketch of one stream; it and `found` end before the world does.
  std::unique_ptr<fingerprint::Sketcher> Search(Found& found) {
    records.emplace(*index, std::vector<const fingerprint::RecordTagger*>{nullptr}, limits, counters);
    fragments.emplace(*index);
    return fingerprint::Make_fragment({*index, *records, *fragments, found, limits, counters, anomalies}, {}, facts);
  }

  std::uint64_t registered = 0;  // windows
  std::uint64_t real = 0;        // of them those of files
  std::shared_ptr<const hashset::Snapshot> index;
  config::Limits limits;
  Counters counters;
  NoAnomalies anomalies;
  fingerprint::SketchFacts facts;
  std::optional<fingerprint::RecordSearch> records;
  std::optional<fingerprint::FragmentSearch> fragments;
};

Result<std::vector<FileFingerprint>> Enrol(const std::vector<std::string>& paths, const config::Limits& limits) {
  std::vector<FileFingerprint> files;
  for (const std::string& path : paths) {
    auto file = fingerprint::FingerprintFile(path, {.fragment_seed = kSeed}, limits);
    if (!file) return Fail(file.error());
    files.push_back(std::move(*file));
  }
  return files;
}

std::vector<std::string> LinesOf(const char* path) {
  std::vector<std::string> lines;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Counts over trials of which each looks for one item.
struct Tally {
  std::uint64_t trials = 0, weak = 0, sure = 0, other = 0;
  double coverage = 0;

  void Add(const Found& found, std::uint32_t item) {
    ++trials;
    for (const auto& [row, confidence] : found.items) {
      other += row != item;
      weak += row == item;
      sure += row == item && confidence == Confidence::kSure;
    }
    coverage += found.coverage;
  }
  void Print(const char* what) const {
    const auto share = [&](std::uint64_t count) { return static_cast<double>(count) / static_cast<double>(trials); };
    std::printf("| %s | %llu | %.4f | %.4f | %.3f | %llu |\n", what, static_cast<unsigned long long>(trials),
                share(weak), share(sure), coverage / static_cast<double>(trials),
                static_cast<unsigned long long>(other));
  }
};

void SearchPackets(World& world, ByteView file, double loss, std::mt19937& random, Found& found) {
  const auto sketch = world.Search(found);
  std::uniform_real_distribution<double> dice;
  for (; !file.empty(); file = file.subspan(std::min(kPacketBytes, file.size()))) {
    const ByteView packet = file.first(std::min(kPacketBytes, file.size()));
    if (dice(random) < loss)
      sketch->Gap(packet.size());
    else
      sketch->Update(packet);
  }
  sketch->Finish(ObjectEnd::kTruncated);
}

int Recall(const std::vector<std::string>& paths) {
  World world;
  auto files = Enrol(paths, world.limits);
  if (!files || !world.Register(*files, 0)) return 1;
  std::mt19937 random(7);
  Tally packet;
  std::vector<std::pair<double, Tally>> losses = {{0.5, {}}, {0.9, {}}, {0.95, {}}};
  double bytes = 0;
  for (std::uint32_t item = 0; item < paths.size(); ++item) {
    const auto file = ReadFile(paths[item], kFileBytesMax);
    if (!file || file->size() < 2 * kPacketBytes) continue;
    bytes += static_cast<double>(file->size());
    for (int i = 0; i < kPacketsPerFile; ++i) {
      Found found;
      const auto sketch = world.Search(found);
      sketch->Update(ByteView(*file).subspan(random() % (file->size() - kPacketBytes), kPacketBytes));
      sketch->Finish(ObjectEnd::kTruncated);
      packet.Add(found, item);
    }
    for (auto& [loss, tally] : losses) {
      for (int i = 0; i < kLossesPerFile; ++i) {
        Found found;
        SearchPackets(world, *file, loss, random, found);
        tally.Add(found, item);
      }
    }
  }
  std::printf("%zu files, mean %.0f bytes, %llu windows\n\n", paths.size(), bytes / static_cast<double>(paths.size()),
              static_cast<unsigned long long>(world.registered));
  std::printf("| searched | trials | found | sure | mean coverage | other items |\n|---|---|---|---|---|---|\n");
  packet.Print("one intact packet of 1,460 bytes");
  for (const auto& [loss, tally] : losses)
    tally.Print(("whole file, " + std::to_string(static_cast<int>(loss * 100)) + " % of its packets lost").c_str());
  return 0;
}

int False(std::uint64_t prints, const std::vector<std::string>& paths) {
  World world;
  auto files = Enrol(paths, world.limits);
  if (!files || !world.Register(*files, prints)) return 1;
  Found found;
  const auto sketch = world.Search(found);
  Bytes buffer(kReadBytes);
  std::uint64_t bytes = 0;
  for (ssize_t got = 0; (got = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0;
       bytes += static_cast<std::uint64_t>(got))
    sketch->Update(ByteView(buffer).first(static_cast<std::size_t>(got)));
  sketch->Finish(ObjectEnd::kComplete);
  std::uint64_t sure = 0;
  for (const auto& [row, confidence] : found.items) sure += confidence == Confidence::kSure;
  std::printf("%.2f GB searched against %llu windows (%llu of %zu real files): %zu items found, %llu of them sure\n",
              static_cast<double>(bytes) / 1e9, static_cast<unsigned long long>(world.registered),
              static_cast<unsigned long long>(world.real), paths.size(), found.items.size(),
              static_cast<unsigned long long>(sure));
  for (const auto& [row, confidence] : found.items) {
    std::printf("%s %s\n", confidence == Confidence::kSure ? "sure" : "weak",
                row < paths.size() ? paths[row].c_str() : "made up");
  }
  return 0;
}

}  // namespace
}  // namespace spanwatch

int main(int argc, char** argv) {
  const std::string_view mode = argc > 2 ? argv[1] : "";
  if (mode == "recall") return spanwatch::Recall({argv + 2, argv + argc});
  if (mode == "false" && argc == 4)
    return spanwatch::False(std::strtoull(argv[2], nullptr, 10), spanwatch::LinesOf(argv[3]));
  std::fputs("usage: bench_fragment_quality recall FILE... | false PRINTS LIST < BYTES\n", stderr);
  return 2;
}
