#include "fingerprint/object_sketch.h"

#include <algorithm>

namespace spanwatch::fingerprint {
namespace {

// A body that is not longer than one short value says what a query's value says: "ABC1234", {"q":"ABC1234"}.
bool IsShortValue(const ObjectInfo& info) {
  constexpr std::uint64_t kLongest = 64;
  return info.kind == ObjectKind::kMessage && info.size && *info.size <= kLongest;
}

class RecordSketcher final : public Sketcher {
 public:
  RecordSketcher(const SketchContext& context, RecordScope scope, const ObjectInfo& info)
      : scanner_(context.records, scope, context.sink) {
    // As the field stands in any other form.
    if (!info.field.empty() || IsShortValue(info)) scanner_.Update(AsBytes(info.field + "="));
  }
  void Update(ByteView bytes) noexcept override { scanner_.Update(bytes); }
  void Gap(std::uint64_t length) noexcept override { scanner_.Gap(length); }
  void Finish(ObjectEnd) noexcept override { scanner_.Finish(); }

 private:
  RecordScanner scanner_;
};

}  // namespace

std::unique_ptr<Sketcher> Make_record(const SketchContext& context, const ObjectContext& object, SketchFacts&) {
  const ObjectInfo& info = *object.info;
  const bool fields = info.fields || !info.field.empty() || IsShortValue(info) ||
                      info.media_type == "application/x-www-form-urlencoded";
  const RecordScope scope = info.kind == ObjectKind::kStream ? RecordScope::kStream
                            : fields                         ? RecordScope::kFields
                                                             : RecordScope::kObject;
  return std::make_unique<RecordSketcher>(context, scope, info);
}

ObjectSketch::ObjectSketch(const SketchContext& context, const ObjectContext& object) {
  const bool stream = object.info->kind == ObjectKind::kStream;
  facts_.pictures = context.index.HasPictures();
#define FAMILY(name, streams) \
  if (!stream || streams) families_.push_back(Make_##name(context, object, facts_));
#include "fingerprint/families.def"
#undef FAMILY
  begun_ = stream;  // a stream is no file: its type is not asked
}

void ObjectSketch::Feed(ByteView bytes) noexcept {
  if (bytes.empty()) return;
  facts_.size += bytes.size();
  for (const auto& family : families_) family->Update(bytes);
}

// The families learn the type before they see the first byte.
void ObjectSketch::Begin() noexcept {
  begun_ = true;
  facts_.type = image::SniffType({head_, head_filled_});
  facts_.format = image::FormatOf(facts_.type);
  Feed({head_, head_filled_});
}

bool ObjectSketch::OnData(ByteView bytes) noexcept {
  if (!begun_) {
    const std::size_t taken = std::min(bytes.size(), sizeof(head_) - head_filled_);
    std::copy_n(bytes.data(), taken, head_ + head_filled_);
    head_filled_ += taken;
    bytes = bytes.subspan(taken);
    if (head_filled_ < sizeof(head_)) return true;
    Begin();
  }
  Feed(bytes);
  return true;
}

void ObjectSketch::OnGap(std::uint64_t length) noexcept {
  if (!begun_) Begin();
  facts_.gap = true;
  for (const auto& family : families_) family->Gap(length);
}

void ObjectSketch::OnArchiveEntry(const ArchiveEntry& entry) noexcept {
  for (const auto& family : families_) family->OnArchiveEntry(entry);
}

void ObjectSketch::OnEnd(ObjectEnd end) noexcept {
  if (!begun_) Begin();
  for (const auto& family : families_) family->Finish(end);
}

std::unique_ptr<ObjectSketch> MakeObjectSketch(const SketchContext& context, const ObjectContext& object) {
  return std::make_unique<ObjectSketch>(context, object);
}

}  // namespace spanwatch::fingerprint
