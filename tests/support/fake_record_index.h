// FakeRecordIndex: plate and pair tags of one set in hash tables, and a sink that keeps what the record family tells.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/match.h"

namespace spanwatch {

class FakeRecordIndex final : public FingerprintIndex {
 public:
  // Registers one record; its row is the number of those before it.
  void Add(const RecordFingerprint& record) {
    const ItemRef item{0, rows_++};
    plates_.emplace(record.plate_tag, Row{item, false});
    if (record.folded_tag != record.plate_tag) plates_.emplace(record.folded_tag, Row{item, true});
    for (const std::uint64_t tag : record.pair_tags) pairs_.emplace(tag, Row{item, false});
    if (distinct_.insert(record.plate_tag).second) ++shapes_[record.shape];
  }

  std::size_t set_count() const override { return 1; }
  SetFacts Set(std::size_t) const override {
    SetFacts facts;
    facts.name = "fake";
    facts.has_records = rows_ > 0;
    return facts;
  }
  ItemFacts Item(ItemRef) const override { return {}; }
  CollectionFacts Collection(ItemRef) const override { return {}; }
  void FindDigest(const Sha256Digest&, std::uint64_t, std::vector<ItemRef>&) const override {}
  void FindImageData(const Sha256Digest&, std::vector<ItemRef>&) const override {}
  bool MayBegin(std::uint64_t) const override { return false; }
  void FindFragments(std::size_t, std::span<const FragmentPrint>, std::vector<FragmentHit>&) const override {}
  void FindPictures(const PdqHash&, int, std::vector<PictureHit>&) const override {}
  void FindPlates(std::size_t, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override {
    Find(plates_, tags, found);
  }
  void FindPairs(std::size_t, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override {
    Find(pairs_, tags, found);
  }
  std::uint64_t RegisteredPlates(std::size_t, std::uint16_t shape) const override {
    const auto found = shapes_.find(shape);
    return found == shapes_.end() ? 0 : found->second;
  }

 private:
  struct Row {
    ItemRef item;
    bool folded = false;
  };
  using Table = std::unordered_multimap<std::uint64_t, Row>;

  static void Find(const Table& table, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) {
    for (std::uint32_t i = 0; i < tags.size(); ++i) {
      const auto [begin, end] = table.equal_range(tags[i]);
      for (auto row = begin; row != end; ++row) found.push_back({i, row->second.item, row->second.folded});
    }
  }

  Table plates_;
  Table pairs_;
  std::set<std::uint64_t> distinct_;
  std::map<std::uint16_t, std::uint64_t> shapes_;
  std::uint32_t rows_ = 0;
};

class RecordingMatchSink final : public MatchSink {
 public:
  void OnMatch(const Match& match) noexcept override { matches[match.item] = match; }
  void OnRecordEvidence(const RecordEvidence& told) noexcept override {
    evidence = told;
    ++evidence_calls;
  }
  void OnLprStructure() noexcept override { ++structures; }
  bool AlreadyNamed() const noexcept override { return false; }

  std::size_t Count(Confidence confidence) const {
    std::size_t count = 0;
    for (const auto& [item, match] : matches) count += match.confidence == confidence ? 1 : 0;
    return count;
  }
  std::size_t sure() const { return Count(Confidence::kSure); }
  std::size_t weak() const { return Count(Confidence::kWeak); }
  std::size_t supported() const {
    std::size_t count = 0;
    for (const auto& [item, match] : matches) count += match.supported ? 1 : 0;
    return count;
  }

  std::map<ItemRef, Match> matches;
  RecordEvidence evidence;
  int evidence_calls = 0;
  int structures = 0;
};

}  // namespace spanwatch
