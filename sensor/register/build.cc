#include "register/build.h"

#include <algorithm>
#include <map>
#include <set>

#include "hashset/mapped_hashset.h"
#include "hashset/temporary_file.h"
#include "register/delta.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::uint64_t kItemsPerReport = 1024;
constexpr double kViewBytes = 32 + 4 + 8;  // hash, first row, row
constexpr std::string_view kReading = "reading the register";
constexpr std::string_view kAdding = "adding to the set";
constexpr std::string_view kWriting = "writing the set";

std::optional<PictureView> WholeOf(const FileFingerprint& file) {
  const auto full = std::ranges::find(file.views, View::kFull, &PictureView::view);
  return full == file.views.end() ? std::nullopt : std::optional(*full);
}

struct ShapedPlate {
  std::uint64_t tag = 0;
  std::uint64_t shape = 0;
  friend auto operator<=>(const ShapedPlate&, const ShapedPlate&) = default;
};

class Builder {
 public:
  Builder(RegisterDatabase& database, const BuildOptions& options)
      : database_(database), options_(options), places_(FolderOf(options)), plates_(FolderOf(options)) {
    summary_.fragment_trade =
        FragmentTrade(database.facts().fragment_density, database.facts().fragment_window, options.fragment_sure);
  }

  Result<BuildSummary> Build(ByteView signing_seed) {
    const Profile registered = database_.facts().profile;
    if (options_.profile > registered) {
      return Fail(ErrorCode::kUsage,
                  "this register keeps no more than profile {0}; build with --profile {0}, or enrol into one made with "
                  "--profile {1}",
                  ToString(registered), ToString(options_.profile));
    }
    const auto serial = database_.NextSerial();
    if (!serial) return Fail(serial.error());
    summary_.serial = *serial;
    if (Status status = database_.BeginReading(); !status) return Fail(status.error());
    auto built = BuildFromSnapshot(signing_seed);
    if (Status status = database_.Commit(); !status && built) return Fail(status.error());
    return built;
  }

 private:
  Result<BuildSummary> BuildFromSnapshot(ByteView signing_seed) {
    Status status = Survey();
    if (!status) return Fail(status.error());
    if (rows_.empty() && options_.delta_from.empty()) {
      return Fail(ErrorCode::kInvalid, "the register holds nothing that has not expired; add images or records first");
    }
    auto shared = FindSharedFragments(places_, files_);
    if (!shared) return Fail(shared.error());
    summary_.fragments = shared->result;
    shared_ = std::move(shared->hashes);
    EndSurvey();
    hashset::HashSetWriter writer(Description());
    status = Fill(writer, nullptr);
    if (!status) return Fail(status.error());
    auto written =
        options_.delta_from.empty() ? writer.Write(options_.out, signing_seed) : WriteDelta(writer, signing_seed);
    if (!written) return Fail(written.error());
    summary_.written = *written;
    return std::move(summary_);
  }

  static std::filesystem::path FolderOf(const BuildOptions& options) {
    return options.out.has_parent_path() ? options.out.parent_path() : ".";
  }

  hashset::HashSetDescription Description() const {
    const RegisterFacts& facts = database_.facts();
    return {.name = options_.name.empty() ? facts.owner : options_.name,
            .profile = std::string(ToString(options_.profile)),
            .serial = summary_.serial,
            .base_serial = summary_.base_serial,
            .created = options_.now,
            .fragment_seed = facts.fragment_seed,
            .fragment_density = facts.fragment_density,
            .fragment_window = facts.fragment_window,
            .fragment_sure = options_.fragment_sure,
            .record_key_id = facts.record_key_id,
            .folder = FolderOf(options_),
            .progress = [this](std::uint64_t done, std::uint64_t total) { Tell(kWriting, done, total); }};
  }

  // The whole set is written for itself, in no one's sight.
  Result<std::shared_ptr<const hashset::MappedHashSet>> WholeSet(hashset::HashSetWriter& writer,
                                                                 ByteView signing_seed) const {
    const auto file = hashset::OpenTemporaryFile(FolderOf(options_));
    if (!file) return Fail(file.error());
    if (Status status = writer.WriteInto(file->get(), signing_seed); !status) return Fail(status.error());
    const hashset::PublicKey key = hashset::PublicKeyOf(signing_seed);
    const std::vector<Bytes> trusted{{key.begin(), key.end()}};
    return hashset::MappedHashSet::Open(*file, "of the register", trusted);
  }

