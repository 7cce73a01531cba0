// What `register build` tells a person of the set it wrote.
#include <algorithm>

#include "base/hex.h"
#include "register/build.h"

namespace spanwatch::enrolment {
namespace {

constexpr double kViewBytes = 32 + 4 + 8;  // hash, first row, row
constexpr std::size_t kBankItemsShown = 20;

std::uint64_t BytesOf(const BuildSummary& summary, std::initializer_list<hashset::SectionKind> kinds) {
  std::uint64_t bytes = 0;
  for (const auto kind : kinds) bytes += summary.written.section_bytes[static_cast<std::size_t>(kind)];
  return bytes;
}

double PerItem(const BuildSummary& summary, double bytes) {
  return bytes / static_cast<double>(std::max<std::uint64_t>(summary.items, 1));
}

// Of the set, by family; and what fragments and views would take in each profile.
std::string DescribeSizes(const BuildSummary& summary) {
  using enum hashset::SectionKind;
  const auto each = [&](std::initializer_list<hashset::SectionKind> kinds) {
    return PerItem(summary, static_cast<double>(BytesOf(summary, kinds)));
  };
  std::string text = fmt::format(
      "bytes an item: {:.0f} in all; exact {:.1f}, fragment {:.1f}, perceptual {:.1f}, record {:.1f}, archive-entry "
      "{:.1f}, facts {:.1f}\n",
      PerItem(summary, static_cast<double>(summary.written.bytes)), each({kDigests, kImageData, kHeads}),
      each({kFragmentFilter, kFragments}),
      each({kPictureHashes, kPictureFirsts, kPictureRows, kPictureSlots, kPictureDetails}),
      each({kPlateFilter, kPlates, kPairs}), each({kArchiveEntries}), each({kItems}));
  for (std::size_t i = 0; i < summary.profiles.size() && summary.profiles[i].views > 0; ++i) {
    const ProfileSize& profile = summary.profiles[i];
    const auto windows = static_cast<double>(profile.windows), views = static_cast<double>(profile.views);
    const double slots =
        profile.views >= hashset::kSlotsFrom ? static_cast<double>(hashset::PictureSlotsBytes(profile.views)) : 0;
    text += fmt::format(
        "  profile {}: fragment {:.0f} bytes an item ({:.1f} windows a file), perceptual {:.0f} ({:.1f} views a "
        "picture)\n",
        kProfileNames[i], PerItem(summary, windows * kBytesPerWindow), windows / static_cast<double>(summary.files),
        PerItem(summary, views * kViewBytes + slots), views / static_cast<double>(summary.pictures));
  }
  return text;
}

std::string DescribeCollection(const BuiltCollection& collection) {
  const Calibration& calibration = collection.calibration;
  std::string text = fmt::format("collection {}: {} items", collection.name, collection.items);
  if (collection.negative) return text + "; a negative bank: what matches them is subtracted\n";
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
                            calibration.sample < 20 ? ", 20 different ones are needed" : ", they look too much alike");
}

// Which known harmless content explains what: its owner may not have meant that.
std::string DescribeBanks(const BuildSummary& summary) {
  if (summary.negatives == 0) return {};
  std::string text =
      fmt::format("negative banks: {} items; {} registered items and {} windows that they explain left out\n",
                  summary.negatives, summary.harmless, summary.fragments.harmless);
  for (std::size_t i = 0; i < std::min(summary.banks.size(), kBankItemsShown); ++i) {
    const BankHits& bank = summary.banks[i];
    text += fmt::format("  {} of {} explains {} registered items and {} windows", ToHex(bank.id), bank.collection,
                        bank.items.size(), bank.windows);
    for (std::size_t item = 0; item < std::min(bank.items.size(), kBankItemsShown); ++item)
      text += (item == 0 ? ": " : ", ") + ToHex(bank.items[item]);
    text += "\n";
  }
  if (summary.banks.size() > kBankItemsShown)
    text += fmt::format("  and {} more items of banks\n", summary.banks.size() - kBankItemsShown);
  return text;
}

}  // namespace

std::string Describe(const BuildSummary& summary) {
  using enum hashset::SectionKind;
  std::string text = fmt::format("serial {}: {} items, {} expired left out, {} bytes\n", summary.serial, summary.items,
                                 summary.expired, summary.written.bytes);
  if (summary.base_serial != 0) {
    text += fmt::format(
        "a delta to serial {}: {} of its items are new and {} other than there, {} of the base are taken "
        "back; sensors load it beside them\n",
        summary.base_serial, summary.items - summary.changed, summary.changed, summary.removed - summary.changed);
  }
  if (summary.other_key > 0) {
    text += fmt::format(
        "{} records are still under the record key before the rotation and not in this set: build them too with "
        "--earlier-key, or enrol their tables again\n",
        summary.other_key);
  }
  text += DescribeBanks(summary);
  text += fmt::format("exact: {} files and {} bare digests, {} bytes; an untouched copy is always recognised\n",
                      summary.files, summary.digests_only, BytesOf(summary, {kDigests, kImageData, kHeads}));
  if (summary.md5_only > 0) {
    text += fmt::format("md5: {} items are known by MD5 alone, so that sensors compute the MD5 of every object\n",
                        summary.md5_only);
  }
  text += fmt::format("fragment: {} windows ({} shared and {} repeated tell nothing), {} bytes\n{}",
                      summary.written.section_rows[static_cast<std::size_t>(kFragments)], summary.fragments.shared,
                      summary.fragments.repeated, BytesOf(summary, {kFragmentFilter, kFragments}),
                      summary.fragment_trade.Describe());
  text += fmt::format(
      "perceptual: {} pictures, {} views, {} bytes; about 0.97 of re-encoded or resized copies, crops only "
      "as far as views cover them\n",
      summary.pictures, summary.views,
      BytesOf(summary, {kPictureHashes, kPictureFirsts, kPictureRows, kPictureSlots, kPictureDetails}));
  text += fmt::format("record: {} plates, {} with supporting columns, {} bytes; every plate in readable text\n",
                      summary.records, summary.supported_records, BytesOf(summary, {kPlateFilter, kPlates, kPairs}));
  text += fmt::format("archive-entry: {} files, {} bytes; names no file whose archive hides its directory\n",
                      summary.files, BytesOf(summary, {kArchiveEntries}));
  text += DescribeSizes(summary);
  for (const BuiltCollection& collection : summary.collections) text += DescribeCollection(collection);
  return text;
}

}  // namespace spanwatch::enrolment
