#include "register/import_json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/hex.h"

namespace spanwatch::enrolment {
namespace {

using nlohmann::json;

constexpr std::size_t kDepthMax = 64;

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// STIX 2.1 section 9: comparisons `file:hashes.'SHA-256' = '...'` and `... IN ('...', '...')`; what is negated is none.
// Each observation in brackets is a file of its own.
class StixPattern {
 public:
  explicit StixPattern(std::string_view pattern) : rest_(pattern) {}

  // The next comparison of an observation; false at its end.
  bool Next(DigestKind& kind, std::vector<std::string>& values) {
    static constexpr std::string_view kPath = "file:hashes.";
    while (true) {
      const std::size_t end = rest_.find(']');
      const std::size_t at = rest_.find(kPath);
      if (at == std::string_view::npos || at > end) {
        rest_.remove_prefix(std::min(end == std::string_view::npos ? rest_.size() : end + 1, rest_.size()));
        return false;
      }
      const bool negated = EndsWithNot(rest_.substr(0, at));
      rest_.remove_prefix(at + kPath.size());
      const auto named = DigestKindOfName(PlainName(TakeName()));
      values = TakeValues();
      if (!named || negated || values.empty()) continue;
      kind = *named;
      return true;
    }
  }
  bool done() const { return rest_.empty(); }

 private:
  static bool EndsWithNot(std::string_view before) {
    const std::size_t last = before.find_last_not_of(" (");
    return last != std::string_view::npos && last >= 2 && before.substr(last - 2, 3) == "NOT";
  }
  void SkipSpaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  std::string_view TakeName() {
    const char quote = rest_.empty() ? '\0' : rest_.front();
    const bool quoted = quote == '\'' || quote == '"';
    if (quoted) rest_.remove_prefix(1);
    const std::size_t end = std::min(quoted ? rest_.find(quote) : rest_.find_first_of(" =!<>"), rest_.size());
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + (quoted ? 1 : 0), rest_.size()));
    return name;
  }
  std::vector<std::string> TakeValues() {
    SkipSpaces();
    const bool one = rest_.starts_with('=');
    if (!one && !rest_.starts_with("IN")) return {};
    rest_.remove_prefix(one ? 1 : 2);
    std::vector<std::string> values;
    do {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n(,"), rest_.size()));
      if (!rest_.starts_with('\'')) break;
      const std::size_t end = rest_.find('\'', 1);
      if (end == std::string_view::npos) break;
      values.emplace_back(rest_.substr(1, end - 1));
      rest_.remove_prefix(end + 1);
      SkipSpaces();
    } while (!one && rest_.starts_with(','));
    return values;
  }

  std::string_view rest_;
};

// One row from one object; nothing when it is none.
class ObjectReader {
 public:
  explicit ObjectReader(const ImportWish& wish) : wish_(wish) {}

  std::optional<ImportRow> Read(const json& object, std::uint64_t line) {
    ImportRow row{.line = line};
    const std::string type = Text(object, "type");
    if (type == "indicator" && object.contains("pattern")) {
      ReadIndicator(object, row);
    } else if (const auto hashes = object.find("hashes");
               type == "file" && hashes != object.end() && hashes->is_object()) {
      ReadNamed(*hashes, row);
    } else if (object.contains("spec_version") || IsOtherAttribute(object)) {
      return std::nullopt;
    } else {
      ReadSignal(object, row);
    }
    return row;
  }

 private:
  // Of a MISP event: an address, a domain, anything but a digest.
  static bool IsOtherAttribute(const json& object) {
    if (!object.contains("to_ids") || !object.contains("category")) return false;
    const std::string type = PlainName(Text(object, "type"));
    return std::ranges::none_of(std::array{"sha", "md5", "hash", "deep", "tlsh", "pdq"},
                                [&](std::string_view kind) { return type.contains(kind); });
  }

  void ReadIndicator(const json& object, ImportRow& row) const {
    const std::string from = Text(object, "valid_from"), until = Text(object, "valid_until");
    const auto begins = ParseRfc3339(from), ends = ParseRfc3339(until);
    if (begins && *begins > wish_.now) {
      row.refused = fmt::format("this indicator is valid only from {}; import it again then", from);
      return;
    }
    row.may_end = true;
    row.revoked = object.value("revoked", json(false)) == json(true);
    if (ends) row.expires = *ends;
    if (!ends && !until.empty()) row.problem = "its valid_until is no time (RFC 3339); registered without an end";
    ReadPattern(Text(object, "pattern"), row);
    if (row.digests.empty() && row.refused.empty())
      row.refused = "its pattern names no digest of a file that is known here";
    if (!row.digests.empty()) row.refused.clear();
  }

  void ReadPattern(const std::string& text, ImportRow& row) const {
    StixPattern pattern(text);
    while (!pattern.done()) {
      Gathered gathered(wish_);
      DigestKind kind{};
      std::vector<std::string> values;
      bool any = false;
      while (pattern.Next(kind, values)) {
        any = true;
        for (const std::string& value : values) gathered.Add(kind, value);
      }
      if (any) gathered.Finish(row);
    }
  }

