#include "support/object_recorder.h"

#include <functional>

#include <fmt/format.h>

namespace spanwatch::testing {
namespace {

class Recording final : public ObjectConsumer {
 public:
  explicit Recording(RecordedObject& object) : object_(object) {}
  bool OnData(ByteView bytes) noexcept override {
    object_.bytes.insert(object_.bytes.end(), bytes.begin(), bytes.end());
    return true;
  }
  void OnGap(std::uint64_t length) noexcept override { object_.gap_bytes += length; }
  void OnArchiveEntry(const ArchiveEntry& entry) noexcept override {
    object_.entries.push_back({std::string(entry.name), entry.size, entry.crc32});
  }
  void OnEnd(ObjectEnd end) noexcept override {
    object_.end = end;
    object_.ended = true;
  }

 private:
  RecordedObject& object_;
};

}  // namespace

std::string RecordedObject::path() const {
  std::string joined;
  for (const std::string& step : provenance) joined += (joined.empty() ? "" : " / ") + step;
  return joined;
}

std::unique_ptr<ObjectConsumer> ObjectRecorder::OnObject(const ObjectContext& context) noexcept {
  auto object = std::make_unique<RecordedObject>();
  object->info = *context.info;
  object->provenance = *context.provenance;
  object->direction = context.direction;
  object->id = context.id;
  object->parent_id = context.parent_id;
  object->evasive = context.evasive;
  object->verbatim = context.verbatim;
  objects_.push_back(std::move(object));
  return std::make_unique<Recording>(*objects_.back());
}

const RecordedObject* ObjectRecorder::Find(std::string_view path) const {
  for (const auto& object : objects_) {
    if (object->path().ends_with(path)) return object.get();
  }
  return nullptr;
}

std::size_t ObjectRecorder::Count(std::string_view path_end) const {
  std::size_t count = 0;
  for (const auto& object : objects_) count += object->path().ends_with(path_end) ? 1 : 0;
  return count;
}

std::multiset<std::string> ObjectRecorder::Summary() const {
  std::multiset<std::string> lines;
  for (const auto& object : objects_) {
    lines.insert(fmt::format("{} | {} bytes {:016x} | gaps {} | end {} | {}{}", object->path(), object->bytes.size(),
                             std::hash<std::string_view>{}(AsText(object->bytes)), object->gap_bytes,
                             object->ended ? static_cast<int>(object->end) : -1, object->evasive ? "evasive " : "",
                             object->verbatim ? "verbatim" : ""));
    for (const RecordedEntry& entry : object->entries) {
      lines.insert(
          fmt::format("{} | entry {} {} {:08x}", object->path(), entry.name, entry.size, entry.crc32.value_or(0)));
    }
  }
  return lines;
}

}  // namespace spanwatch::testing
