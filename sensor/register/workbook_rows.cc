// The worksheets of an Office Open XML workbook (ECMA-376 part 1, section 18) as record_rows.h wants them: through
// libarchive and expat. Numbers stay as the file has them, dates among them as serial numbers: so the sensor reads
// them, too. Texts are held in memory up to a limit, rows are not.
#include <expat.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>

#include "base/ascii.h"
#include "register/record_rows.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;
constexpr std::size_t kColumnsMax = 16'384;       // of Excel
constexpr std::size_t kTextsBytesMax = 1u << 30;  // all shared texts of a workbook

struct FreeParser {
  void operator()(XML_Parser parser) const { ::XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

// Without a namespace's prefix.
std::string_view LocalName(const XML_Char* name) {
  const std::string_view whole = name;
  return whole.substr(whole.rfind(':') + 1);
}
std::string_view AttributeOf(const XML_Char** attributes, std::string_view name) {
  for (; *attributes != nullptr; attributes += 2) {
    if (LocalName(attributes[0]) == name) return attributes[1];
  }
  return {};
}

// One XML member that is parsed piece by piece. No entity is expanded beyond what expat allows, none from outside.
class XmlReader {
 public:
  XmlReader() : parser_(::XML_ParserCreate(nullptr)) {
    ::XML_SetUserData(parser_.get(), this);
    ::XML_SetElementHandler(
        parser_.get(),
        [](void* self, const XML_Char* name, const XML_Char** attributes) {
          static_cast<XmlReader*>(self)->OnBegin(LocalName(name), attributes);
        },
        [](void* self, const XML_Char* name) { static_cast<XmlReader*>(self)->OnEnd(LocalName(name)); });
    ::XML_SetCharacterDataHandler(parser_.get(), [](void* self, const XML_Char* text, int length) {
      static_cast<XmlReader*>(self)->OnText({text, static_cast<std::size_t>(length)});
    });
  }
  virtual ~XmlReader() = default;
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;

  Status Feed(std::string_view piece, bool last) {
    if (::XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), last ? 1 : 0) != XML_STATUS_ERROR) {
      return {};
    }
    if (!refused_.message.empty()) return Fail(refused_);
    return Fail(ErrorCode::kCorrupt, "the workbook's XML is damaged: {}",
                ::XML_ErrorString(::XML_GetErrorCode(parser_.get())));
  }

 protected:
  // Called by a handler: ends the reading with this error.
  void Refuse(Error error) {
    refused_ = std::move(error);
    ::XML_StopParser(parser_.get(), XML_FALSE);
  }
  virtual void OnBegin(std::string_view name, const XML_Char** attributes) = 0;
  virtual void OnEnd(std::string_view name) = 0;
  virtual void OnText(std::string_view text) = 0;

 private:
  Parser parser_;
  Error refused_;
};

// A member of the zip, from which XML is read.
class Member {
 public:
  static Result<Member> Open(const std::string& path, std::string_view name) {
    auto opened = OpenAsArchive(path);
    if (!opened) return Fail(opened.error());
    archive_entry* entry = nullptr;
    while (::archive_read_next_header(opened->get(), &entry) >= ARCHIVE_WARN) {
      if (NameOf(entry) == name) return Member(std::move(*opened));
    }
    return Fail(ErrorCode::kNotFound, "the workbook has no {}", name);
  }
  // False behind the last piece.
  Result<bool> FeedNext(XmlReader& reader) {
    piece_.resize(kPieceBytes);
    const la_ssize_t got = ::archive_read_data(archive_.get(), piece_.data(), piece_.size());
    if (got < 0) return Fail(ErrorCode::kCorrupt, "the workbook cannot be read to its end");
    Status status = reader.Feed(std::string_view(piece_).substr(0, static_cast<std::size_t>(got)), got == 0);
    if (!status) return Fail(status.error());
    return got > 0;
  }
  Status FeedAll(XmlReader& reader) {
    while (true) {
      const auto more = FeedNext(reader);
      if (!more) return Fail(more.error());
      if (!*more) return {};
    }
  }

 private:
  explicit Member(OpenArchive opened) : archive_(std::move(opened)) {}

  OpenArchive archive_;
  std::string piece_;
};

