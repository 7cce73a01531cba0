#include "register/build.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "hashset/mapped_hashset.h"
#include "register/delta.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kCompactFragments = 16;
constexpr std::size_t kStandardViews = 12;  // the first are the whole, the boxes, mirror and rotations
constexpr double kRunBytes = 4096;
constexpr double kWindowBytes = 64;

struct LoadedItem {
  ItemEntry entry;
  std::optional<FileFingerprint> file;
};

bool IsNotWhole(const PictureView& view) { return view.view != View::kFull; }

Result<std::shared_ptr<const hashset::MappedHashSet>> MapInMemory(ByteView bytes, ByteView signing_seed) {
  const UniqueFd file(::memfd_create("whole", MFD_CLOEXEC));
  if (!file) return FailErrno("cannot make memory for the whole set");
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t moved = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (moved <= 0) return FailErrno("cannot make memory for the whole set");
    written += static_cast<std::size_t>(moved);
  }
  const hashset::PublicKey key = hashset::PublicKeyOf(signing_seed);
  const std::vector<Bytes> trusted{{key.begin(), key.end()}};
  return hashset::MappedHashSet::Open(file, "of the register", trusted);
}

class Builder {
 public:
  Builder(RegisterDatabase& database, const BuildOptions& options) : database_(database), options_(options) {}

  Result<BuildSummary> Build(ByteView signing_seed) {
    Status status = Load();
    if (!status) return Fail(status.error());
    if (items_.empty() && options_.delta_from.empty()) {
      return Fail(ErrorCode::kInvalid, "the register holds nothing that has not expired; add images or records first");
    }
    Sieve();
    const auto serial = database_.NextSerial();
    if (!serial) return Fail(serial.error());
    summary_.serial = *serial;
    Calibrate();
    hashset::HashSetWriter writer(Description());
    status = Fill(writer, nullptr);
    if (!status) return Fail(status.error());
    auto written =
        options_.delta_from.empty() ? writer.Write(options_.out, signing_seed) : WriteDelta(writer, signing_seed);
    if (!written) return Fail(written.error());
    summary_.written = *written;
    return std::move(summary_);
  }

 private:
  std::string_view ProfileName() const {
    constexpr std::string_view kNames[] = {"compact", "standard", "full"};
    return kNames[static_cast<std::size_t>(options_.profile)];
  }

  hashset::HashSetDescription Description() const {
    const RegisterFacts& facts = database_.facts();
    return {.name = options_.name.empty() ? facts.owner : options_.name,
            .profile = std::string(ProfileName()),
            .serial = summary_.serial,
            .base_serial = summary_.base_serial,
            .created = options_.now,
            .fragment_seed = facts.fragment_seed,
            .fragment_density = facts.fragment_density,
            .record_key_id = facts.record_key_id};
  }

  // The whole set is made in memory and compared with the base item by item.
  Result<hashset::WrittenSet> WriteDelta(hashset::HashSetWriter& whole_writer, ByteView signing_seed) {
    const auto bytes = whole_writer.Encode(signing_seed);
    if (!bytes) return Fail(bytes.error());
    const auto whole = MapInMemory(*bytes, signing_seed);
    if (!whole) return Fail(whole.error());
    const auto base = hashset::MappedHashSet::OpenUnverified(options_.delta_from);
    if (!base) return Fail(base.error());
    if (Status status = CheckBase(**base, **whole); !status) return Fail(status.error());
    if (Status status = (*base)->VerifyChecksums(); !status) return Fail(status.error());
    const Delta delta = DeltaBetween(**base, **whole);
    summary_.base_serial = (*base)->manifest().serial;
    summary_.changed = delta.changed;
    summary_.removed = delta.removed.size();
    hashset::HashSetWriter writer(Description());
    if (Status status = Fill(writer, &delta.added); !status) return Fail(status.error());
    for (const ItemId& id : delta.removed) writer.Remove(id);
    return writer.Write(options_.out, signing_seed);
  }

