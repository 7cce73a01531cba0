#include "cli/hashset_diff.h"

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/printable.h"
#include "hashset/hashset_diff.h"

namespace spanwatch::cli {
namespace {

using hashset::ItemContent;
using hashset::MappedHashSet;
using nlohmann::ordered_json;

struct Counts {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t changed = 0;
};

std::vector<std::string> MethodsOf(const ItemContent& item) {
  std::vector<std::string> methods;
  for (const Method method : Enumerators<Method>()) {
    if ((item.methods >> static_cast<unsigned>(method) & 1) != 0) methods.emplace_back(ToString(method));
  }
  return methods;
}

std::string_view KindOf(const ItemContent& item) {
  return item.kind == ItemKind::kImage ? "image" : item.kind == ItemKind::kRecord ? "record" : "file";
}

ordered_json SetDocument(const MappedHashSet& set) {
  const hashset::Manifest& manifest = set.manifest();
  ordered_json sections;
  for (std::size_t i = 0; i < hashset::kSectionCount; ++i) {
    sections[std::string(ToString(static_cast<hashset::SectionKind>(i)))] = manifest.sections[i].bytes;
  }
  return {{"name", manifest.name},
          {"serial", manifest.serial},
          {"digest", ToHex(set.digest())},
          {"base_digest", manifest.is_delta() ? ordered_json(ToHex(manifest.base_digest)) : ordered_json()},
          {"profile", manifest.profile},
          {"created", FormatRfc3339(PacketTimeFromNanoseconds(manifest.created))},
          {"signer", ToHex(set.signer())},
          {"record_key_id", ToHex(manifest.record_key_id)},
          {"fragment_seed", manifest.fragment_seed},
          {"items", set.item_count()},
          {"bytes", set.file_bytes()},
          {"section_bytes", sections}};
}

ordered_json ItemDocument(const ItemContent& item) {
  return {{"collection", item.collection},
          {"kind", KindOf(item)},
          {"size", item.size == 0 ? ordered_json() : ordered_json(item.size)},
          {"expires", item.expires == INT64_MAX ? ordered_json()
                                                : ordered_json(FormatRfc3339(PacketTimeFromNanoseconds(item.expires)))},
          {"methods", MethodsOf(item)},
          {"windows", item.windows},
          {"views", item.views}};
}

void PrintLine(const ordered_json& document) {
  std::puts(document.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

void PrintDifferenceJson(const hashset::ItemDifference& difference) {
  ordered_json line{{"change", !difference.before  ? "added"
                               : !difference.after ? "removed"
                                                   : "changed"},
                    {"id", ToHex(difference.id)}};
  if (difference.before) line["before"] = ItemDocument(*difference.before);
  if (difference.after) line["after"] = ItemDocument(*difference.after);
  PrintLine(line);
}

std::string TextOf(const ItemContent& item) {
  return fmt::format(
      "{} {} {} bytes by {}; {} windows, {} views{}", Printable(item.collection), KindOf(item), item.size,
      fmt::join(MethodsOf(item), ","), item.windows, item.views,
      item.expires == INT64_MAX ? "" : ", expires " + FormatRfc3339(PacketTimeFromNanoseconds(item.expires)));
}

void PrintDifferenceText(const hashset::ItemDifference& difference) {
  if (difference.before) fmt::print("- {} {}\n", ToHex(difference.id), TextOf(*difference.before));
  if (difference.after) fmt::print("+ {} {}\n", ToHex(difference.id), TextOf(*difference.after));
}

// What the manifests say, a line for each property that differs.
void PrintSets(const MappedHashSet& before, const MappedHashSet& after) {
  const ordered_json old_set = SetDocument(before), new_set = SetDocument(after);
  for (const auto& [name, value] : old_set.items()) {
    if (value.is_object() || value == new_set[name]) continue;
    fmt::print("{:<14} {} -> {}\n", name, value.dump(), new_set[name].dump());
  }
  for (const auto& [name, bytes] : old_set["section_bytes"].items()) {
    const auto& now = new_set["section_bytes"][name];
    if (bytes != now) fmt::print("section        {}: {} -> {} bytes\n", name, bytes.dump(), now.dump());
  }
}

}  // namespace

void PrintHashSetDiff(const hashset::Family& before, const hashset::Family& after, bool json) {
  const std::vector<hashset::ItemDifference> differences = hashset::DiffHashSets(before, after);
  std::map<std::string_view, Counts> collections;
  Counts all;
  for (const hashset::ItemDifference& difference : differences) {
    const auto& present = difference.after ? *difference.after : *difference.before;
    for (Counts* counts : {&all, &collections[present.collection]}) {
      ++(!difference.before ? counts->added : !difference.after ? counts->removed : counts->changed);
    }
  }
  if (json) {
    PrintLine({{"before", SetDocument(*before.back())},
               {"after", SetDocument(*after.back())},
               {"added", all.added},
               {"removed", all.removed},
               {"changed", all.changed}});
    for (const hashset::ItemDifference& difference : differences) PrintDifferenceJson(difference);
    return;
  }
  PrintSets(*before.back(), *after.back());
  for (const auto& [name, counts] : collections) {
    fmt::print("collection     {}: {} added, {} removed, {} changed\n", name, counts.added, counts.removed,
               counts.changed);
  }
  for (const hashset::ItemDifference& difference : differences) PrintDifferenceText(difference);
  fmt::print("{} items added, {} removed, {} changed\n", all.added, all.removed, all.changed);
}

}  // namespace spanwatch::cli