struct SharedText {
  std::string text;
  std::uint32_t runs = 0;  // of different fonts; 0: plain
};

// xl/sharedStrings.xml: the texts; runs of a rich text are one, <rPh> is how it is read aloud.
class SharedStrings final : public XmlReader {
 public:
  std::vector<SharedText> strings;

 protected:
  void OnBegin(std::string_view name, const XML_Char**) override {
    if (name == "si") strings.emplace_back();
    if (name == "r" && !strings.empty()) ++strings.back().runs;
    if (name == "rPh") in_reading_ = true;
    in_text_ = name == "t" && !in_reading_;
  }
  void OnEnd(std::string_view name) override {
    if (name == "t") in_text_ = false;
    if (name == "rPh") in_reading_ = false;
  }
  void OnText(std::string_view text) override {
    if (!in_text_ || strings.empty()) return;
    strings.back().text += text;
    bytes_ += text.size();
    if (bytes_ > kTextsBytesMax) {
      Refuse({ErrorCode::kLimit,
              fmt::format("its texts take more than {} bytes; export the worksheet as CSV", kTextsBytesMax)});
    }
  }

 private:
  std::size_t bytes_ = 0;
  bool in_text_ = false;
  bool in_reading_ = false;
};

struct SheetName {
  std::string name;
  std::string relation;
  std::string member;
};

// xl/workbook.xml and its relations: the worksheets in order.
class SheetNames final : public XmlReader {
 public:
  explicit SheetNames(std::vector<SheetName>& sheets) : sheets_(sheets) {}

 protected:
  void OnBegin(std::string_view name, const XML_Char** attributes) override {
    if (name == "sheet") {
      for (const XML_Char** a = attributes; *a != nullptr; a += 2) {
        if (std::string_view(a[0]).ends_with(":id")) relation_ = a[1];
      }
      sheets_.push_back({std::string(AttributeOf(attributes, "name")), relation_, {}});
    } else if (name == "Relationship") {
      for (SheetName& sheet : sheets_) {
        if (sheet.relation != AttributeOf(attributes, "Id")) continue;
        const std::string_view target = AttributeOf(attributes, "Target");
        sheet.member = target.starts_with('/') ? std::string(target.substr(1)) : "xl/" + std::string(target);
      }
    }
  }
  void OnEnd(std::string_view) override {}
  void OnText(std::string_view) override {}

 private:
  std::vector<SheetName>& sheets_;
  std::string relation_;
};

// xl/styles.xml: which formats of cells show a number as a date (ECMA-376 part 1, 18.8.30).
class DateStyles final : public XmlReader {
 public:
  bool IsDate(std::size_t style) const { return style < styles_.size() && styles_[style]; }

 protected:
  void OnBegin(std::string_view name, const XML_Char** attributes) override {
    if (name == "cellXfs") in_styles_ = true;
    if (name != "numFmt" && (name != "xf" || !in_styles_)) return;
    std::size_t number = 0;
    const std::string_view digits = AttributeOf(attributes, "numFmtId");
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (name == "numFmt") {
      if (ShowsDate(AttributeOf(attributes, "formatCode"))) formats_.push_back(number);
    } else {
      const bool built_in = (number >= 14 && number <= 22) || (number >= 27 && number <= 36) ||
                            (number >= 45 && number <= 47) || (number >= 50 && number <= 58);
      styles_.push_back(built_in || std::ranges::find(formats_, number) != formats_.end());
    }
  }
  void OnEnd(std::string_view name) override {
    if (name == "cellXfs") in_styles_ = false;
  }
  void OnText(std::string_view) override {}

 private:
  // Without what is quoted, escaped or in brackets ([Red], [$-409]).
  static bool ShowsDate(std::string_view code) {
    char until = '\0';
    for (std::size_t i = 0; i < code.size(); ++i) {
      const char c = code[i];
      if (until != '\0') {
        if (c == until) until = '\0';
      } else if (c == '"' || c == '[') {
        until = c == '"' ? '"' : ']';
      } else if (c == '\\' || c == '_') {
        ++i;
      } else if (std::string_view("yYdD").contains(c) || Lower(code.substr(i, 2)) == "mm") {
        return true;
      }
    }
    return false;
  }

  std::vector<std::size_t> formats_;
  std::vector<bool> styles_;
  bool in_styles_ = false;
};