  Status Load() {
    Status loaded = LoadAll();
    if (!loaded) return loaded;
    std::set<Sha256Digest> harmless;  // of whole files and of image data
    for (const LoadedItem& item : items_) {
      if (!item.entry.negative) continue;
      ++summary_.negatives;
      if (item.entry.sha256) harmless.insert(*item.entry.sha256);
      if (item.file && item.file->image_data) harmless.insert(*item.file->image_data);
    }
    summary_.harmless = std::erase_if(items_, [&](const LoadedItem& item) {
      return !item.entry.negative &&
             ((item.entry.sha256 && harmless.contains(*item.entry.sha256)) ||
              (item.file && item.file->image_data && harmless.contains(*item.file->image_data)));
    });
    return {};
  }

  Status LoadAll() {
    return database_.ForEachItem([&](const ItemEntry& entry) -> Status {
      if (entry.expires <= options_.now) {
        ++summary_.expired;
        return {};
      }
      auto file = database_.File(entry);
      if (!file) return Fail(file.error());
      items_.push_back({entry, std::move(*file)});
      return {};
    });
  }

  void Sieve() {
    std::vector<FileFingerprint*> files;
    double runs = 0;
    // A negative bank keeps every window: the more it knows, the less is mistaken.
    std::vector<std::uint64_t> harmless;
    for (LoadedItem& item : items_) {
      if (item.file && !item.entry.negative) files.push_back(&*item.file);
      if (!item.file || !item.entry.negative) continue;
      for (const FragmentPrint& print : item.file->fragments) harmless.push_back(print.hash);
    }
    std::ranges::sort(harmless);
    summary_.fragments = DropSharedFragments(files);
    for (FileFingerprint* file : files) {
      summary_.harmless_fragments += DropHarmlessFragments(*file, harmless);
      if (options_.profile == Profile::kCompact) ThinFragments(*file, kCompactFragments);
      if (options_.profile == Profile::kCompact) std::erase_if(file->views, IsNotWhole);
      if (options_.profile == Profile::kStandard && file->views.size() > kStandardViews)
        file->views.resize(kStandardViews);
      // Windows lie at random: the chance that a run holds none falls with e to the expected number.
      const double rate =
          static_cast<double>(file->fragments.size()) / std::max<double>(1, static_cast<double>(file->size));
      runs += 1 - std::exp(-rate * (std::min(kRunBytes, static_cast<double>(file->size)) - kWindowBytes));
    }
    summary_.files = files.size();
    summary_.run_recall = files.empty() ? 0 : runs / static_cast<double>(files.size());
  }

  // One full view for each different image data, by collection.
  std::map<std::int64_t, std::vector<PictureView>> DifferentPictures() const {
    std::map<std::int64_t, std::vector<PictureView>> pictures;
    std::set<std::pair<std::int64_t, Sha256Digest>> seen;
    for (const LoadedItem& item : items_) {
      if (!item.file) continue;
      const auto full = std::ranges::find(item.file->views, View::kFull, &PictureView::view);
      if (full == item.file->views.end()) continue;
      if (!seen.emplace(item.entry.collection, item.file->image_data.value_or(item.file->sha256)).second) continue;
      pictures[item.entry.collection].push_back(*full);
    }
    return pictures;
  }

  void Calibrate() {
    const auto pictures = DifferentPictures();
    for (const auto& [collection, views] : pictures) calibrations_[collection] = enrolment::Calibrate(views);
  }

