// FakeIndex: the fingerprints of files of one set in plain tables, looked up one by one. For tests of the families.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "model/match.h"

namespace spanwatch {

class FakeIndex final : public FingerprintIndex {
 public:
  static constexpr std::uint64_t kSeed = 99;
  static constexpr std::uint32_t kDensity = 256;

  // REQUIRES: fragments made with kSeed and kDensity
  ItemRef Add(FileFingerprint file) {
    const ItemRef item{0, static_cast<std::uint32_t>(files_.size())};
    for (const FragmentPrint& print : file.fragments) prints_.emplace(print.hash, std::pair(item, print.offset));
    heads_.insert(file.head_xxh3);
    if (file.image_data) heads_.insert(file.image_head_xxh3);
    files_.push_back(std::move(file));
    return item;
  }
  CollectionFacts collection{.calibrated = true};
  bool has_details = true;    // a set of an older program has none
  double chance = 0.001;      // of an unregistered picture, within the sure distance
  bool has_bare_md5 = false;  // then every file is found by its MD5, too

  std::size_t set_count() const override { return 1; }
  SetFacts Set(std::size_t) const override {
    SetFacts facts;
    facts.name = "fake";
    facts.fragment_seed = kSeed;
    facts.fragment_density = kDensity;
    facts.has_bare_md5 = has_bare_md5;
    return facts;
  }
  ItemFacts Item(ItemRef item) const override {
    ItemFacts facts;
    facts.size = files_[item.row].size;
    facts.fragment_count = static_cast<std::uint32_t>(files_[item.row].fragments.size());
    return facts;
  }
  CollectionFacts Collection(ItemRef) const override { return collection; }
  void FindDigest(const Sha256Digest& sha256, std::uint64_t size, std::vector<ItemRef>& found) const override {
    for (std::uint32_t row = 0; row < files_.size(); ++row) {
      if (files_[row].sha256 == sha256 && files_[row].size == size) found.push_back({0, row});
    }
  }
  void FindImageData(const Sha256Digest& sha256, std::vector<ItemRef>& found) const override {
    for (std::uint32_t row = 0; row < files_.size(); ++row) {
      if (files_[row].image_data == sha256) found.push_back({0, row});
    }
  }
  void FindMd5(const Md5Digest& md5, std::vector<ItemRef>& found) const override {
    for (std::uint32_t row = 0; row < files_.size(); ++row) {
      if (has_bare_md5 && files_[row].md5 == md5) found.push_back({0, row});
    }
  }
  bool MayBegin(std::uint64_t head) const override { return heads_.contains(head); }
  bool HasPictures() const override {
    return std::ranges::any_of(files_, [](const FileFingerprint& file) { return !file.views.empty(); });
  }
  void FindArchiveEntry(std::uint32_t crc32, std::uint64_t size, std::vector<ItemRef>& found) const override {
    for (std::uint32_t row = 0; row < files_.size(); ++row) {
      if (files_[row].crc32 == crc32 && files_[row].size == size) found.push_back({0, row});
    }
  }
  void FindFileSize(std::uint64_t size, std::vector<SizeHit>& found) const override {
    for (std::uint32_t row = 0; row < files_.size(); ++row) {
      if (files_[row].size == size) found.push_back({{0, row}, files_[row].crc32});
    }
  }
  std::uint64_t CountFileSizes(std::uint64_t least, std::uint64_t most) const override {
    std::uint64_t count = 0;
    for (const FileFingerprint& file : files_) count += file.size >= least && file.size <= most ? 1 : 0;
    return count;
  }
  void FindFragments(std::size_t, std::span<const FragmentPrint> prints,
                     std::vector<FragmentHit>& found) const override {
    for (const FragmentPrint& print : prints) {
      const auto [begin, end] = prints_.equal_range(print.hash);
      for (auto hit = begin; hit != end; ++hit) found.push_back({print, hit->second.first, hit->second.second});
    }
  }
  void FindPictures(const PdqHash& hash, int max_distance, std::vector<PictureHit>& found) const override {
    for (std::uint32_t row = 0; row < files_.size(); ++row) {
      PictureHit best{{0, row}, UINT16_MAX};
      for (const PictureView& view : files_[row].views) {
        const auto distance = static_cast<std::uint16_t>(HammingDistance(hash, view.hash));
        if (distance < best.distance) best = {best.item, distance, view.view};
      }
      if (best.distance <= max_distance) found.push_back(best);
    }
  }
  std::optional<PictureDetail> Detail(ItemRef item) const override {
    return has_details ? files_[item.row].detail : std::nullopt;
  }
  double ChanceOfPicture(ItemRef, int distance) const override {
    return distance <= collection.sure_distance ? chance : chance * 10;
  }
  void FindPlates(std::size_t, std::span<const std::uint64_t>, std::vector<PlateHit>&) const override {}
  void FindPairs(std::size_t, std::span<const std::uint64_t>, std::vector<PlateHit>&) const override {}
  std::uint64_t RegisteredPlates(std::size_t, std::uint16_t) const override { return 0; }

 private:
  std::vector<FileFingerprint> files_;
  std::multimap<std::uint64_t, std::pair<ItemRef, std::uint64_t>> prints_;
  std::set<std::uint64_t> heads_;
};

// Keeps the last match of each item and method, as a flow's sightings do.
class KeepingMatchSink final : public MatchSink {
 public:
  void OnMatch(const Match& match) noexcept override { matches[{match.item, match.method}] = match; }
  void OnRecordEvidence(const RecordEvidence&) noexcept override {}
  void OnArchiveEvidence(const ArchiveEvidence& evidence) noexcept override { archive = evidence; }
  bool AlreadyNamed() const noexcept override {
    for (const auto& [key, match] : matches) {
      if (match.confidence == Confidence::kSure && match.method != Method::kPerceptual) return true;
    }
    return false;
  }
  const Match* Find(ItemRef item, Method method) const {
    const auto found = matches.find({item, method});
    return found == matches.end() ? nullptr : &found->second;
  }

  std::map<std::pair<ItemRef, Method>, Match> matches;
  std::optional<ArchiveEvidence> archive;
};

}  // namespace spanwatch