struct SheetRow {
  CellRow row;
  std::vector<std::size_t> dates;  // columns that a format shows as dates
  std::vector<std::size_t> runs;   // columns whose text has several fonts
};

// One worksheet: its rows wait until they are taken.
class SheetReader final : public XmlReader {
 public:
  SheetReader(const std::vector<SharedText>& strings, const DateStyles& styles) : strings_(strings), styles_(styles) {}
  std::deque<SheetRow> rows;

 protected:
  void OnBegin(std::string_view name, const XML_Char** attributes) override {
    if (name == "row") {
      const std::string_view number = AttributeOf(attributes, "r");
      if (std::from_chars(number.data(), number.data() + number.size(), row_).ec != std::errc()) ++row_;
      rows.push_back({.row = {.line = row_}, .dates = {}, .runs = {}});
      column_ = 0;
    } else if (name == "c") {
      const std::string_view reference = AttributeOf(attributes, "r");
      if (!reference.empty()) column_ = ColumnOf(reference);
      type_ = AttributeOf(attributes, "t");
      const std::string_view style = AttributeOf(attributes, "s");
      style_ = 0;
      std::from_chars(style.data(), style.data() + style.size(), style_);
      value_.clear();
      formula_ = false;
      runs_ = 0;
    } else if (name == "r") {
      ++runs_;
    } else if (name == "f") {
      formula_ = true;
    } else if (name == "rPh") {
      in_reading_ = true;
    }
    in_value_ = name == "v" || (name == "t" && !in_reading_);
  }
  void OnEnd(std::string_view name) override {
    if (name == "v" || name == "t") in_value_ = false;
    if (name == "rPh") in_reading_ = false;
    if (name == "c") EndCell();
  }
  void OnText(std::string_view text) override {
    if (in_value_) value_ += text;
    if (value_.size() > TextLines::kLongestLine) {
      Refuse(
          {ErrorCode::kLimit, fmt::format("row {} has a cell of more than {} bytes", row_, TextLines::kLongestLine)});
    }
  }

 private:
  static std::size_t ColumnOf(std::string_view reference) {
    std::size_t column = 0;
    for (const char c : reference) {
      if (c < 'A' || c > 'Z' || column > kColumnsMax) break;
      column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
    }
    return column == 0 ? 0 : column - 1;
  }
  void EndCell() {
    if (rows.empty() || column_ >= kColumnsMax) return;
    std::vector<std::string>& cells = rows.back().row.cells;
    cells.resize(std::max(cells.size(), column_ + 1));
    if (type_ == "s") {
      std::size_t place = 0;
      const auto [end, error] = std::from_chars(value_.data(), value_.data() + value_.size(), place);
      const bool known = error == std::errc() && place < strings_.size();
      value_ = known ? strings_[place].text : std::string();
      runs_ = known ? strings_[place].runs : 0;
    } else if (type_ == "b") {
      value_ = value_ == "1" ? "TRUE" : "FALSE";
    } else if (value_.empty() && formula_) {
      value_ = "=";  // a formula whose value was never computed
    }
    const bool number = type_.empty() || type_ == "n";
    if (!value_.empty() && (type_ == "d" || (number && styles_.IsDate(style_)))) rows.back().dates.push_back(column_);
    if (runs_ > 1) rows.back().runs.push_back(column_);
    cells[column_++] = value_;
  }

  const std::vector<SharedText>& strings_;
  const DateStyles& styles_;
  std::size_t style_ = 0;
  std::size_t runs_ = 0;
  std::uint64_t row_ = 0;
  std::size_t column_ = 0;
  std::string type_;
  std::string value_;
  bool formula_ = false;
  bool in_value_ = false;
  bool in_reading_ = false;
};

class WorkbookRows final : public RecordRows {
 public:
  WorkbookRows(std::string path, const RowsWish& wish) : path_(std::move(path)), wish_(wish) {}

