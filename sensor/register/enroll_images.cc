#include "register/enroll_images.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "base/ascii.h"
#include "base/file_walk.h"
#include "base/key_file.h"
#include "register/desktop_leftovers.h"

namespace spanwatch::enrolment {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWaitingMax = 64;  // fingerprints that wait for the database
constexpr std::size_t kFilesPerBatch = 256;
constexpr unsigned kThreadsMax = 256;

bool ClaimsToBePicture(const std::string& path) {
  const std::string extension = Lower(fs::path(path).extension().string());
  constexpr std::array<std::string_view, 32> kExtensions = {
      ".jpg",  ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif",  ".tiff", ".webp", ".heic",
      ".heif", ".avif", ".jp2", ".j2k",  ".jxl", ".raw", ".dng", ".cr2",  ".cr3",  ".nef",  ".arw",
      ".orf",  ".rw2",  ".mp4", ".m4v",  ".mov", ".avi", ".mkv", ".webm", ".ts",   ".mjpeg"};
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

// What is in it would be looked for in vain: a sensor finds the archive only while it is whole.
bool IsArchive(const std::string& path) {
  const std::string extension = Lower(fs::path(path).extension().string());
  constexpr std::array<std::string_view, 11> kExtensions = {".zip", ".7z",  ".rar", ".tar", ".tgz", ".gz",
                                                            ".bz2", ".tbz", ".xz",  ".txz", ".zst"};
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

bool IsTable(const std::string& path) {
  const std::string extension = Lower(fs::path(path).extension().string());
  constexpr std::array<std::string_view, 6> kExtensions = {".csv", ".tsv", ".xlsx", ".xls", ".jsonl", ".parquet"};
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

// What a file is that is the owner's own tool and no content; empty when it is none. A key that is registered by
// mistake would be looked for on the wire, and handed out in a list of digests.
std::string_view OwnFile(const fs::path& path, const fs::path& database) {
  for (const std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    std::error_code error;
    if (fs::equivalent(path, fs::path(database.string() + std::string(suffix)), error) && !error) return "the register";
  }
  std::ifstream file(path, std::ios::binary);
  char begin[64];
  file.read(begin, sizeof(begin));
  return BeginsAsKeyFile({begin, static_cast<std::size_t>(file.gcount())}) ? "a key file" : std::string_view();
}

// Turns the inputs into a sorted list of files.
class FileList {
 public:
  FileList(EnrolmentObserver& observer, EnrolmentSummary& summary) : observer_(observer), summary_(summary) {}

  void Add(const std::string& input) {
    std::error_code error;
    if (!fs::is_directory(input, error)) return AddFile(input);
    const std::size_t before = files_.size() + sidecars_.size();
    WalkFolder(input,
               {.on_file = [this](const fs::path& path) { Found(path); },
                .on_problem = [this](const std::string& what) { Problem(what); },
                .leaves_out = [](const fs::path& path, bool is_folder) { return !is_folder && IsLeftoverFile(path); }});
    if (files_.size() + sidecars_.size() == before) Problem(fmt::format("there is no file in {}", input));
  }
  std::vector<std::string> Sorted() {
    std::ranges::sort(files_);
    const auto repeats = std::ranges::unique(files_);
    files_.erase(repeats.begin(), repeats.end());
    TellLonelySidecars();
    return std::move(files_);
  }

 private:
  void Found(const fs::path& path) { (path.extension() == ".json" ? sidecars_ : files_).push_back(path.string()); }
  // What is not there is told when it is read; a pipe or a device would be waited for without end.
  void AddFile(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status) || fs::is_regular_file(status)) {
      files_.push_back(path);
    } else {
      Problem(fmt::format("{} is neither a file nor a folder; passed over", path));
    }
  }
  // a.json and a.jpg.json belong to a.jpg.
  void TellLonelySidecars() {
    std::set<std::string> names(files_.begin(), files_.end());
    for (const std::string& file : files_) names.insert(fs::path(file).replace_extension().string());
    for (const std::string& sidecar : sidecars_) {
      if (names.contains(fs::path(sidecar).replace_extension().string())) continue;
      Problem(fmt::format("{} belongs to no picture beside it; not registered", sidecar));
    }
  }
  void Problem(const std::string& what) {
    ++summary_.problems;
    observer_.OnProblem(what);
  }

  EnrolmentObserver& observer_;
  EnrolmentSummary& summary_;
  std::vector<std::string> files_;
  std::vector<std::string> sidecars_;
};

struct Work {
  std::string path;
  Source source;
};

struct Outcome {
  std::size_t index = 0;
  Result<Fingerprinted> made;
};

// The threads that fingerprint; outcomes come in any order. Ends its threads when it goes.
class Workers {
 public:
  Workers(const std::vector<Work>& work, const FileFingerprinter& fingerprint, unsigned threads)
      : work_(work), fingerprint_(fingerprint) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
  }

  // REQUIRES: called at most once for each piece of work.
  Outcome Next() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return !outcomes_.empty(); });
    Outcome outcome = std::move(outcomes_.front());
    outcomes_.pop_front();
    room_.notify_one();
    return outcome;
  }

 private:
  void Run() {
    for (std::size_t index = next_++; index < work_.size(); index = next_++) {
      Outcome outcome{index, Fingerprint(work_[index].path)};
      std::unique_lock lock(mutex_);
      room_.wait(lock, [&] { return stop_ || outcomes_.size() < kWaitingMax; });
      if (stop_) return;
      outcomes_.push_back(std::move(outcome));
      ready_.notify_one();
    }
  }
  Result<Fingerprinted> Fingerprint(const std::string& path) {
    try {
      return fingerprint_(path);
    } catch (const std::exception& error) {  // memory ran out on one file: the others go on
      return Fail(ErrorCode::kIo, "cannot read {}: {}", path, error.what());
    }
  }

  const std::vector<Work>& work_;
  const FileFingerprinter& fingerprint_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // guards outcomes_, stop_
  std::condition_variable ready_;
  std::condition_variable room_;
  std::deque<Outcome> outcomes_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