  // The whole set is compared with the base item by item.
  Result<hashset::WrittenSet> WriteDelta(hashset::HashSetWriter& whole_writer, ByteView signing_seed) {
    const auto whole = WholeSet(whole_writer, signing_seed);
    if (!whole) return Fail(whole.error());
    const auto base = hashset::MappedHashSet::OpenUnverified(options_.delta_from);
    if (!base) return Fail(base.error());
    if (Status status = CheckBase(**base, **whole); !status) return Fail(status.error());
    if (Status status = (*base)->VerifyChecksums(); !status) return Fail(status.error());
    const Delta delta = DeltaBetween(**base, **whole);
    surveyed_.base_serial = summary_.base_serial = (*base)->manifest().serial;
    surveyed_.changed = delta.changed;
    surveyed_.removed = delta.removed.size();
    hashset::HashSetWriter writer(Description());
    if (Status status = Fill(writer, &delta.added); !status) return Fail(status.error());
    for (const ItemId& id : delta.removed) writer.Remove(id);
    return writer.Write(options_.out, signing_seed);
  }

  // Every item that has not expired, with its file where it has one. The register is read twice: once to know what is
  // shared, harmless and alike, once to write; so no more than that knowledge is in memory.
  template <typename Visit>
  Status ForEach(std::string_view step, Visit&& visit) {
    std::uint64_t done = 0;
    return database_.ForEachItem([&](const ItemEntry& entry) -> Status {
      if (++done % kItemsPerReport == 0) Tell(step, done, item_count_);
      if (entry.expires <= options_.now) return {};
      auto file = database_.File(entry);
      if (!file) return Fail(file.error());
      return visit(entry, *file);
    });
  }

  void Tell(std::string_view step, std::uint64_t done, std::uint64_t total) const {
    if (options_.progress) options_.progress(step, done, total);
  }

  Status Survey() {
    if (Status status = SurveyItems(); !status) return status;
    if (Status status = BeginCalibration(); !status) return status;
    return ForEach(kReading, [&](const ItemEntry& entry, std::optional<FileFingerprint>& file) -> Status {
      if (IsHarmless(entry, file)) return {};
      if (rows_.try_emplace(entry.collection, rows_.size()).second)
        summary_.collections.push_back({.name = entry.collection_name, .negative = entry.negative});
      if (!file || entry.negative) return {};
      const auto number = static_cast<std::uint32_t>(files_.size());
      files_.push_back(IdentityOf(*file));
      for (std::uint32_t i = 0; i < file->fragments.size(); ++i) places_.Add({file->fragments[i].hash, number, i});
      const auto whole = WholeOf(*file);
      const auto calibrator = calibrators_.find(entry.collection);
      ReduceViews(file->views, options_.profile);
      if (whole && calibrator != calibrators_.end()) calibrator->second.Compare(*whole, file->views);
      return {};
    });
  }

  // What has expired, what negative banks hold, and which pictures calibrate their collection. A negative bank keeps
  // every window: the more it knows, the less is mistaken.
  Status SurveyItems() {
    Status status = database_.ForEachItem([&](const ItemEntry& entry) -> Status {
      ++item_count_;
      summary_.expired += entry.expires <= options_.now;
      if (entry.expires <= options_.now) return {};
      if (!entry.negative && entry.kind == ItemKind::kImage && entry.sha256)
        samples_[entry.collection].Offer(entry.id, entry);
      if (!entry.negative) return {};
      ++summary_.negatives;
      if (entry.sha256) harmless_files_.insert(*entry.sha256);
      const auto file = database_.File(entry);
      if (!file) return Fail(file.error());
      if (!*file) return {};
      if ((*file)->image_data) harmless_files_.insert(*(*file)->image_data);
      for (const FragmentPrint& print : (*file)->fragments) harmless_.push_back(print.hash);
      return {};
    });
    std::ranges::sort(harmless_);
    return status;
  }

