#include "content/workbook.h"

#include <algorithm>
#include <charconv>

#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr std::string_view kStrings = "xl/sharedStrings.xml";
constexpr std::string_view kSheets = "xl/worksheets/";
constexpr char kReference = '\x02';
constexpr std::size_t kTagBytes = 256;    // of a tag that are looked at
constexpr std::size_t kTextBytes = 4096;  // of one cell or string
constexpr std::size_t kColumns = 1024;
constexpr std::size_t kPiece = 16384;

// The value of an attribute; empty when the tag has none of this name.
std::string_view Attribute(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t value = at + name.size();
    if (at == 0 || tag[at - 1] != ' ' || tag.substr(value, 2) != "=\"") continue;
    return tag.substr(value + 2, tag.find('"', value + 2) - value - 2);
  }
  return {};
}

// Column of a reference like `AB12`, from 0.
std::size_t ColumnOf(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z' || column > kColumns) break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
  }
  return column == 0 ? kColumns : column - 1;
}

}  // namespace

bool Workbook::Open(std::string_view member) {
  part_ = member == kStrings                                        ? Part::kStrings
          : member.starts_with(kSheets) && member.ends_with(".xml") ? Part::kSheet
                                                                    : Part::kNone;
  if (given_up_ || (part_ == Part::kStrings && strings_known_)) part_ = Part::kNone;
  if (part_ == Part::kNone) return false;
  in_tag_ = in_text_ = false;
  tag_.clear();
  text_.clear();
  if (part_ == Part::kSheet) sheets_.push_back({std::string(member), {}});
  return true;
}

void Workbook::Write(ByteView bytes, ObjectNode& archive) {
  if (part_ == Part::kNone) return;
  for (const char c : AsText(bytes)) Take(c);
  if (held() <= archive.limits().content_held_bytes) return;
  archive.ReportHeld();
  *this = Workbook();
  given_up_ = true;
}

void Workbook::Take(char c) {
  if (in_tag_) {
    if (c == '>') {
      in_tag_ = false;
      OnTag(tag_);
      tag_.clear();
    } else if (tag_.size() < kTagBytes) {
      tag_ += c;
    }
  } else if (c == '<') {
    in_tag_ = true;
  } else if (in_text_ && text_.size() < kTextBytes) {
    text_ += c == '\t' || c == '\n' || c == '\r' || c == kReference ? ' ' : c;
  }
}

void Workbook::OnTag(std::string_view tag) {
  const std::string_view name = tag.substr(0, tag.find_first_of(" \r\n\t/", tag.starts_with('/') ? 1 : 0));
  if (part_ == Part::kStrings) {
    // The runs of a rich text are one string; <rPh> is how it is read aloud.
    if (name == "t") in_text_ = !tag.ends_with('/');
    if (name == "/t") in_text_ = false;
    if (name == "/si" || (name == "si" && tag.ends_with('/'))) EndText();
    return;
  }
  std::string& rows = sheets_.back().rows;
  if (name == "c") {
    OnCell(tag);
  } else if (name == "v" || name == "t") {
    in_text_ = !tag.ends_with('/');
  } else if (name == "/v" || name == "/t") {
    in_text_ = false;
  } else if (name == "/c") {
    EndText();
  } else if (name == "/row") {
    rows += '\n';
    ++held_;
    column_ = 0;
  }
}

void Workbook::OnCell(std::string_view tag) {
  const std::string_view type = Attribute(tag, "t");
  cell_ = type == "s" ? Cell::kString : type.empty() || type == "n" ? Cell::kNumber : Cell::kText;
  const std::size_t column = ColumnOf(Attribute(tag, "r"));
  std::string& rows = sheets_.back().rows;
  const std::size_t before = rows.size();
  const bool placed = column < kColumns && column >= column_;
  if (column_ > 0) rows += '\t';
  // Cells that are empty are not in the file.
  if (placed) rows.append(column - column_, '\t');
  column_ = (placed ? column : column_) + 1;
  held_ += rows.size() - before;
}

void Workbook::EndText() {
  if (part_ == Part::kStrings) {
    strings_ += text_;
    string_end_.push_back(strings_.size());
    held_ += text_.size() + sizeof(std::size_t);
  } else {
    std::string& rows = sheets_.back().rows;
    if (cell_ == Cell::kString) rows += kReference;
    rows += text_;
    held_ += text_.size() + 1;
  }
  text_.clear();
}

void Workbook::Close(ObjectNode& archive) {
  if (part_ == Part::kStrings) strings_known_ = true;
  part_ = Part::kNone;
  if (!strings_known_) return;
  Finish(archive);
}

void Workbook::Finish(ObjectNode& archive) {
  for (const Sheet& sheet : sheets_) {
    if (archive.exhausted()) break;
    Give(sheet, archive);
    held_ -= std::min(held_, sheet.rows.size());
  }
  sheets_.clear();
}

void Workbook::Give(const Sheet& sheet, ObjectNode& archive) const {
  if (sheet.rows.empty()) return;
  const auto child = archive.OpenChild({.kind = ObjectKind::kDecoded,
                                        .step = "rows " + sheet.member,
                                        .name = {},
                                        .media_type = "text/tab-separated-values"});
  if (child == nullptr) return;
  std::string piece;
  const auto flush = [&] {
    child->Write(AsBytes(piece));
    piece.clear();
  };
  for (std::size_t at = 0; at < sheet.rows.size() && !archive.exhausted();) {
    const std::size_t reference = std::min(sheet.rows.find(kReference, at), sheet.rows.size());
    piece.append(sheet.rows, at, reference - at);
    at = reference;
    if (at < sheet.rows.size()) {
      std::size_t place = 0;
      const char* const end = sheet.rows.data() + sheet.rows.size();
      const auto [stop, error] = std::from_chars(sheet.rows.data() + at + 1, end, place);
      if (error == std::errc() && place < string_end_.size()) {
        const std::size_t begin = place == 0 ? 0 : string_end_[place - 1];
        piece.append(strings_, begin, string_end_[place] - begin);
      }
      at = error == std::errc() ? static_cast<std::size_t>(stop - sheet.rows.data()) : at + 1;
    }
    if (piece.size() >= kPiece) flush();
  }
  if (!piece.empty()) flush();
  child->End(ObjectEnd::kComplete);
}

}  // namespace spanwatch::content