Result<std::vector<Work>> WorkLeft(RegisterDatabase& database, std::int64_t collection, std::vector<std::string> files,
                                   bool again, EnrolmentObserver& observer, EnrolmentSummary& summary) {
  std::vector<Work> work;
  for (std::string& file : files) {
    auto source = SourceOf(file);
    if (!source) {
      ++summary.problems;
      observer.OnProblem(source.error().message);
      continue;
    }
    if (!again) {
      const auto known = database.KindOfSource(collection, *source);
      if (!known) return Fail(known.error());
      if (*known) {
        ++summary.known;
        if (**known == ItemKind::kFile && ClaimsToBePicture(file)) {
          observer.OnNotice(fmt::format("{} is registered already, by its bytes only; --again reads it anew", file));
        }
        continue;
      }
    }
    work.push_back({std::move(file), std::move(*source)});
  }
  return work;
}

// What of a file cannot be recognised; empty when all can.
std::string_view LackOf(const FileFingerprint& file, const std::string& path) {
  if (file.views.empty()) {
    if (IsArchive(path)) return "is an archive; registered as one file: unpack it to register what is in it";
    if (IsTable(path)) return "is a table; registered as one file: `register add records` registers its plates";
    return ClaimsToBePicture(path) ? "cannot be read as a picture; registered by its bytes only" : "";
  }
  if (file.views.front().quality == 0) {
    return "shows nothing to recognise it by (one plain colour?); registered by its bytes only";
  }
  return file.image_data ? "" : "breaks off or is damaged; registered by its bytes and by what can be seen of it";
}

Status Store(RegisterDatabase& database, std::int64_t collection, const Work& work, const Outcome& outcome,
             EnrolmentObserver& observer, EnrolmentSummary& summary) {
  const auto problem = [&](const std::string& what) {
    ++summary.problems;
    observer.OnProblem(what);
  };
  if (!outcome.made) {
    problem(outcome.made.error().message);
    return {};
  }
  const FileFingerprint& file = outcome.made->file;
  if (file.size == 0) {
    problem(fmt::format("{} is empty; not registered", work.path));
    return {};
  }
  for (const std::string& what : outcome.made->problems) problem(what);
  if (const std::string_view lack = LackOf(file, work.path); !lack.empty()) {
    problem(fmt::format("{} {}", work.path, lack));
  }
  auto added = database.AddFile(collection, work.source, file);
  if (!added) return Fail(added.error());
  summary.Count(*added);
  return {};
}

Status StoreAll(RegisterDatabase& database, std::int64_t collection, const std::vector<Work>& work, Workers& workers,
                EnrolmentObserver& observer, EnrolmentSummary& summary) {
  for (std::size_t done = 0; done < work.size(); ++done) {
    const Outcome outcome = workers.Next();
    if (done % kFilesPerBatch == 0) {
      if (Status status = database.Begin(); !status) return status;
    }
    if (Status status = Store(database, collection, work[outcome.index], outcome, observer, summary); !status)
      return status;
    summary.interrupted = done + 1 < work.size() && observer.WantsEnd();
    if (done % kFilesPerBatch == kFilesPerBatch - 1 || done + 1 == work.size() || summary.interrupted) {
      if (Status status = database.Commit(); !status) return status;
    }
    observer.OnProgress(done + 1, work.size());
    if (summary.interrupted) return {};
  }
  return {};
}

}  // namespace

Result<EnrolmentSummary> EnrollImages(RegisterDatabase& database, const ImageEnrolment& enrolment,
                                      const FileFingerprinter& fingerprint, EnrolmentObserver& observer) {
  EnrolmentSummary summary;
  const auto collection = database.CollectionRow(enrolment.collection);
  if (!collection) return Fail(collection.error());
  if (Status status = TellWhenExpired(database, enrolment.collection, observer, summary); !status) {
    return Fail(status.error());
  }
  const Profile profile = database.facts().profile;
  const FileFingerprinter reduced = [&](const std::string& path) -> Result<Fingerprinted> {
    if (const std::string_view own = OwnFile(path, database.path()); !own.empty()) {
      return Fail(ErrorCode::kInvalid, "{} is {}; not registered", path, own);
    }
    auto made = fingerprint(path);
    if (made && !enrolment.negative) Reduce(made->file, profile);
    return made;
  };
  FileList files(observer, summary);
  for (const std::string& input : enrolment.inputs) files.Add(input);
  const std::vector<std::string> paths = files.Sorted();
  auto work = WorkLeft(database, *collection, paths, enrolment.again, observer, summary);
  if (!work) return Fail(work.error());
  const unsigned wanted = enrolment.threads != 0 ? enrolment.threads : std::thread::hardware_concurrency();
  Workers workers(*work, reduced, std::clamp(wanted, 1u, kThreadsMax));
  Status status = StoreAll(database, *collection, *work, workers, observer, summary);
  if (!status) return Fail(status.error());
  for (const std::string& path : paths) {
    if (status = TellExpiredItems(database, *collection, path, WallClockNow(), observer, summary); !status) {
      return Fail(status.error());
    }
  }
  return summary;
}

}  // namespace spanwatch::enrolment
