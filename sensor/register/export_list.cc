#include "register/export_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>

#include "base/hex.h"

namespace spanwatch::enrolment {
namespace {

// All that is known of one item's content.
struct Digests {
  std::optional<Sha256Digest> sha256;
  std::optional<Md5Digest> md5;
  std::optional<PictureView> picture;
};

Result<Digests> DigestsOf(RegisterDatabase& database, const ItemEntry& item) {
  Digests digests{.sha256 = item.sha256};
  const auto file = database.File(item);
  if (!file) return Fail(file.error());
  if (*file) {
    digests.md5 = (*file)->md5;
    const auto whole = std::ranges::find((*file)->views, View::kFull, &PictureView::view);
    if (whole != (*file)->views.end() && whole->quality > 0) digests.picture = *whole;
    return digests;
  }
  const auto md5 = database.ImportedMd5(item);
  const auto picture = database.ImportedPicture(item);
  if (!md5 || !picture) return Fail(!md5 ? md5.error() : picture.error());
  digests.md5 = *md5;
  digests.picture = *picture;
  return digests;
}

// As the reference implementation prints it: the highest bit first.
std::string PdqDigits(const PdqHash& hash) {
  std::string digits;
  for (const std::uint64_t word : hash.words | std::views::reverse) digits += fmt::format("{:016x}", word);
  return digits;
}

// RFC 9562 version 8: the item's id but for the bits that say so.
std::string UuidOf(ItemId id) {
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0F) | 0x80);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3F) | 0x80);
  std::string uuid = ToHex(id);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) uuid.insert(at, "-");
  return uuid;
}

std::string StixPatternOf(const Digests& digests) {
  std::string comparisons;
  const auto add = [&](std::string_view name, const std::string& digits) {
    comparisons += fmt::format("{}file:hashes.{} = '{}'", comparisons.empty() ? "" : " OR ", name, digits);
  };
  if (digests.sha256) add("'SHA-256'", ToHex(*digests.sha256));
  if (digests.md5 && !digests.sha256) add("MD5", ToHex(*digests.md5));
  if (digests.picture) add("PDQ", PdqDigits(digests.picture->hash));
  return comparisons.empty() ? "" : "[" + comparisons + "]";
}

// STIX wants UTC with a Z (section 3.15), as FormatRfc3339 writes it.
std::string IndicatorOf(const ItemEntry& item, const std::string& pattern) {
  const std::string added = FormatRfc3339(item.added);
  nlohmann::ordered_json indicator{
      {"type", "indicator"}, {"spec_version", "2.1"},  {"id", "indicator--" + UuidOf(item.id)},
      {"created", added},    {"modified", added},      {"name", item.collection_name},
      {"pattern", pattern},  {"pattern_type", "stix"}, {"valid_from", added}};
  if (item.expires != PacketTime::max()) indicator["valid_until"] = FormatRfc3339(item.expires);
  return indicator.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// The line of this item; empty when the format has none for it.
std::string LineOf(const ItemEntry& item, const Digests& digests, ListFormat format) {
  switch (format) {
    case ListFormat::kSha256:
      return digests.sha256 ? fmt::format("{}  {}", ToHex(*digests.sha256), ToHex(item.id)) : "";
    case ListFormat::kMd5:
      return digests.md5 ? fmt::format("{}  {}", ToHex(*digests.md5), ToHex(item.id)) : "";
    case ListFormat::kPdq:
      return digests.picture
                 ? fmt::format("{},{},{}", PdqDigits(digests.picture->hash), digests.picture->quality, ToHex(item.id))
                 : "";
    case ListFormat::kStix: {
      const std::string pattern = StixPatternOf(digests);
      return pattern.empty() ? "" : IndicatorOf(item, pattern);
    }
  }
  return "";
}

}  // namespace

Result<ExportSummary> ExportList(RegisterDatabase& database, const ExportWish& wish,
                                 const std::function<Status(std::string_view)>& write) {
  ExportSummary summary;
  const bool stix = wish.format == ListFormat::kStix;
  Status status;
  if (stix)
    status =
        write(fmt::format("{{\"type\": \"bundle\", \"id\": \"bundle--{}\", \"objects\": [\n", UuidOf(NewItemId())));
  if (wish.format == ListFormat::kPdq) status = write("pdq,quality,id\n");
  if (!status) return Fail(status.error());
  status = database.ForEachItem([&](const ItemEntry& item) -> Status {
    if (wish.collection.empty() ? item.negative : item.collection_name != wish.collection) return {};
    if (item.expires <= wish.now) {
      ++summary.expired;
      return {};
    }
    const auto digests = DigestsOf(database, item);
    if (!digests) return Fail(digests.error());
    const std::string line = LineOf(item, *digests, wish.format);
    if (line.empty()) {
      ++summary.without;
      return {};
    }
    const bool first = summary.written++ == 0;
    return write(stix ? fmt::format("{}{}", first ? "" : ",\n", line) : line + "\n");
  });
  if (status && stix) status = write("\n]}\n");
  if (!status) return Fail(status.error());
  return summary;
}

}  // namespace spanwatch::enrolment
