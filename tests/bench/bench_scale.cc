// bench_scale: hash sets of as many made-up items as is asked for (tests/bench/scale).
//
//   bench_scale fill REGISTER.db ITEMS             adds them to a register, for `register build`
//   bench_scale check SET.swset --trust PUB ITEMS  opens it as an inspector does, and looks for some of them and for
//   others
//
//   ITEMS = --images N --views N --windows N --records N
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>

#include "base/file.h"
#include "base/key_file.h"
#include "hashset/mapped_hashset.h"
#include "hashset/snapshot.h"
#include "made_up_items.h"
#include "register/enroll_records.h"
#include "register/register_database.h"

namespace spanwatch::bench {
namespace {

constexpr std::uint64_t kAsked = 2000;  // items of a family that are looked for, and as many that are not there
constexpr int kSearchDistance = 31;
constexpr int kOpened = 15;

struct Arguments {
  std::string file;
  std::string key;
  MadeUpItems items;
};

[[noreturn]] void Fail(const std::string& what) {
  std::cerr << "bench_scale: " << what << '\n';
  std::exit(1);
}
void Require(const Status& status) {
  if (!status) Fail(status.error().message);
}
template <typename Value>
Value Require(Result<Value> result) {
  if (!result) Fail(result.error().message);
  return std::move(*result);
}

class Stopwatch {
 public:
  explicit Stopwatch(clockid_t clock = CLOCK_MONOTONIC) : clock_(clock), began_(Now()) {}
  double Seconds() const { return Now() - began_; }

 private:
  double Now() const {
    timespec now{};
    ::clock_gettime(clock_, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  }

  clockid_t clock_;
  double began_;
};

void FillRegister(const Arguments& arguments) {
  constexpr std::uint64_t kItemsPerBatch = 50'000;
  const MadeUpItems& items = arguments.items;
  const auto database = Require(enrolment::RegisterDatabase::Open(arguments.file));
  const std::int64_t lanes = Require(database->CollectionRow("lanes"));
  const std::int64_t reads = Require(database->CollectionRow("reads"));
  const auto profile = database->facts().profile;
  Require(database->Begin());
  for (std::uint64_t i = 0; i < items.images; ++i) {
    FileFingerprint file = items.Image(i);
    Reduce(file, profile);
    Require(
        database->AddFile(lanes, {.path = fmt::format("/lanes/{}.jpg", i), .size = file.size, .modified = 1}, file));
    if (i % kItemsPerBatch != kItemsPerBatch - 1) continue;
    Require(database->Commit());
    Require(database->Begin());
  }
  Require(database->Commit());
  enrolment::EnrolmentSummary summary;
  enrolment::RowBatch rows(*database, reads, {.path = "/reads.csv"}, summary, [] {});
  for (std::uint64_t i = 0; i < items.records; ++i)
    Require(rows.Add({.line = i + 2, .fingerprints = {items.Record(i)}}));
  Require(rows.Flush());
}

struct Resident {
  std::uint64_t rss_kb = 0;
  std::uint64_t pss_kb = 0;
};

// What of the set a process has in memory.
Resident ResidentOf(const std::string& process, const std::string& file) {
  std::ifstream smaps("/proc/" + process + "/smaps");
  Resident resident;
  bool ours = false;
  for (std::string line; std::getline(smaps, line);) {
    if (line.find('-') != std::string::npos && line.find(':') != std::string::npos &&
        line.find("kB") == std::string::npos)
      ours = line.find(file) != std::string::npos;
    if (ours && line.starts_with("Rss:")) resident.rss_kb += std::stoull(line.substr(4));
    if (ours && line.starts_with("Pss:")) resident.pss_kb += std::stoull(line.substr(4));
  }
  return resident;
}

std::uint64_t OwnKilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8));
  }
  return 0;
}

class Check {
 public:
  explicit Check(const Arguments& arguments)
      : items_(arguments.items),
        file_(std::filesystem::canonical(arguments.file)),
        trusted_{Require(ReadKeyFile(arguments.key, KeyKind::kPublic))} {}

  void Open(bool print) {
    const UniqueFd file = Require(OpenForReading(file_));
    const std::uint64_t before_kb = OwnKilobytes();
    std::vector<double> cold;
    for (int i = 0; i < kOpened; ++i) {
      snapshot_.reset();
      set_.reset();
      ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
      cold.push_back(OpenOnce(file));
    }
    std::ranges::sort(cold);
    const std::uint64_t resident_kb = ResidentOf("self", file_).rss_kb;
    const double warm = OpenOnce(file);
    if (!print) return;
    PrintSections();
    fmt::print(
        "\nopened with nothing of it in memory in {:.1f} ms (median of {}; {:.1f} to {:.1f}), {:.2f} ms again; then {} "
        "kB of "
        "the file resident and {} kB beside\n\n",
        cold[kOpened / 2] * 1e3, kOpened, cold.front() * 1e3, cold.back() * 1e3, warm * 1e3, resident_kb,
        OwnKilobytes() - before_kb);
  }