  // An object of names and digests.
  void ReadNamed(const json& names, ImportRow& row) const {
    Gathered gathered(wish_);
    for (const auto& [name, value] : names.items()) {
      const auto kind = DigestKindOfName(PlainName(name));
      if (kind && value.is_string()) gathered.Add(*kind, value.get<std::string>());
    }
    gathered.Finish(row);
  }

  void ReadSignal(const json& object, ImportRow& row) const {
    // ThreatExchange gives the indicator in place, or as an object of its own.
    const auto inner = object.find("indicator");
    const json& told = inner != object.end() && inner->is_object() ? *inner : object;
    for (const char* key : {"signals", "hashes", "attributes"}) {
      const auto digests = object.find(key);
      if (digests != object.end() && digests->is_object()) return ReadNamed(*digests, row);
    }
    std::string type;
    std::string value;
    for (const char* key : {"type", "signal_type", "indicator_type", "algorithm", "Algorithm"}) {
      if (type.empty()) type = Text(told, key);
    }
    for (const char* key :
         {"indicator", "raw_indicator", "signal_value", "signal_val", "signal_hash", "hash", "Hash", "value"}) {
      if (value.empty()) value = Text(told, key);
    }
    if (value.empty()) return ReadNamed(object, row);
    Gathered gathered(wish_);
    if (object.value("deleted", json(false)) == json(true)) {
      gathered.Refuse("this attribute was deleted");
    } else if (const auto kind = DigestKindOfName(PlainName(type))) {
      gathered.Add(*kind, value);
    } else if (type.empty()) {
      gathered.AddUntyped(value);
    } else {
      gathered.Refuse(fmt::format("type {} is none of SHA-256, MD5 and PDQ", type.substr(0, 40)));
    }
    gathered.Finish(row);
  }

  const ImportWish& wish_;
};

// The pieces of a document that are objects in an array, in an array of an object, or by themselves, and their lines;
// so that a long list is never one tree in memory, and each row has a line.
class ObjectPieces {
 public:
  ObjectPieces(std::string_view document, std::uint64_t line) : document_(document), line_(line) {}

  // Nothing at the end; an empty piece when the document cannot be followed any further.
  std::optional<std::string_view> Next() {
    for (; at_ < document_.size(); ++at_) {
      const char c = document_[at_];
      if (c == '\n') ++line_;
      if (in_text_) {
        if (c == '\\') ++at_;
        if (c != '"') continue;
        in_text_ = false;
        if (open_ == "[" || (open_ == "{[" && listed_)) return EndText();
      } else if (c == '"') {
        in_text_ = true;
        if (open_.ends_with('{')) name_begin_ = at_ + 1;
        text_begin_ = at_;
      } else if (c == '{' || c == '[') {
        if (open_.size() == kDepthMax) return std::string_view();
        if (open_ == "{") listed_ = IsListName();
        if (c == '[' && open_.ends_with('{') && IsName("Attribute")) attributes_depth_ = open_.size() + 1;
        open_ += c;
        if (c == '{') Begin();
      } else if (c == '}' || c == ']') {
        if (open_.empty()) return std::string_view();
        const std::size_t depth = open_.size();
        if (depth == attributes_depth_) attributes_depth_ = 0;
        open_.pop_back();
        if (c == '}' && depth == piece_depth_) {
          piece_depth_ = 0;
          ++at_;
          return document_.substr(piece_begin_, at_ - piece_begin_);
        }
      }
    }
    return std::nullopt;
  }
  std::uint64_t line() const { return piece_line_; }
  bool whole() const { return open_.empty() && !in_text_; }

 private:
  // The array that begins here is the list itself, and not some property of a row: STIX, Graph API and what is usual.
  bool IsListName() const {
    constexpr std::array kLists = {"objects", "data",     "results", "items", "indicators", "hashes",
                                   "sha256",  "contents", "files",   "list",  "value",      "md5"};
    return std::ranges::any_of(kLists, [&](std::string_view list) { return IsName(list); });
  }
  bool IsName(std::string_view name) const {
    const std::string_view last = document_.substr(name_begin_);
    return last.starts_with(name) && last.substr(name.size()).starts_with('"');
  }
  // A bare digest in a list.
  std::string_view EndText() {
    piece_depth_ = 0;
    piece_line_ = line_;
    ++at_;
    return document_.substr(text_begin_, at_ - text_begin_);
  }
  // An outer object is a piece itself unless it proves to hold a list.
  void Begin() {
    // MISP: the attributes of an event, or of an object in it, are rows of their own.
    const bool attribute = attributes_depth_ != 0 && open_.size() == attributes_depth_ + 1;
    const bool in_list = open_ == "{[{" && listed_;
    const bool row = open_ == "{" || open_ == "[{" || in_list;
    if (!attribute && (!row || piece_depth_ > 1 || (piece_depth_ == 1 && !in_list))) return;
    piece_depth_ = open_.size();
    piece_begin_ = at_;
    piece_line_ = line_;
  }