  // `wanted`: which of items_; null: all.
  Status Fill(hashset::HashSetWriter& writer, const std::vector<bool>* wanted) {
    std::map<std::int64_t, std::uint32_t> rows;
    summary_.collections.clear();
    summary_.items = summary_.digests_only = summary_.pictures = summary_.views = 0;
    summary_.records = summary_.supported_records = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (wanted != nullptr && !(*wanted)[i]) continue;
      const LoadedItem& item = items_[i];
      const auto [collection, is_new] = rows.try_emplace(item.entry.collection, 0);
      if (is_new) collection->second = AddCollection(writer, item.entry);
      ++summary_.items;
      ++summary_.collections[collection->second].items;
      if (Status status = AddItem(writer, item, collection->second); !status) return status;
    }
    auto shapes = database_.ShapeDensities(options_.now);
    if (!shapes) return Fail(shapes.error());
    for (const ShapeDensity& shape : *shapes) writer.AddShape(shape);
    return {};
  }

  std::uint32_t AddCollection(hashset::HashSetWriter& writer, const ItemEntry& entry) {
    const auto measured = calibrations_.find(entry.collection);
    const Calibration calibration = measured == calibrations_.end() ? Calibration{} : measured->second;
    summary_.collections.push_back({entry.collection_name, calibration, 0, entry.negative});
    return writer.AddCollection({.name = entry.collection_name,
                                 .owner = database_.facts().owner,
                                 .sure_distance = calibration.sure_distance,
                                 .weak_distance = calibration.weak_distance,
                                 .calibrated = calibration.calibrated,
                                 .false_rate = calibration.false_rate,
                                 .negative = entry.negative});
  }

  Status AddItem(hashset::HashSetWriter& writer, const LoadedItem& item, std::uint32_t collection) {
    const ItemEntry& entry = item.entry;
    const std::uint32_t row = writer.AddItem(
        {.id = entry.id, .kind = entry.kind, .collection = collection, .size = entry.size, .expires = entry.expires});
    if (item.file) {
      summary_.pictures += !item.file->views.empty();
      summary_.views += item.file->views.size();
      writer.AddFile(row, *item.file);
      return {};
    }
    if (entry.sha256) {
      ++summary_.digests_only;
      writer.AddDigest(row, *entry.sha256);
      return {};
    }
    if (entry.kind == ItemKind::kRecord) return AddRecord(writer, entry, row);
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
      writer.AddRecord(row, record);
    }
    return {};
  }

  RegisterDatabase& database_;
  const BuildOptions& options_;
  std::vector<LoadedItem> items_;
  std::map<std::int64_t, Calibration> calibrations_;  // by collection
  BuildSummary summary_;
};

std::uint64_t BytesOf(const BuildSummary& summary, std::initializer_list<hashset::SectionKind> kinds) {
  std::uint64_t bytes = 0;
  for (const auto kind : kinds) bytes += summary.written.section_bytes[static_cast<std::size_t>(kind)];
  return bytes;
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
                            calibration.pictures < 20 ? ", 20 are needed" : ", they look too much alike");
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
  text += fmt::format(
      "fragment: {} windows ({} shared and {} repeated left out), {} bytes; a run of 4 KiB is recognised "
      "with probability {:.3f}\n",
      summary.written.section_rows[static_cast<std::size_t>(kFragments)], summary.fragments.shared,
      summary.fragments.repeated, BytesOf(summary, {kFragmentFilter, kFragments}), summary.run_recall);
  text += fmt::format(
      "perceptual: {} pictures, {} views, {} bytes; about 0.97 of re-encoded or resized copies, crops only "
      "as far as views cover them\n",
      summary.pictures, summary.views, BytesOf(summary, {kPictureHashes, kPictureRows}));
  text += fmt::format("record: {} plates, {} with supporting columns, {} bytes; every plate in readable text\n",
                      summary.records, summary.supported_records, BytesOf(summary, {kPlates, kPairs}));
  text += fmt::format("archive-entry: {} files, {} bytes; names no file whose archive hides its directory\n",
                      summary.files, BytesOf(summary, {kArchiveEntries}));
  for (const BuiltCollection& collection : summary.collections) text += DescribeCollection(collection);
  return text;
}

}  // namespace spanwatch::enrolment