  void Match(bool print) {
    if (print)
      fmt::print(
          "| looked up | registered, found | others, found | us each, cold | us of CPU each, again "
          "|\n|---|---|---|---|---|\n");
    if (items_.images > 0) MatchImages(print);
    if (items_.records > 0) MatchRecords(print);
  }

  bool good() const { return good_; }
  const std::string& file() const { return file_; }

 private:
  double OpenOnce(const UniqueFd& file) {
    const Stopwatch watch;
    set_ = Require(hashset::MappedHashSet::Open(file, file_, trusted_));
    snapshot_ = Require(hashset::Snapshot::Make({set_}));
    return watch.Seconds();
  }

  void MatchImages(bool print) {
    std::vector<ItemRef> refs;
    Family(print, "digest", items_.images, [&](std::uint64_t i, std::uint32_t row) {
      const FileFingerprint file = items_.Image(i);
      refs.clear();
      const Stopwatch watch(clock_);
      if (snapshot_->MayBegin(file.head_xxh3)) snapshot_->FindDigest(file.sha256, file.size, refs);
      spent_ += watch.Seconds();
      return Names(refs, row);
    });
    Family(print, "image data", items_.images, [&](std::uint64_t i, std::uint32_t row) {
      const FileFingerprint file = items_.Image(i);
      refs.clear();
      const Stopwatch watch(clock_);
      if (snapshot_->MayBegin(file.image_head_xxh3)) snapshot_->FindImageData(*file.image_data, refs);
      spent_ += watch.Seconds();
      return Names(refs, row);
    });
    Family(print, "CRC-32 and size", items_.images, [&](std::uint64_t i, std::uint32_t row) {
      const FileFingerprint file = items_.Image(i);
      refs.clear();
      const Stopwatch watch(clock_);
      snapshot_->FindArchiveEntry(file.crc32, file.size, refs);
      spent_ += watch.Seconds();
      return Names(refs, row);
    });
    std::vector<FragmentHit> fragments;
    Family(print, "16 windows", items_.images, [&](std::uint64_t i, std::uint32_t row) {
      const FileFingerprint file = items_.Image(i);
      fragments.clear();
      const Stopwatch watch(clock_);
      snapshot_->FindFragments(0, std::span(file.fragments).first(std::min<std::size_t>(16, file.fragments.size())),
                               fragments);
      spent_ += watch.Seconds();
      return Names(fragments, row);
    });
    std::vector<PictureHit> pictures;
    Family(print, "picture, 20 bits off", items_.images, [&](std::uint64_t i, std::uint32_t row) {
      PdqHash hash = items_.Image(i).views.back().hash;
      for (int bit = 0; bit < 20; ++bit) hash.words[static_cast<std::size_t>(bit % 4)] ^= std::uint64_t{1} << bit * 3;
      pictures.clear();
      const Stopwatch watch(clock_);
      snapshot_->FindPictures(hash, kSearchDistance, pictures);
      spent_ += watch.Seconds();
      return Names(pictures, row);
    });
  }

  // Rows of a table are in the order of their plates: a plate and its pairs must name one item, whichever it is.
  void MatchRecords(bool print) {
    std::vector<FingerprintIndex::PlateHit> plates, pairs;
    const auto look = [&](std::uint64_t number, bool time_plate) {
      const RecordFingerprint record = items_.Record(number);
      plates.clear();
      pairs.clear();
      const Stopwatch plate_watch(clock_);
      snapshot_->FindPlates(0, std::span(&record.folded_tag, 1), plates);
      if (time_plate) spent_ += plate_watch.Seconds();
      const Stopwatch pair_watch(clock_);
      snapshot_->FindPairs(0, record.pair_tags, pairs);
      if (!time_plate) spent_ += pair_watch.Seconds();
      const auto row = OneRow(plates);
      return std::pair{row && row == OneRow(pairs) && *row >= items_.images, !(plates.empty() && pairs.empty())};
    };
    Family(print, "plate", items_.records, [&](std::uint64_t i, std::uint32_t) { return look(i, true); });
    Family(print, "3 pairs", items_.records, [&](std::uint64_t i, std::uint32_t) { return look(i, false); });
  }

  // Nothing when they name none or several.
  static std::optional<std::uint32_t> OneRow(std::span<const FingerprintIndex::PlateHit> hits) {
    if (hits.empty()) return std::nullopt;
    const std::uint32_t row = hits.front().item.row;
    return std::ranges::all_of(hits, [&](const auto& hit) { return hit.item.row == row; }) ? std::optional(row)
                                                                                           : std::nullopt;
  }

  template <typename Hits>
  static std::pair<bool, bool> Names(const Hits& hits, std::uint32_t row) {
    bool named = false;
    for (const auto& hit : hits) {
      if constexpr (requires { hit.row; })
        named |= hit.row == row;
      else
        named |= hit.item.row == row;
    }
    return {named, !hits.empty()};
  }