  std::string_view document_;
  std::size_t at_ = 0;
  std::uint64_t line_;
  bool in_text_ = false;
  std::string open_;                  // the brackets that are
  std::size_t name_begin_ = 0;        // of the last string directly in an object
  std::size_t text_begin_ = 0;        // of the last string, with its quote
  std::size_t attributes_depth_ = 0;  // of the brackets of MISP's attributes; 0: outside
  bool listed_ = false;
  std::size_t piece_depth_ = 0;
  std::size_t piece_begin_ = 0;
  std::uint64_t piece_line_ = 0;
};

// The latest version of each indicator that is there more than once (STIX 2.1, section 3.6). What says no time has no
// version.
class StixVersions {
 public:
  explicit StixVersions(std::string_view document) {
    if (!document.contains("\"indicator\"") || !document.contains("\"modified\"")) return;
    ObjectPieces pieces(document, 1);
    while (const auto piece = pieces.Next()) {
      if (piece->empty()) return;
      const json object = json::parse(*piece, nullptr, false);
      const auto modified = ModifiedOf(object);
      if (!modified) continue;
      const auto [known, is_new] = latest_.try_emplace(Text(object, "id"), *modified);
      if (!is_new) known->second = std::max(known->second, *modified);
    }
  }
  bool IsSuperseded(const json& object) const {
    const auto modified = ModifiedOf(object);
    const auto known = modified ? latest_.find(Text(object, "id")) : latest_.end();
    return known != latest_.end() && *modified < known->second;
  }

 private:
  static std::optional<PacketTime> ModifiedOf(const json& object) {
    if (!object.is_object() || Text(object, "type") != "indicator") return std::nullopt;
    const auto modified = ParseRfc3339(Text(object, "modified"));
    return modified ? std::optional(*modified) : std::nullopt;
  }

  std::map<std::string, PacketTime> latest_;
};

}  // namespace

std::string PlainName(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) plain += static_cast<char>(std::tolower(byte));
  }
  return plain;
}

std::optional<DigestKind> DigestKindOfName(std::string_view plain) {
  if (plain.ends_with("sha256") || plain.starts_with("sha256")) return DigestKind::kSha256;
  if (plain.ends_with("md5") || plain.starts_with("md5")) return DigestKind::kMd5;
  if (plain.ends_with("pdq") || plain == "pdqhash") return DigestKind::kPdq;
  return std::nullopt;
}

void Gathered::Add(DigestKind kind, std::string_view digits, std::optional<std::uint8_t> quality) {
  digits = Trim(digits.substr(digits.rfind('|') + 1));  // MISP: name|digest
  if (digits.empty()) return;
  auto value = FromHex(digits);
  if (!value || value->size() != DigestBytes(kind)) {
    refused_ = fmt::format("'{}' is not {} hexadecimal digits", digits.substr(0, 80), DigestBytes(kind) * 2);
  } else if (wish_.kind && *wish_.kind != kind) {
    if (refused_.empty()) refused_ = "holds another kind of digest than was asked for";
  } else {
    digests_.push_back({kind, std::move(*value), quality});
  }
}

void Gathered::AddUntyped(std::string_view digits, std::optional<std::uint8_t> quality) {
  const auto longer = std::ranges::count_if(digits, [](unsigned char c) { return std::isxdigit(c) != 0; }) > 32;
  Add(wish_.kind.value_or(longer ? DigestKind::kSha256 : DigestKind::kMd5), digits, quality);
}

void Gathered::Finish(ImportRow& row) {
  const bool strong = std::ranges::find(digests_, DigestKind::kSha256, &ListedDigest::kind) != digests_.end();
  for (ListedDigest& digest : digests_) {
    if (!strong || digest.kind != DigestKind::kMd5) row.digests.push_back(std::move(digest));
  }
  if (!row.digests.empty()) return;
  row.refused = refused_.empty() ? "no SHA-256, MD5 or PDQ in this row" : refused_;
}

Status ReadJsonRows(std::string_view document, std::uint64_t line, const ImportWish& wish,
                    const std::function<Status(const ImportRow&)>& row) {
  const StixVersions versions(document);
  ObjectPieces pieces(document, line);
  ObjectReader reader(wish);
  while (const auto piece = pieces.Next()) {
    if (piece->empty()) break;
    const json object = json::parse(*piece, nullptr, false);
    std::optional<ImportRow> read;
    if (versions.IsSuperseded(object)) continue;
    if (object.is_object()) {
      read = reader.Read(object, pieces.line());
    } else if (object.is_string()) {
      read = ImportRow{.line = pieces.line()};
      Gathered gathered(wish);
      gathered.AddUntyped(object.get<std::string>());
      gathered.Finish(*read);
    } else {
      read = ImportRow{.line = pieces.line(), .refused = "this is no JSON object"};
    }
    if (!read) continue;
    if (Status status = row(*read); !status) return status;
  }
  if (pieces.whole()) return {};
  return Fail(ErrorCode::kInvalid, "the JSON document breaks off or does not close; what stood before was taken");
}

}  // namespace spanwatch::enrolment
