#include "fingerprint/markup.h"

#include <algorithm>

#include "base/ascii.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestElement = 24;

// In lower case, without the prefix of a namespace; sorted.
constexpr std::string_view kInline[] = {
    "a",   "abbr", "b",  "bdi",  "bdo",   "big",  "bookmarkend", "bookmarkstart", "cite",     "code",
    "del", "dfn",  "em", "font", "i",     "ins",  "kbd",         "mark",          "prooferr", "q",
    "r",   "rpr",  "s",  "samp", "small", "span", "strike",      "strong",        "sub",      "sup",
    "t",   "tt",   "u",  "var",  "wbr"};
static_assert(std::ranges::is_sorted(kInline));

// The local name of the element whose tag begins at `tag`, in lower case.
std::string NameOf(std::string_view tag) {
  tag.remove_prefix(tag.starts_with("</") ? 2 : 1);
  const std::string_view name = tag.substr(0, std::min(tag.find_first_of(" \t\r\n/>"), kLongestElement));
  const std::size_t prefix = name.find(':');
  return Lower(prefix == std::string_view::npos ? name : name.substr(prefix + 1));
}

}  // namespace

std::size_t EndOfInlineMarkup(std::string_view text, std::size_t at, std::size_t limit) {
  text = text.substr(0, limit);
  while (at < text.size() && text[at] == '<') {
    const std::string_view tag = text.substr(at);
    const bool comment = tag.starts_with("<!--");
    std::size_t end = tag.find(comment ? "-->" : ">");
    if (end == std::string_view::npos) return 0;
    end += comment ? 3 : 1;
    // Most tags end a line or a word.
    if (end == tag.size() || std::string_view(" \t\r\n.,;:").contains(tag[end])) return 0;
    if (!comment) {
      const std::string name = NameOf(tag);
      if (!std::ranges::binary_search(kInline, std::string_view(name))) return 0;
      // The properties of a run are elements of many names.
      if (name == "rpr" && tag[1] != '/' && tag[end - 2] != '/') {
        end = tag.find(":rPr>", end);
        if (end == std::string_view::npos) return 0;
        end += std::string_view(":rPr>").size();
      }
    }
    at += end;
  }
  return at < text.size() ? at : 0;
}

}  // namespace spanwatch::fingerprint
