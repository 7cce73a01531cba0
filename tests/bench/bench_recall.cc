// bench_recall: the recall table of the perceptual family. Registers pictures with enrolment's own code under each view
// profile, makes copies (recall/transformations.h), decodes and looks them up with the sensor's own code, and prints
// Markdown: recall at distance 31 and 40 and the number of pairs with a different picture, beside plain PDQ (the whole
// picture's one hash against theirs).
//
//   bench_recall [--photographs N] [--lanes N] [--folder DIR]... [--only NAME]   the table
//   bench_recall --check                                              few lanes; fails when a certain recall is missed
#include <fmt/format.h>
#include <sys/mman.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <thread>

#include "base/check.h"
#include "fingerprint/file_fingerprint.h"
#include "fingerprint/picture_lookup.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"
#include "image/picture_decoder.h"
#include "recall/corpus.h"

namespace spanwatch::bench {
namespace {

constexpr std::array kProfiles = {fingerprint::ViewProfile::kNone, fingerprint::ViewProfile::kFew,
                                  fingerprint::ViewProfile::kFull};
constexpr std::array kDistances = {31, 40};

struct Count {
  std::uint32_t found = 0;
  std::uint32_t false_pairs = 0;
};
// By profile (plain PDQ first) and distance.
using Counts = std::array<std::array<Count, kDistances.size()>, kProfiles.size() + 1>;

struct Row {
  Counts counts{};
  std::uint32_t copies = 0;
};

image::LumaRectangle RectangleOf(const test::PictureBox& box) { return {box.left, box.top, box.right, box.bottom}; }

// All pictures of a corpus, registered under one profile.
class Registered {
 public:
  Registered(const Corpus& corpus, fingerprint::ViewProfile views) {
    hashset::HashSetWriter writer({.name = "recall"});
    writer.AddCollection({.name = corpus.name, .owner = "owner", .calibrated = true});
    const config::Limits limits;
    for (const Subject& subject : corpus.subjects) {
      fingerprint::EnrolmentProfile profile{.views = views};
      if (corpus.vehicles) {
        profile.plate = RectangleOf(subject.plate_box);
        profile.vehicle = RectangleOf(subject.vehicle_box);
      }
      const FileFingerprint file = fingerprint::FingerprintBytes(subject.original, profile, limits);
      plain_.push_back(file.views.at(0).hash);
      const std::uint32_t row = writer.AddItem({.kind = ItemKind::kImage});
      for (const PictureView& view : file.views) writer.AddPicture(row, view);
      views_ += file.views.size();
    }
    const Bytes seed(32, 1);
    const Bytes set = *writer.Encode(seed);
    const UniqueFd file(::memfd_create("recall", MFD_CLOEXEC));
    CHECK(::write(file.get(), set.data(), set.size()) == static_cast<ssize_t>(set.size()));
    const hashset::PublicKey key = hashset::PublicKeyOf(seed);
    const std::vector<Bytes> trusted{{key.begin(), key.end()}};
    snapshot_ = *hashset::Snapshot::Make({*hashset::MappedHashSet::Open(file, "recall", trusted)});
  }

  std::uint64_t views() const { return views_; }
  void LookUp(const fingerprint::PictureHashes& hashes, std::uint32_t wanted,
              std::array<Count, kDistances.size()>& counts) const {
    for (const auto& match : fingerprint::FindPicture(*snapshot_, hashes))
      Add(match.item.row == wanted, match.distance, counts);
  }
  void LookUpPlain(const PdqHash& hash, std::uint32_t wanted, std::array<Count, kDistances.size()>& counts) const {
    for (std::uint32_t row = 0; row < plain_.size(); ++row)
      Add(row == wanted, HammingDistance(hash, plain_[row]), counts);
  }

 private:
  static void Add(bool right, int distance, std::array<Count, kDistances.size()>& counts) {
    for (std::size_t i = 0; i < kDistances.size(); ++i) {
      if (distance > kDistances[i]) continue;
      counts[i].found += right;
      counts[i].false_pairs += !right;
    }
  }

