// ObjectRecorder: an ObjectObserver that keeps what it was told, to compare and to look objects up by their steps.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/anomaly.h"
#include "model/object.h"

namespace spanwatch::testing {

struct RecordedEntry {
  std::string name;
  std::uint64_t size = 0;
  std::optional<std::uint32_t> crc32;
  friend auto operator<=>(const RecordedEntry&, const RecordedEntry&) = default;
  friend void PrintTo(const RecordedEntry& entry, std::ostream* out) {
    *out << entry.name << ' ' << entry.size << ' ' << entry.crc32.value_or(0);
  }
};

struct RecordedObject {
  ObjectInfo info;
  Provenance provenance;
  Direction direction = Direction::kFromClient;
  std::uint32_t id = 0;
  std::uint32_t parent_id = 0;
  bool evasive = false;
  bool verbatim = false;
  Bytes bytes;
  std::uint64_t gap_bytes = 0;
  std::vector<RecordedEntry> entries;  // of an encrypted archive
  ObjectEnd end = ObjectEnd::kAborted;
  bool ended = false;

  std::string text() const { return std::string(AsText(bytes)); }
  std::string path() const;  // the steps, joined with " / "
};

class ObjectRecorder final : public ObjectObserver {
 public:
  std::unique_ptr<ObjectConsumer> OnObject(const ObjectContext& context) noexcept override;

  const std::vector<std::unique_ptr<RecordedObject>>& objects() const { return objects_; }
  // The first whose steps, joined, are or end with `path`; null when there is none.
  const RecordedObject* Find(std::string_view path) const;
  std::size_t Count(std::string_view path_end) const;
  // One line an object: steps, length, digest, gaps and end; independent of the order in which objects were opened.
  std::multiset<std::string> Summary() const;

 private:
  std::vector<std::unique_ptr<RecordedObject>> objects_;
};

class AnomalyRecorder final : public AnomalySink {
 public:
  void OnAnomaly(AnomalyCode code) noexcept override { ++counts_[code]; }
  std::uint64_t Count(AnomalyCode code) const {
    const auto found = counts_.find(code);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  std::map<AnomalyCode, std::uint64_t> counts_;
};

}  // namespace spanwatch::testing