  // Loads the sample of each collection: different pictures (by their image data) of usable quality.
  Status BeginCalibration() {
    for (const auto& [collection, sample] : samples_) {
      std::vector<PictureView> wholes;
      std::set<Sha256Digest> seen;
      std::uint64_t views = 0;
      for (const auto& [id, entry] : sample.chosen()) {
        auto file = database_.File(entry);
        if (!file) return Fail(file.error());
        if (!*file || IsHarmless(entry, *file)) continue;
        const auto whole = WholeOf(**file);
        ReduceViews((*file)->views, options_.profile);
        views += (*file)->views.size();
        if (!whole || whole->quality < Calibrator::kQualityMin) continue;
        if (seen.insert((*file)->image_data.value_or((*file)->sha256)).second) wholes.push_back(*whole);
      }
      calibrators_.emplace(collection, Calibrator(wholes, views * sample.pictures() / sample.chosen().size()));
    }
    samples_ = {};
    return {};
  }

  // A negative bank has the same file or picture.
  bool IsHarmless(const ItemEntry& entry, const std::optional<FileFingerprint>& file) const {
    if (entry.negative || harmless_files_.empty()) return false;
    return (entry.sha256 && harmless_files_.contains(*entry.sha256)) ||
           (file && file->image_data && harmless_files_.contains(*file->image_data));
  }

  void EndSurvey() {
    for (auto& [collection, calibrator] : calibrators_) {
      const auto row = rows_.find(collection);
      if (row != rows_.end()) summary_.collections[row->second].calibration = calibrator.Finish();
    }
    surveyed_ = summary_;
    calibrators_ = {};
    files_ = {};
  }

  void AddCollections(hashset::HashSetWriter& writer) const {
    for (const BuiltCollection& collection : summary_.collections) {
      const Calibration& calibration = collection.calibration;
      writer.AddCollection({.name = collection.name,
                            .owner = database_.facts().owner,
                            .sure_distance = calibration.sure_distance,
                            .weak_distance = calibration.weak_distance,
                            .calibrated = calibration.calibrated,
                            .false_rate = calibration.false_rate,
                            .negative = collection.negative});
    }
  }

  void CountProfiles(const FileFingerprint& file) {
    for (std::size_t i = 0; i <= static_cast<std::size_t>(database_.facts().profile); ++i) {
      summary_.profiles[i].windows += KeptWindows(file, static_cast<Profile>(i));
      summary_.profiles[i].views += KeptViews(file, static_cast<Profile>(i));
    }
  }

  // Leaves of the file what the profile keeps.
  void Reduce(FileFingerprint& file) {
    DropFragments(file, shared_);
    summary_.harmless_fragments += DropFragments(file, harmless_);
    CountProfiles(file);
    enrolment::Reduce(file, options_.profile);
    summary_.fragment_trade.Add(file.size, file.fragments.size());
    ++summary_.files;
  }

  // `wanted`: which rows of the whole set; null: all.
  Status Fill(hashset::HashSetWriter& writer, const std::vector<bool>* wanted) {
    summary_ = surveyed_;
    AddCollections(writer);
    std::size_t row = 0;
    Status status = ForEach(kAdding, [&](const ItemEntry& entry, std::optional<FileFingerprint>& file) -> Status {
      if (IsHarmless(entry, file)) {
        ++summary_.harmless;
        return {};
      }
      if (wanted != nullptr && !(*wanted)[row++]) return {};
      if (file && !entry.negative) Reduce(*file);
      const std::size_t collection = rows_[entry.collection];
      ++summary_.collections[collection].items;
      ++summary_.items;
      return AddItem(writer, entry, file, static_cast<std::uint32_t>(collection));
    });
    if (!status) return status;
    if (wanted == nullptr) status = CountPlates();
    if (!status) return status;
    for (const auto& [shape, registered] : shapes_) writer.AddShape({static_cast<std::uint16_t>(shape), registered});
    return {};
  }

  // How many distinct plates of each shape the whole set has; a delta to it says the same.
  Status CountPlates() {
    return plates_.ForEach([&](const ShapedPlate& plate) { ++shapes_[plate.shape]; });
  }

