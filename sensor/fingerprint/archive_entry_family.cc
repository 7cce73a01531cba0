// The archive entry family: what an encrypted archive lists of its entries, against the register (algorithms.md
// section 6).
//
// An entry with its CRC-32 is registered by CRC-32 and size: by chance with N/2^32, N registered files having that
// size. Where the CRC-32 is hidden (AE-2) only sizes are left, and one size says nothing: a run of at least 8 entries
// whose sizes are all registered, or at least 30 % of an archive's, is weighed against how densely sizes around each
// are registered. A size that many registered files share, that repeats within the archive, or that is small says
// nothing at all.
#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include "fingerprint/family.h"
#include "fingerprint/record_distinct_set.h"
#include "fingerprint/binomial_tail.h"

namespace spanwatch::fingerprint {
namespace {

constexpr double kCrcSpace = 4294967296.0;
constexpr double kFalseShareSure = 1e-6;  // expected share of the entries matched so far that are false
constexpr std::size_t kRunEntries = 8;
constexpr double kShare = 0.3;
constexpr double kSizesProbability = 1e-8;
constexpr std::uint64_t kLeastTellingSize = 1024;
constexpr std::uint64_t kFilesOfTellingSize = 4;
constexpr double kLeastProbability = 1e-300;  // below, a double is zero

double FromLog(double log) { return std::max(kLeastProbability, std::exp(std::min(0.0, log))); }

class ArchiveEntrySketcher final : public Sketcher {
 public:
  explicit ArchiveEntrySketcher(const SketchContext& context)
      : context_(context),
        seen_(context.limits.archive_entries_remembered),
        sizes_seen_(context.limits.archive_entries_remembered) {}

  void Update(ByteView) noexcept override {}
  void Gap(std::uint64_t) noexcept override {}

  void OnArchiveEntry(const ArchiveEntry& entry) noexcept override {
    const std::uint64_t key = XXH3_64bits_withSeed(entry.name.data(), entry.name.size(), entry.size) | 1;
    if (entry.size == 0 || !seen_.Insert(key)) return;
    context_.counters.Add(Counter::archive_entries);
    ++evidence_.entries_listed;
    if (entry.crc32) {
      MatchByCrc(*entry.crc32, entry.size);
    } else {
      WeighSize(entry.size);
    }
  }

  void Finish(ObjectEnd) noexcept override {
    const double log_sizes = JudgeSizes();
    if (evidence_.entries_matched == 0 && evidence_.sizes_matched == 0) return;
    evidence_.probability = FromLog(LogOfMatches() + log_sizes);
    context_.sink.OnArchiveEvidence(evidence_);
    if (evidence_.sizes_matched > 0) TellSizes();
  }

 private:
  // Of an entry that hides its CRC-32.
  struct Size {
    std::uint64_t size = 0;
    double log_chance = 0;
    bool registered = false;
    bool told = false;
  };

  void MatchByCrc(std::uint32_t crc32, std::uint64_t size) {
    found_.clear();
    context_.index.FindArchiveEntry(crc32, size, found_);
    if (found_.empty()) return;
    const double chance = static_cast<double>(context_.index.CountFileSizes(size, size)) / kCrcSpace;
    ++evidence_.entries_matched;
    log_chances_ += std::log(chance);
    evidence_.probability = FromLog(LogOfMatches());
    context_.sink.OnArchiveEvidence(evidence_);
    const double false_share =
        chance * static_cast<double>(evidence_.entries_listed) / static_cast<double>(evidence_.entries_matched);
    for (const ItemRef item : found_) {
      context_.sink.OnMatch({.item = item,
                             .method = Method::kArchiveEntry,
                             .confidence = false_share < kFalseShareSure ? Confidence::kSure : Confidence::kWeak});
    }
  }

  // That just so many of the entries listed match, whichever they are: the product over those that do, times the number
  // of ways to choose them.
  double LogOfMatches() const {
    if (evidence_.entries_matched == 0) return 0;
    return LogChoose(static_cast<double>(evidence_.entries_listed), static_cast<double>(evidence_.entries_matched)) +
           log_chances_;
  }

  void WeighSize(std::uint64_t size) {
    if (size < kLeastTellingSize || !sizes_seen_.Insert(size)) return;
    if (sizes_.size() >= context_.limits.archive_entries_remembered) {
      context_.counters.Add(Counter::archive_entries_over_limit);
      return;
    }
    const std::uint64_t files = context_.index.CountFileSizes(size, size);
    if (files > kFilesOfTellingSize) return;
    // Sizes of unrelated files lie at random among the registered ones around them.
    const std::uint64_t reach = std::max<std::uint64_t>(128, size / 64);
    const auto around = static_cast<double>(context_.index.CountFileSizes(size - reach, size + reach));
    const double chance = -std::expm1(-(around + 1) / (2 * static_cast<double>(reach) + 1));
    sizes_.push_back({.size = size, .log_chance = std::log(chance), .registered = files > 0});
  }

  // Marks the entries that are told; returns the logarithm of the chance.
  double JudgeSizes() {
    if (sizes_.empty()) return 0;
    double best = 0;
    std::size_t run = 0;
    double log_run = 0;
    for (std::size_t i = 0; i <= sizes_.size(); ++i) {
      if (i < sizes_.size() && sizes_[i].registered) {
        ++run;
        log_run += sizes_[i].log_chance;
        continue;
      }
      // Runs may begin anywhere.
      const double log_tail = log_run + std::log(static_cast<double>(sizes_.size()));
      if (run >= kRunEntries && log_tail < std::log(kSizesProbability)) {
        best = std::min(best, log_tail);
        for (std::size_t j = i - run; j < i; ++j) sizes_[j].told = true;
      }
      run = 0;
      log_run = 0;
    }
    const auto registered = static_cast<std::uint64_t>(std::ranges::count(sizes_, true, &Size::registered));
    double mean = 0;
    for (const Size& size : sizes_) mean += std::exp(size.log_chance) / static_cast<double>(sizes_.size());
    const double log_share = LogBinomialTail(registered, sizes_.size(), mean);
    if (static_cast<double>(registered) >= kShare * static_cast<double>(sizes_.size()) &&
        log_share < std::log(kSizesProbability)) {
      best = std::min(best, log_share);
      for (Size& size : sizes_) size.told = size.registered;
    }
    evidence_.sizes_matched = static_cast<std::uint64_t>(std::ranges::count(sizes_, true, &Size::told));
    return best;
  }

  // A size that different files have names none of them.
  void TellSizes() {
    for (const Size& size : sizes_) {
      if (!size.told) continue;
      hits_.clear();
      context_.index.FindFileSize(size.size, hits_);
      const bool one_file =
          std::ranges::all_of(hits_, [&](const SizeHit& hit) { return hit.crc32 == hits_.front().crc32; });
      if (!one_file) continue;
      for (const SizeHit& hit : hits_) {
        context_.sink.OnMatch({.item = hit.item, .method = Method::kArchiveEntry, .confidence = Confidence::kWeak});
      }
    }
  }

  const SketchContext context_;
  RecordDistinctSet seen_;
  RecordDistinctSet sizes_seen_;
  std::vector<Size> sizes_;
  ArchiveEvidence evidence_;
  double log_chances_ = 0;  // of the entries matched by CRC-32
  std::vector<ItemRef> found_;
  std::vector<SizeHit> hits_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_archive_entry(const SketchContext& context, const ObjectContext&, SketchFacts&) {
  return std::make_unique<ArchiveEntrySketcher>(context);
}

}  // namespace spanwatch::fingerprint
