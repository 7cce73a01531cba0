#include "register/find_items.h"

#include <algorithm>

namespace spanwatch::enrolment {
namespace {

constexpr int kLooksAlikeDistance = 31;

enum class Fit : std::uint8_t { kNone, kLooksAlike, kSame };

template <typename Judge>
Result<FoundItems> Find(RegisterDatabase& database, const std::string& collection, Judge&& judge) {
  FoundItems found;
  const Status status = database.ForEachItem([&](const ItemEntry& item) -> Status {
    if (!collection.empty() && item.collection_name != collection) return {};
    const Result<Fit> fit = judge(item);
    if (!fit) return Fail(fit.error());
    if (*fit == Fit::kSame) found.items.push_back(item);
    if (*fit == Fit::kLooksAlike) found.look_alikes.push_back(item);
    return {};
  });
  if (!status) return Fail(status.error());
  return found;
}

std::optional<PdqHash> WholeHashOf(const FileFingerprint& file) {
  const auto whole = std::ranges::find(file.views, View::kFull, &PictureView::view);
  return whole == file.views.end() ? std::nullopt : std::optional(whole->hash);
}

Fit FitOf(const FileFingerprint& file, const FileFingerprint& picture) {
  if (file.image_data && file.image_data == picture.image_data) return Fit::kSame;
  const auto a = WholeHashOf(file), b = WholeHashOf(picture);
  return a && b && HammingDistance(*a, *b) <= kLooksAlikeDistance ? Fit::kLooksAlike : Fit::kNone;
}

Result<Fit> FitOfImported(RegisterDatabase& database, const ItemEntry& item, const FileFingerprint& picture) {
  const auto md5 = database.ImportedMd5(item);
  if (!md5) return Fail(md5.error());
  if (*md5 && **md5 == picture.md5) return Fit::kSame;
  const auto view = database.ImportedPicture(item);
  if (!view) return Fail(view.error());
  const auto whole = WholeHashOf(picture);
  if (!*view || !whole) return Fit::kNone;
  const int distance = HammingDistance((*view)->hash, *whole);
  return distance == 0 ? Fit::kSame : distance <= kLooksAlikeDistance ? Fit::kLooksAlike : Fit::kNone;
}

}  // namespace

Result<FoundItems> ItemsOfPlate(RegisterDatabase& database, const std::string& collection,
                                std::span<const std::uint64_t> tags) {
  return Find(database, collection, [&](const ItemEntry& item) -> Result<Fit> {
    if (item.kind != ItemKind::kRecord) return Fit::kNone;
    const auto records = database.Records(item);
    if (!records) return Fail(records.error());
    const bool same = std::ranges::any_of(*records, [&](const RecordFingerprint& record) {
      return std::ranges::find(tags, record.plate_tag) != tags.end();
    });
    return same ? Fit::kSame : Fit::kNone;
  });
}

Result<FoundItems> ItemsOfPicture(RegisterDatabase& database, const std::string& collection,
                                  const FileFingerprint& picture) {
  return Find(database, collection, [&](const ItemEntry& item) -> Result<Fit> {
    if (item.kind == ItemKind::kRecord) return Fit::kNone;
    if (item.sha256 == picture.sha256) return Fit::kSame;
    if (!item.sha256) return FitOfImported(database, item, picture);
    const auto file = database.File(item);
    if (!file) return Fail(file.error());
    return *file ? FitOf(**file, picture) : Fit::kNone;
  });
}

Result<FoundItems> ItemsOfDigest(RegisterDatabase& database, const std::string& collection, ByteView digest) {
  return Find(database, collection, [&](const ItemEntry& item) -> Result<Fit> {
    if (item.kind == ItemKind::kRecord) return Fit::kNone;
    if (item.sha256 && std::ranges::equal(*item.sha256, digest)) return Fit::kSame;
    const auto md5 = database.ImportedMd5(item);
    if (!md5) return Fail(md5.error());
    const auto file = database.File(item);
    if (!file) return Fail(file.error());
    const bool same =
        (*md5 && std::ranges::equal(**md5, digest)) || (*file && std::ranges::equal((*file)->md5, digest));
    return same ? Fit::kSame : Fit::kNone;
  });
}

}  // namespace spanwatch::enrolment