  Status AddItem(hashset::HashSetWriter& writer, const ItemEntry& entry, const std::optional<FileFingerprint>& file,
                 std::uint32_t collection) {
    const std::uint32_t row = writer.AddItem(
        {.id = entry.id, .kind = entry.kind, .collection = collection, .size = entry.size, .expires = entry.expires});
    if (file) {
      summary_.pictures += !file->views.empty();
      summary_.views += file->views.size();
      writer.AddFile(row, *file);
      return {};
    }
    if (entry.sha256) {
      ++summary_.digests_only;
      writer.AddDigest(row, *entry.sha256);
      return {};
    }
    if (entry.kind == ItemKind::kRecord) return AddRecord(writer, entry, row);
    auto md5 = database_.ImportedMd5(entry);
    if (!md5) return Fail(md5.error());
    if (*md5) {
      ++summary_.md5_only;
      writer.AddMd5(row, **md5);
      return {};
    }
    auto picture = database_.ImportedPicture(entry);
    if (!picture) return Fail(picture.error());
    if (!*picture) return {};
    ++summary_.pictures;
    ++summary_.views;
    writer.AddPicture(row, **picture);
    return {};
  }

  Status AddRecord(hashset::HashSetWriter& writer, const ItemEntry& entry, std::uint32_t row) {
    auto records = database_.Records(entry);
    if (!records) return Fail(records.error());
    ++summary_.records;
    for (const RecordFingerprint& record : *records) {
      summary_.supported_records += !record.pair_tags.empty();
      if (shapes_.empty()) plates_.Add({record.plate_tag, record.shape});
      writer.AddRecord(row, record);
    }
    return {};
  }

  RegisterDatabase& database_;
  const BuildOptions& options_;
  BuildSummary summary_;
  BuildSummary surveyed_;  // what it was before anything was written
  std::uint64_t item_count_ = 0;
  std::map<std::int64_t, std::size_t> rows_;                  // of collections
  std::map<std::int64_t, PictureSample<ItemEntry>> samples_;  // by collection
  std::map<std::int64_t, Calibrator> calibrators_;            // likewise
  std::vector<PictureIdentity> files_;
  hashset::ExternalSorter<FragmentPlace> places_;
  hashset::ExternalSorter<ShapedPlate> plates_;
  std::map<std::uint64_t, std::uint64_t> shapes_;  // how many plates each has, once they are counted
  std::vector<std::uint64_t> shared_;              // hashes of windows, ascending
  std::vector<std::uint64_t> harmless_;            // the same, of negative banks
  std::set<Sha256Digest> harmless_files_;          // of whole files and of image data
};

std::uint64_t BytesOf(const BuildSummary& summary, std::initializer_list<hashset::SectionKind> kinds) {
  std::uint64_t bytes = 0;
  for (const auto kind : kinds) bytes += summary.written.section_bytes[static_cast<std::size_t>(kind)];
  return bytes;
}

double PerItem(const BuildSummary& summary, double bytes) {
  return bytes / static_cast<double>(std::max<std::uint64_t>(summary.items, 1));
}

// Of the set, by family; and what fragments and views would take in each profile.
std::string DescribeSizes(const BuildSummary& summary) {
  using enum hashset::SectionKind;
  const auto each = [&](std::initializer_list<hashset::SectionKind> kinds) {
    return PerItem(summary, static_cast<double>(BytesOf(summary, kinds)));
  };
  std::string text = fmt::format(
      "bytes an item: {:.0f} in all; exact {:.1f}, fragment {:.1f}, perceptual {:.1f}, record {:.1f}, archive-entry "
      "{:.1f}, facts {:.1f}\n",
      PerItem(summary, static_cast<double>(summary.written.bytes)), each({kDigests, kImageData, kHeads}),
      each({kFragmentFilter, kFragments}), each({kPictureHashes, kPictureFirsts, kPictureRows, kPictureSlots}),
      each({kPlateFilter, kPlates, kPairs}), each({kArchiveEntries}), each({kItems}));
  for (std::size_t i = 0; i < summary.profiles.size() && summary.profiles[i].views > 0; ++i) {
    const ProfileSize& profile = summary.profiles[i];
    const auto windows = static_cast<double>(profile.windows), views = static_cast<double>(profile.views);
    const double slots =
        profile.views >= hashset::kSlotsFrom ? static_cast<double>(hashset::PictureSlotsBytes(profile.views)) : 0;
    text += fmt::format(
        "  profile {}: fragment {:.0f} bytes an item ({:.1f} windows a file), perceptual {:.0f} ({:.1f} views a "
        "picture)\n",
        kProfileNames[i], PerItem(summary, windows * kBytesPerWindow), windows / static_cast<double>(summary.files),
        PerItem(summary, views * kViewBytes + slots), views / static_cast<double>(summary.pictures));
  }
  return text;
}

