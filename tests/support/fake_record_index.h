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
  explicit FakeRecordIndex(std::size_t sets = 1) : sets_(sets) {}

  // Registers one record in a set; its row is the number of those before it there.
  void Add(const RecordFingerprint& record, std::uint16_t set = 0) {
    Tables& tables = sets_[set];
    const ItemRef item{set, tables.rows++};
    tables.plates.emplace(record.plate_tag, Row{item, false});
    if (record.folded_tag != record.plate_tag) tables.plates.emplace(record.folded_tag, Row{item, true});
    for (const std::uint64_t tag : record.pair_tags) tables.pairs.emplace(tag, Row{item, false});
    if (tables.distinct.insert(record.plate_tag).second) ++tables.shapes[record.shape];
  }

  std::size_t set_count() const override { return sets_.size(); }
  SetFacts Set(std::size_t set) const override {
    SetFacts facts;
    facts.name = "fake";
    facts.has_records = sets_[set].rows > 0;
    return facts;
  }
  ItemFacts Item(ItemRef) const override { return {}; }
  CollectionFacts Collection(ItemRef) const override { return {}; }
  void FindDigest(const Sha256Digest&, std::uint64_t, std::vector<ItemRef>&) const override {}
  void FindImageData(const Sha256Digest&, std::vector<ItemRef>&) const override {}
  bool MayBegin(std::uint64_t) const override { return false; }
  void FindFragments(std::size_t, std::span<const FragmentPrint>, std::vector<FragmentHit>&) const override {}
  void FindPictures(const PdqHash&, int, std::vector<PictureHit>&) const override {}
  void FindPlates(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override {
    Find(sets_[set].plates, tags, found);
  }
  void FindPairs(std::size_t set, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) const override {
    Find(sets_[set].pairs, tags, found);
  }
  std::uint64_t RegisteredPlates(std::size_t set, std::uint16_t shape) const override {
    const auto found = sets_[set].shapes.find(shape);
    return found == sets_[set].shapes.end() ? 0 : found->second;
  }

 private:
  struct Row {
    ItemRef item;
    bool folded = false;
  };
  using Table = std::unordered_multimap<std::uint64_t, Row>;
  struct Tables {
    Table plates;
    Table pairs;
    std::set<std::uint64_t> distinct;
    std::map<std::uint16_t, std::uint64_t> shapes;
    std::uint32_t rows = 0;
  };

  static void Find(const Table& table, std::span<const std::uint64_t> tags, std::vector<PlateHit>& found) {
    for (std::uint32_t i = 0; i < tags.size(); ++i) {
      const auto [begin, end] = table.equal_range(tags[i]);
      for (auto row = begin; row != end; ++row) found.push_back({i, row->second.item, row->second.folded});
    }
  }

  std::vector<Tables> sets_;
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