  std::vector<PdqHash> plain_;
  std::uint64_t views_ = 0;
  std::shared_ptr<const hashset::Snapshot> snapshot_;
};

// `only`: rows with this in their name; empty: all.
std::vector<Row> Measure(const Corpus& corpus, unsigned threads, std::string_view only) {
  std::vector<Registered> registers;
  for (const auto views : kProfiles) registers.emplace_back(corpus, views);
  const std::vector<Transformation>& rows = Transformations();
  std::vector<Row> results(rows.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t r = next++; r < rows.size(); r = next++) {
      if ((rows[r].vehicles_only && !corpus.vehicles) || rows[r].name.find(only) == std::string::npos) continue;
      Random random(r);
      for (std::uint32_t i = 0; i < corpus.subjects.size(); ++i) {
        const Bytes copy = rows[r].copy(corpus.subjects[i], random);
        ++results[r].copies;
        const auto decoded = image::DecodePicture(copy, {1u << 30, 1u << 30});
        if (!decoded.plane) continue;
        const fingerprint::PictureHashes hashes = fingerprint::HashPicture(*decoded.plane);
        registers[0].LookUpPlain(hashes.whole.hash, i, results[r].counts[0]);
        for (std::size_t p = 0; p < registers.size(); ++p) registers[p].LookUp(hashes, i, results[r].counts[p + 1]);
      }
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned i = 1; i < threads; ++i) workers.emplace_back(work);
  work();
  workers.clear();
  return results;
}

void Print(const Corpus& corpus, const std::vector<Row>& results) {
  fmt::print(
      "## {}\n\n{} pictures; recall in % and, where there are any, pairs with a different picture in brackets.\n\n",
      corpus.name, corpus.subjects.size());
  fmt::print("| copy | strength | plain 31 | plain 40 | none 31 | none 40 | few 31 | few 40 | full 31 | full 40 |\n");
  fmt::print("|---|---|---|---|---|---|---|---|---|---|\n");
  for (std::size_t r = 0; r < results.size(); ++r) {
    if (results[r].copies == 0) continue;
    fmt::print("| {} | {} |", Transformations()[r].name, Transformations()[r].strength);
    for (const auto& profile : results[r].counts) {
      for (const Count& count : profile) {
        const std::string pairs = count.false_pairs == 0 ? "" : fmt::format(" ({})", count.false_pairs);
        fmt::print(" {:.0f}{} |", 100.0 * count.found / results[r].copies, pairs);
      }
    }
    fmt::print("\n");
  }
  fmt::print("\n");
  std::fflush(stdout);
}

// Rows that must hold, whatever else changes: found of 12 frames at distance 40 with all views.
struct Certain {
  std::string_view name;
  std::string_view strength;  // empty: every one
  std::uint32_t least;
};
constexpr Certain kCertain[] = {{"JPEG", "", 11},
                                {"progressive JPEG", "", 12},
                                {"format change", "", 12},
                                {"first scan alone", "", 12},
                                {"resize", "", 11},
                                {"squeeze", "", 12},
                                {"grey", "", 12},
                                {"brightness", "", 11},
                                {"gamma", "", 11},
                                {"blur", "", 11},
                                {"invert", "", 12},
                                {"mirror", "", 12},
                                {"rotation", "90 degrees", 12},
                                {"rotation", "180 degrees", 12},
                                {"rotation", "270 degrees", 12},
                                {"caption", "", 11},
                                {"logo", "", 11},
                                {"border", "2 %", 11},
                                {"border", "5 %", 11},
                                {"border", "10 %", 11},
                                {"screenshot", "window, title bar, task bar", 11},
                                {"screenshot", "viewer, black bars of 10 % and a toolbar", 11},
                                {"crop, one side", "", 11},
                                {"crop, asymmetric", "up to 6 % a side", 11},
                                {"vehicle crop", "", 12},
                                {"plate crop", "", 12}};

int Check() {
  const Corpus corpus = Lanes("lanes", {test::LaneLight::kDay, test::LaneLight::kInfrared}, 12);
  const std::vector<Row> results = Measure(corpus, 2, "");
  int missed = 0;
  int checked = 0;
  for (std::size_t r = 0; r < results.size(); ++r) {
    const Transformation& row = Transformations()[r];
    for (const Certain& certain : kCertain) {
      if (row.name != certain.name || (!certain.strength.empty() && row.strength != certain.strength)) continue;
      ++checked;
      const Count& count = results[r].counts.back()[1];
      if (count.found >= certain.least && count.false_pairs == 0) continue;
      fmt::print("{} {}: {} found of {}, at least {} expected; {} false pairs\n", row.name, row.strength, count.found,
                 results[r].copies, certain.least, count.false_pairs);
      ++missed;
    }
  }
  fmt::print("{} rows checked, {} missed\n", checked, missed);
  return missed == 0 && checked >= static_cast<int>(std::size(kCertain)) ? 0 : 1;
}

}  // namespace
}  // namespace spanwatch::bench

int main(int argc, char** argv) {
  using namespace spanwatch::bench;
  using spanwatch::test::LaneLight;
  std::size_t photographs = 60;
  std::size_t lanes = 60;
  unsigned threads = 2;
  bool check = false;
  std::string only;
  std::vector<std::filesystem::path> folders{"/usr/share/backgrounds", "/usr/share/wallpapers"};
  CLI::App app("Recall of copies, by transformation.");
  app.add_option("--photographs", photographs);
  app.add_option("--lanes", lanes);
  app.add_option("--threads", threads);
  app.add_option("--folder", folders);
  app.add_option("--only", only, "Rows with this in their name");
  app.add_flag("--check", check);
  CLI11_PARSE(app, argc, argv);
  if (check) return Check();
  const std::vector<std::function<Corpus()>> corpora{
      [&] { return Photographs(folders, photographs); },
      [&] { return Lanes("lanes by day", {LaneLight::kDay}, lanes); },
      [&] {
        return Lanes("lanes by night, infra-red, in rain, with headlights",
                     {LaneLight::kNight, LaneLight::kInfrared, LaneLight::kRain, LaneLight::kHeadlights}, lanes);
      }};
  for (const auto& make : corpora) {
    const Corpus corpus = make();
    if (!corpus.subjects.empty()) Print(corpus, Measure(corpus, threads, only));
  }
  return 0;
}