  // `look(number, row)`: whether the item of that row was found, and whether anything was.
  void Family(bool print, const char* name, std::uint64_t count,
              const std::function<std::pair<bool, bool>(std::uint64_t, std::uint32_t)>& look) {
    std::uint64_t found = 0, false_ones = 0;
    const std::uint64_t asked = std::min(kAsked, count);
    double microseconds[2];
    for (const bool again : {false, true}) {
      clock_ = again ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
      spent_ = 0;
      found = false_ones = 0;
      for (std::uint64_t i = 0; i < asked; ++i) {
        const std::uint64_t number = i * count / asked;
        found += look(number, static_cast<std::uint32_t>(number)).first;
        false_ones += look(count + i, 0).second;
      }
      microseconds[again] = spent_ * 1e6 / static_cast<double>(2 * asked);
    }
    good_ &= found == asked && false_ones == 0;
    if (print)
      fmt::print("| {} | {} of {} | {} of {} | {:.1f} | {:.1f} |\n", name, found, asked, false_ones, asked,
                 microseconds[0], microseconds[1]);
  }

  void PrintSections() const {
    const std::uint64_t items = items_.images + items_.records;
    fmt::print("| section | rows | bytes | bytes a row | bytes an item |\n|---|---|---|---|---|\n");
    const auto line = [&](std::string_view name, std::uint64_t rows, std::uint64_t bytes) {
      if (bytes == 0) return;
      fmt::print("| {} | {} | {} | {:.2f} | {:.1f} |\n", name, rows, bytes,
                 static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(rows, 1)),
                 static_cast<double>(bytes) / static_cast<double>(items));
    };
    for (std::size_t i = 0; i < hashset::kSectionCount; ++i) {
      const hashset::SectionEntry& section = set_->manifest().sections[i];
      line(ToString(static_cast<hashset::SectionKind>(i)), section.rows, section.bytes);
    }
    line("**file**", items, set_->file_bytes());
  }

  const MadeUpItems items_;
  const std::string file_;
  const std::vector<Bytes> trusted_;
  std::shared_ptr<const hashset::MappedHashSet> set_;
  std::shared_ptr<const hashset::Snapshot> snapshot_;
  clockid_t clock_ = CLOCK_MONOTONIC;  // of the lookups
  double spent_ = 0;
  bool good_ = true;
};

// A second process that does the same when it is told to, and stays until the first is done.
class SecondProcess {
 public:
  explicit SecondProcess(const Arguments& arguments) {
    int orders[2], answers[2];
    if (::pipe(orders) != 0 || ::pipe(answers) != 0) Fail("no pipe");
    process_ = ::fork();
    orders_ = UniqueFd(orders[process_ == 0 ? 0 : 1]);
    answers_ = UniqueFd(answers[process_ == 0 ? 1 : 0]);
    ::close(orders[process_ == 0 ? 1 : 0]);
    ::close(answers[process_ == 0 ? 0 : 1]);
    if (process_ == 0) Run(arguments);
  }
  ~SecondProcess() {
    orders_.reset();
    ::waitpid(process_, nullptr, 0);
  }
  std::string LookUp() {
    char byte = 0;
    if (::write(orders_.get(), &byte, 1) != 1 || ::read(answers_.get(), &byte, 1) != 1)
      Fail("the second process ended");
    return std::to_string(process_);
  }

 private:
  [[noreturn]] void Run(const Arguments& arguments) const {
    char byte = 0;
    if (::read(orders_.get(), &byte, 1) != 1) ::_exit(1);
    Check check(arguments);
    check.Open(false);
    check.Match(false);
    if (::write(answers_.get(), &byte, 1) != 1) ::_exit(1);
    ::_exit(static_cast<int>(::read(orders_.get(), &byte, 1)));
  }

  pid_t process_ = 0;
  UniqueFd orders_;
  UniqueFd answers_;
};

// What two processes share counts half for each.
int CheckSet(const Arguments& arguments) {
  SecondProcess second(arguments);
  Check check(arguments);
  check.Open(true);
  check.Match(true);
  const std::string other = second.LookUp();
  fmt::print("\ntwo processes after the same lookups:");
  for (const std::string& process : {std::string("self"), other}) {
    const Resident resident = ResidentOf(process, check.file());
    fmt::print(" {} kB of the set resident, its share {} kB;", resident.rss_kb, resident.pss_kb);
  }
  fmt::print("\n");
  if (!check.good()) Fail("something registered was not found, or something else was");
  return 0;
}

}  // namespace
}  // namespace spanwatch::bench

int main(int argc, char** argv) {
  using namespace spanwatch::bench;
  CLI::App app("Hash sets of any size of made-up items.");
  app.require_subcommand(1);
  Arguments arguments;
  const auto command = [&](const char* name, const char* key) {
    CLI::App* sub = app.add_subcommand(name);
    sub->add_option("FILE", arguments.file)->required();
    if (key != nullptr) sub->add_option(key, arguments.key)->required();
    sub->add_option("--images", arguments.items.images);
    sub->add_option("--views", arguments.items.views);
    sub->add_option("--windows", arguments.items.windows);
    sub->add_option("--records", arguments.items.records);
    return sub;
  };
  const CLI::App* fill = command("fill", nullptr);
  command("check", "--trust");
  CLI11_PARSE(app, argc, argv);
  if (fill->parsed()) return FillRegister(arguments), 0;
  return CheckSet(arguments);
}
