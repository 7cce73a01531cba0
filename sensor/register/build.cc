#include "register/build.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/hex.h"
#include "hashset/temporary_file.h"
#include "register/delta.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::uint64_t kItemsPerReport = 1024;
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
    if (const auto damage = database_.Damage(); !damage.empty()) {
      return Fail(ErrorCode::kCorrupt,
                  "the register {} is damaged, so no set is built of it: {}; restore it from its last backup",
                  database_.path().string(), damage.front());
    }
    const auto serial = database_.NextSerial(options_.now, options_.serial);
    if (!serial) return Fail(serial.error());
    summary_.serial = *serial;
    const auto log = database_.BeginLog("built", "");
    if (!log) return Fail(log.error());
    if (Status status = database_.BeginReading(); !status) return Fail(status.error());
    auto built = BuildFromSnapshot(signing_seed);
    if (Status status = database_.Commit(); !status && built) return Fail(status.error());
    const std::string detail =
        built ? fmt::format("serial {}, digest {}{}", built->serial, ToHex(built->written.digest),
                            built->base_serial == 0 ? "" : fmt::format(", a delta to serial {}", built->base_serial))
              : "failed";
    Status logged = database_.EndLog(*log, built ? built->items : 0, detail);
    if (!logged && built) return Fail(logged.error());
    return built;
  }

 private:
  Result<BuildSummary> BuildFromSnapshot(ByteView signing_seed) {
    Status status = Survey();
    if (!status) return Fail(status.error());
    if (rows_.empty() && options_.delta_from.empty()) {
      return Fail(ErrorCode::kInvalid, "the register holds nothing that has not expired; add images or records first");
    }
    status = FindCommonFragments();
    if (!status) return Fail(status.error());
    EndSurvey();
    hashset::HashSetWriter writer(Description());
    status = Fill(writer, nullptr);
    if (!status) return Fail(status.error());
    writer.MakeCommon(common_);
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
    const std::string name = options_.earlier_key ? facts.owner + " (earlier record key)" : facts.owner;
    return {.name = options_.name.empty() ? name : options_.name,
            .profile = std::string(ToString(options_.profile)),
            .serial = summary_.serial,
            .base_serial = summary_.base_serial,
            .base_digest = base_digest_,
            .created = options_.now,
            .fragment_seed = facts.fragment_seed,
            .fragment_density = facts.fragment_density,
            .fragment_window = facts.fragment_window,
            .fragment_sure = options_.fragment_sure,
            .record_key_id = options_.earlier_key ? facts.earlier_record_key_id : facts.record_key_id,
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
    const auto base = OpenDeltaBase(options_.delta_from);
    if (!base) return Fail(base.error());
    if (Status status = CheckBase(*base->family, **whole); !status) return Fail(status.error());
    Delta delta = DeltaBetween(*base->family, **whole);
    const hashset::MappedHashSet& last = *base->family->back();
    surveyed_.base_serial = summary_.base_serial = last.manifest().serial;
    base_digest_ = last.digest();
    surveyed_.changed = delta.changed;
    surveyed_.removed = delta.removed.size();
    hashset::HashSetWriter writer(Description());
    if (Status status = Fill(writer, &delta.added); !status) return Fail(status.error());
    for (const ItemId& id : delta.removed) writer.Remove(id);
    writer.MakeCommon(std::move(delta.common));
    writer.TakeBackCommon(std::move(delta.no_longer_common));
    writer.SpeakFor((*whole)->manifest());
    return writer.Write(options_.out, signing_seed);
  }

  // Every item that has not expired, with its file where it has one. The register is read twice: once to know what is
  // shared, harmless and alike, once to write; so no more than that knowledge is in memory.
  template <typename Visit>
  Status ForEach(std::string_view step, Visit&& visit) {
    std::uint64_t done = 0;
    return database_.ForEachItem([&](const ItemEntry& entry) -> Status {
      if (++done % kItemsPerReport == 0) Tell(step, done, item_count_);
      if (entry.expires <= options_.now || !IsOfKey(entry)) return {};
      auto file = database_.File(entry);
      if (!file) return Fail(file.error());
      return visit(entry, *file);
    });
  }

  // A set has the records of one key: there is one tag a plate and key.
  bool IsOfKey(const ItemEntry& entry) const {
    const bool record = entry.kind == ItemKind::kRecord;
    return options_.earlier_key ? record && entry.record_key != key_id_ : !record || entry.record_key == key_id_;
  }

  void Tell(std::string_view step, std::uint64_t done, std::uint64_t total) const {
    if (options_.progress) options_.progress(step, done, total);
  }

  Status Survey() {
    if (Status status = SurveyItems(); !status) return status;
    if (Status status = BeginCalibration(); !status) return status;
    return ForEach(kReading, [&](const ItemEntry& entry, std::optional<FileFingerprint>& file) -> Status {
      if (const auto bank = ExplainedBy(entry, file)) {
        summary_.banks[*bank].items.push_back(entry.id);
        return {};
      }
      if (rows_.try_emplace(entry.collection, rows_.size()).second)
        summary_.collections.push_back({.name = entry.collection_name,
                                        .negative = entry.negative,
                                        .expires_s = hashset::ExpirySeconds(entry.collection_expires)});
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
      if (!IsOfKey(entry)) {
        summary_.other_key += entry.kind == ItemKind::kRecord;
        return {};
      }
      if (!entry.negative && entry.kind == ItemKind::kImage && entry.sha256)
        samples_[entry.collection].Offer(entry.id, entry);
      if (!entry.negative) return {};
      ++summary_.negatives;
      const std::size_t bank = summary_.banks.size();
      summary_.banks.push_back({.id = entry.id, .collection = entry.collection_name});
      if (entry.sha256) harmless_files_.emplace(*entry.sha256, bank);
      const auto file = database_.File(entry);
      if (!file) return Fail(file.error());
      if (!*file) return {};
      if ((*file)->image_data) harmless_files_.emplace(*(*file)->image_data, bank);
      for (const FragmentPrint& print : (*file)->fragments) harmless_.emplace_back(print.hash, bank);
      return {};
    });
    return status;
  }

  // Which windows are no evidence; and which items of banks explain anything.
  Status FindCommonFragments() {
    std::ranges::sort(harmless_);
    std::vector<std::uint64_t> hashes;
    for (const auto& [hash, bank] : harmless_) hashes.push_back(hash);
    auto shared = FindSharedFragments(places_, files_, hashes);
    if (!shared) return Fail(shared.error());
    summary_.fragments = shared->result;
    common_ = std::move(shared->hashes);
    for (const auto& [hash, bank] : harmless_)
      summary_.banks[bank].windows += std::ranges::binary_search(common_, hash) ? 1 : 0;
    std::erase_if(summary_.banks, [](const BankHits& bank) { return bank.items.empty() && bank.windows == 0; });
    return {};
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
        if (!*file || ExplainedBy(entry, *file)) continue;
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

  // The item of a negative bank that has the same file or picture: its number among the banks' items.
  std::optional<std::size_t> ExplainedBy(const ItemEntry& entry, const std::optional<FileFingerprint>& file) const {
    if (entry.negative || harmless_files_.empty()) return std::nullopt;
    auto bank = entry.sha256 ? harmless_files_.find(*entry.sha256) : harmless_files_.end();
    if (bank == harmless_files_.end() && file && file->image_data) bank = harmless_files_.find(*file->image_data);
    return bank == harmless_files_.end() ? std::nullopt : std::optional(bank->second);
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
      hashset::PictureChances chances;
      for (int distance = 0; distance <= hashset::kPictureDistanceMax && calibration.Chance(distance) > 0; ++distance)
        chances.Set(static_cast<std::size_t>(distance), calibration.Chance(distance));
      writer.AddCollection({.name = collection.name,
                            .owner = database_.facts().owner,
                            .sure_distance = calibration.sure_distance,
                            .weak_distance = calibration.weak_distance,
                            .calibrated = calibration.calibrated,
                            .false_rate = calibration.false_rate,
                            .chances = chances,
                            .negative = collection.negative,
                            .expires_s = collection.expires_s});
    }
  }

  void CountProfiles(const FileFingerprint& file) {
    for (std::size_t i = 0; i <= static_cast<std::size_t>(database_.facts().profile); ++i) {
      summary_.profiles[i].windows += KeptWindows(file, static_cast<Profile>(i));
      summary_.profiles[i].views += KeptViews(file, static_cast<Profile>(i));
    }
  }

  // Leaves of the file what the profile keeps. A set that is narrower than its register takes windows that are
  // evidence in place of common ones; else an item has the same windows whatever else is registered.
  void Reduce(FileFingerprint& file) {
    if (options_.profile < database_.facts().profile) DropFragments(file, common_);
    CountProfiles(file);
    enrolment::Reduce(file, options_.profile);
    const auto evidence = std::ranges::count_if(
        file.fragments, [&](const FragmentPrint& print) { return !std::ranges::binary_search(common_, print.hash); });
    summary_.fragment_trade.Add(file.size, static_cast<std::uint64_t>(evidence));
    ++summary_.files;
  }

  // `wanted`: which rows of the whole set; null: all.
  Status Fill(hashset::HashSetWriter& writer, const std::vector<bool>* wanted) {
    summary_ = surveyed_;
    AddCollections(writer);
    // Banks first: a lookup is answered with the first rows of its key, and a bank must be among them.
    std::size_t row = 0;
    Status status = summary_.negatives == 0 ? Status() : FillFrom(writer, true, wanted, row);
    if (status) status = FillFrom(writer, false, wanted, row);
    if (!status) return status;
    if (wanted == nullptr) status = CountPlates();
    if (!status) return status;
    for (const auto& [shape, registered] : shapes_) writer.AddShape({static_cast<std::uint16_t>(shape), registered});
    return {};
  }

  Status FillFrom(hashset::HashSetWriter& writer, bool banks, const std::vector<bool>* wanted, std::size_t& row) {
    return ForEach(kAdding, [&](const ItemEntry& entry, std::optional<FileFingerprint>& file) -> Status {
      if (entry.negative != banks) return {};
      if (ExplainedBy(entry, file)) {
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
  }

  // How many distinct plates of each shape the whole set has; a delta to it says the same.
  Status CountPlates() {
    return plates_.ForEach([&](const ShapedPlate& plate) { ++shapes_[plate.shape]; });
  }

  Status AddItem(hashset::HashSetWriter& writer, const ItemEntry& entry, const std::optional<FileFingerprint>& file,
                 std::uint32_t collection) {
    const std::uint32_t row = writer.AddItem({.id = entry.id,
                                              .kind = entry.kind,
                                              .collection = collection,
                                              .size = entry.size,
                                              .expires = entry.own_expires});
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
  const std::string key_id_ = ToHex(database_.facts().record_key_id);
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
  std::vector<std::uint64_t> common_;              // hashes of windows, ascending
  hashset::SetDigest base_digest_{};               // of a delta
  // Of negative banks, with the number of the item among them: windows; digests of whole files and of image data.
  std::vector<std::pair<std::uint64_t, std::size_t>> harmless_;
  std::map<Sha256Digest, std::size_t> harmless_files_;
};

}  // namespace

Result<BuildSummary> BuildHashSet(RegisterDatabase& database, const BuildOptions& options, ByteView signing_seed) {
  return Builder(database, options).Build(signing_seed);
}

}  // namespace spanwatch::enrolment