std::string DescribeCollection(const BuiltCollection& collection) {
  const Calibration& calibration = collection.calibration;
  std::string text = fmt::format("collection {}: {} items", collection.name, collection.items);
  if (collection.negative) return text + "; a negative bank: what matches them is subtracted\n";
  if (calibration.pictures == 0) return text + "\n";
  if (calibration.calibrated) {
    return text + fmt::format(
                      "; calibrated on {} pictures: nearest different at {}, sure up to {}, weak up to {}, "
                      "false rate {:.2g}\n",
                      calibration.pictures, calibration.nearest_different, calibration.sure_distance,
                      calibration.weak_distance, calibration.false_rate);
  }
  return text + fmt::format("; not calibrated ({} pictures{}): one perceptual hit alone stays weak\n",
                            calibration.pictures,
                            calibration.sample < 20 ? ", 20 different ones are needed" : ", they look too much alike");
}

}  // namespace

Result<BuildSummary> BuildHashSet(RegisterDatabase& database, const BuildOptions& options, ByteView signing_seed) {
  return Builder(database, options).Build(signing_seed);
}

std::string Describe(const BuildSummary& summary) {
  using enum hashset::SectionKind;
  std::string text = fmt::format("serial {}: {} items, {} expired left out, {} bytes\n", summary.serial, summary.items,
                                 summary.expired, summary.written.bytes);
  if (summary.base_serial != 0) {
    text += fmt::format(
        "a delta to serial {}: {} of its items are new and {} other than there, {} of the base are taken "
        "back; sensors load both\n",
        summary.base_serial, summary.items - summary.changed, summary.changed, summary.removed - summary.changed);
  }
  if (summary.negatives > 0) {
    text += fmt::format("negative banks: {} items; {} registered items and {} windows that they explain left out\n",
                        summary.negatives, summary.harmless, summary.harmless_fragments);
  }
  text += fmt::format("exact: {} files and {} bare digests, {} bytes; an untouched copy is always recognised\n",
                      summary.files, summary.digests_only, BytesOf(summary, {kDigests, kImageData, kHeads}));
  if (summary.md5_only > 0) {
    text += fmt::format("md5: {} items are known by MD5 alone, so that sensors compute the MD5 of every object\n",
                        summary.md5_only);
  }
  text += fmt::format("fragment: {} windows ({} shared and {} repeated left out), {} bytes\n{}",
                      summary.written.section_rows[static_cast<std::size_t>(kFragments)], summary.fragments.shared,
                      summary.fragments.repeated, BytesOf(summary, {kFragmentFilter, kFragments}),
                      summary.fragment_trade.Describe());
  text += fmt::format(
      "perceptual: {} pictures, {} views, {} bytes; about 0.97 of re-encoded or resized copies, crops only "
      "as far as views cover them\n",
      summary.pictures, summary.views, BytesOf(summary, {kPictureHashes, kPictureFirsts, kPictureRows, kPictureSlots}));
  text += fmt::format("record: {} plates, {} with supporting columns, {} bytes; every plate in readable text\n",
                      summary.records, summary.supported_records, BytesOf(summary, {kPlateFilter, kPlates, kPairs}));
  text += fmt::format("archive-entry: {} files, {} bytes; names no file whose archive hides its directory\n",
                      summary.files, BytesOf(summary, {kArchiveEntries}));
  text += DescribeSizes(summary);
  for (const BuiltCollection& collection : summary.collections) text += DescribeCollection(collection);
  return text;
}

}  // namespace spanwatch::enrolment
