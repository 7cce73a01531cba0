#include "register/build.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

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

class Builder {
 public:
  Builder(RegisterDatabase& database, const BuildOptions& options) : database_(database), options_(options) {}

  Result<BuildSummary> Build(ByteView signing_seed) {
    Status status = Load();
    if (!status) return Fail(status.error());
    if (items_.empty()) {
      return Fail(ErrorCode::kInvalid, "the register holds nothing that has not expired; add images or records first");
    }
    Sieve();
    const auto serial = database_.NextSerial();
    if (!serial) return Fail(serial.error());
    summary_.serial = *serial;
    const RegisterFacts& facts = database_.facts();
    hashset::HashSetWriter writer({.name = options_.name.empty() ? facts.owner : options_.name,
                                   .profile = std::string(ProfileName()),
                                   .serial = *serial,
                                   .created = options_.now,
                                   .fragment_seed = facts.fragment_seed,
                                   .fragment_density = facts.fragment_density,
                                   .record_key_id = facts.record_key_id});
    status = Fill(writer);
    if (!status) return Fail(status.error());
    auto written = writer.Write(options_.out, signing_seed);
    if (!written) return Fail(written.error());
    summary_.written = *written;
    return std::move(summary_);
  }

 private:
  std::string_view ProfileName() const {
    constexpr std::string_view kNames[] = {"compact", "standard", "full"};
    return kNames[static_cast<std::size_t>(options_.profile)];
  }

  Status Load() {
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
    for (LoadedItem& item : items_) {
      if (item.file) files.push_back(&*item.file);
    }
    summary_.fragments = DropSharedFragments(files);
    for (FileFingerprint* file : files) {
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

  Status Fill(hashset::HashSetWriter& writer) {
    const auto pictures = DifferentPictures();
    std::map<std::int64_t, std::uint32_t> rows;
    for (const LoadedItem& item : items_) {
      if (rows.contains(item.entry.collection)) continue;
      const auto measured = pictures.find(item.entry.collection);
      const Calibration calibration = measured == pictures.end() ? Calibration{} : Calibrate(measured->second);
      rows[item.entry.collection] = writer.AddCollection({.name = item.entry.collection_name,
                                                          .owner = database_.facts().owner,
                                                          .sure_distance = calibration.sure_distance,
                                                          .weak_distance = calibration.weak_distance,
                                                          .calibrated = calibration.calibrated,
                                                          .false_rate = calibration.false_rate});
      summary_.collections.push_back({item.entry.collection_name, calibration, 0});
    }
    for (const LoadedItem& item : items_) {
      const std::uint32_t collection = rows[item.entry.collection];
      ++summary_.collections[collection].items;
      if (Status status = AddItem(writer, item, collection); !status) return status;
    }
    summary_.items = items_.size();
    auto shapes = database_.ShapeDensities(options_.now);
    if (!shapes) return Fail(shapes.error());
    for (const ShapeDensity& shape : *shapes) writer.AddShape(shape);
    return {};
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
                      summary.records, summary.supported_records, BytesOf(summary, {kPlateFilter, kPlates, kPairs}));
  text += fmt::format("archive-entry: {} files, {} bytes; names no file whose archive hides its directory\n",
                      summary.files, BytesOf(summary, {kArchiveEntries}));
  for (const BuiltCollection& collection : summary.collections) text += DescribeCollection(collection);
  return text;
}

}  // namespace spanwatch::enrolment