  Status ReadParts() {
    SheetNames names(sheets_);
    auto workbook = Member::Open(path_, "xl/workbook.xml");
    if (!workbook) return Fail(workbook.error());
    if (Status status = workbook->FeedAll(names); !status) return status;
    SheetNames relations(sheets_);
    auto related = Member::Open(path_, "xl/_rels/workbook.xml.rels");
    if (!related) return Fail(related.error());
    if (Status status = related->FeedAll(relations); !status) return status;
    if (auto shared = Member::Open(path_, "xl/sharedStrings.xml")) {
      SharedStrings reader;
      if (Status status = shared->FeedAll(reader); !status) return status;
      strings_ = std::move(reader.strings);
    }
    if (auto styles = Member::Open(path_, "xl/styles.xml")) {
      if (Status status = styles->FeedAll(styles_); !status) return status;
    }
    if (sheets_.empty()) return Fail(ErrorCode::kInvalid, "the workbook has no worksheet");
    return {};
  }

  Result<bool> Next(WantedRow& row) override {
    while (true) {
      if (!reader_) {
        if (sheet_ == sheets_.size()) return false;
        if (Status status = OpenSheet(); !status) return Fail(status.error());
      }
      SheetRow cells;
      auto more = NextCells(cells);
      if (!more) return Fail(more.error().In(Place()));
      if (*more && !TakeRow(cells, row)) continue;
      if (*more) return true;
      const bool without = header_.empty() && any_;
      reader_.reset();
      ++sheet_;
      if (!without) continue;
      row = {.line = 1, .place = sheets_[sheet_ - 1].name, .cells = {}, .problem = missing_.message};
      return true;
    }
  }

 private:
  std::string Place() const { return fmt::format("worksheet '{}'", sheets_[sheet_].name); }
  Status OpenSheet() {
    header_.clear();
    any_ = false;
    missing_ = {};
    auto member = Member::Open(path_, sheets_[sheet_].member);
    if (!member) return Fail(member.error().In(Place()));
    member_.emplace(std::move(*member));
    reader_ = std::make_unique<SheetReader>(strings_, styles_);
    ended_ = false;
    return {};
  }
  Result<bool> NextCells(SheetRow& cells) {
    // The last row is complete when the next begins, or at the end.
    while (reader_->rows.size() < 2 && !ended_) {
      const auto more = member_->FeedNext(*reader_);
      if (!more) return more;
      ended_ = !*more;
    }
    if (reader_->rows.empty()) return false;
    cells = std::move(reader_->rows.front());
    reader_->rows.pop_front();
    return true;
  }
  // False: the row is blank, a title or the header.
  bool TakeRow(const SheetRow& sheet_row, WantedRow& row) {
    const CellRow& cells = sheet_row.row;
    if (IsBlankRow(cells.cells)) return false;
    any_ = true;
    if (header_.empty()) {
      auto columns = FindColumns(cells.cells, wish_);
      if (!columns) {
        if (missing_.message.empty()) missing_ = columns.error();
        return false;
      }
      header_ = cells.cells;
      columns_ = std::move(*columns);
      return false;
    }
    TakeCells(cells, header_, columns_, row);
    row.place = sheets_[sheet_].name;
    // The cells of a workbook stand in its XML without the names of their columns.
    row.text = fmt::format("<t>{}</t>\n", row.cells.front());
    if (IsHeaderAgain(row, wish_)) return false;
    const auto is_plate = [&](std::size_t column) { return column == columns_.front(); };
    if (std::ranges::any_of(sheet_row.dates, is_plate)) {
      row.problem = "a spreadsheet has made a date of the plate; not registered";
      row.cells.clear();
    } else if (std::ranges::any_of(sheet_row.runs, is_plate)) {
      row.problem = "the plate is written in several fonts; it is registered, but not found in this workbook";
    }
    return true;
  }

  std::string path_;
  RowsWish wish_;
  std::vector<SheetName> sheets_;
  std::vector<SharedText> strings_;
  DateStyles styles_;
  std::size_t sheet_ = 0;
  std::optional<Member> member_;
  std::unique_ptr<SheetReader> reader_;
  bool ended_ = false;
  bool any_ = false;
  Error missing_;
  std::vector<std::string> header_;
  std::vector<std::size_t> columns_;
};

}  // namespace

Result<std::unique_ptr<RecordRows>> OpenWorkbookRows(const std::string& path, const RowsWish& wish) {
  auto rows = std::make_unique<WorkbookRows>(path, wish);
  if (Status status = rows->ReadParts(); !status) return Fail(status.error());
  return rows;
}

}  // namespace spanwatch::enrolment
