#include "register/import_rows.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/ascii.h"
#include "base/hex.h"
#include "register/csv_rows.h"
#include "register/import_json.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

bool IsHexDigit(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// The first run of exactly so many hexadecimal digits, and what follows it.
std::optional<std::pair<Bytes, std::string_view>> FindDigits(std::string_view text, std::size_t digits) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = static_cast<std::size_t>(std::ranges::find_if_not(text.substr(begin), IsHexDigit) -
                                                     text.substr(begin).begin()) +
                            begin;
    if (end - begin == digits) return std::pair(*FromHex(text.substr(begin, digits)), text.substr(end));
    begin = end + 1;
  }
  return std::nullopt;
}

std::optional<std::uint8_t> Quality(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  unsigned quality = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quality);
  if (error != std::errc() || quality > 100) return std::nullopt;
  return static_cast<std::uint8_t>(quality);
}

// `SHA256 (name) = digits` (BSD) and `SHA2-256(name)= digits` (openssl): the name may look like a digest itself.
struct TaggedLine {
  std::string_view algorithm;  // empty: the line has no tag
  std::string_view digest;
};
TaggedLine SplitTag(std::string_view line) {
  const std::size_t equals = line.rfind("= ");
  const std::size_t open = line.find('(');
  if (equals == std::string_view::npos || open == std::string_view::npos || open > equals) return {{}, line};
  if (!Trim(line.substr(open, equals - open)).ends_with(')')) return {{}, line};
  return {Trim(line.substr(0, open)), line.substr(equals + 2)};
}
bool IsKnownAlgorithm(std::string_view name) {
  return PlainName(name) == "sha2256" || DigestKindOfName(PlainName(name)).has_value();
}

// `A5:EF:1D` and `a5 ef 1d` as one run; empty when the line is anything else.
std::string JoinedPairs(std::string_view line) {
  std::string digits;
  line = Trim(line);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (i % 3 == 2 ? line[i] != ' ' && line[i] != ':' : !IsHexDigit(line[i])) return {};
    if (i % 3 != 2) digits += line[i];
  }
  return digits;
}

class LineReader {
 public:
  explicit LineReader(const ImportWish& wish) : wish_(wish) {}

  // Whether the line names the columns of a table.
  bool TakeHeader(std::string_view line) {
    for (const char delimiter : kCellDelimiters) {
      if (line.find(delimiter) != std::string_view::npos) {
        delimiter_ = delimiter;
        break;
      }
    }
    std::vector<std::string> cells;
    SplitCells(line, {.delimiter = delimiter_}, cells);
    for (const std::string& cell : cells) columns_.push_back(ColumnOf(cell));
    return std::ranges::any_of(columns_, [](Column column) {
      return column != Column::kOther && column != Column::kQuality && column != Column::kType;
    });
  }
  char delimiter() const { return delimiter_; }
  std::size_t columns() const { return columns_.size(); }

  ImportRow ReadTableRow(const CellRow& cells) const {
    ImportRow row{.line = cells.line, .problem = cells.problem};
    ReadCells(cells.cells, row);
    return row;
  }
  ImportRow ReadLine(std::string_view line, std::uint64_t number) const {
    ImportRow row{.line = number};
    ReadPlain(line, row);
    return row;
  }

 private:
  enum class Column : std::uint8_t { kOther, kSha256, kMd5, kPdq, kQuality, kValue, kType };

  static Column ColumnOf(std::string_view name) {
    if (name.contains(':')) return Column::kOther;  // a line of its own: `Algorithm : SHA256`
    const std::string plain = PlainName(name);
    const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
      return std::ranges::find(names, plain) != names.end();
    };
    if (plain.ends_with("quality")) return Column::kQuality;
    if (is_one_of({"type", "signaltype", "indicatortype", "hashtype", "algorithm", "kind"})) return Column::kType;
    if (is_one_of({"hash", "digest", "indicator", "value", "signalvalue", "indicatorvalue", "signal"})) {
      return Column::kValue;
    }
    const auto kind = plain.size() <= 24 ? DigestKindOfName(plain) : std::nullopt;
    if (!kind) return Column::kOther;
    return *kind == DigestKind::kSha256 ? Column::kSha256 : *kind == DigestKind::kMd5 ? Column::kMd5 : Column::kPdq;
  }

  void ReadCells(const std::vector<std::string>& cells, ImportRow& row) const {
    std::optional<DigestKind> typed;
    std::optional<std::uint8_t> quality;
    bool type_named = false;
    for (std::size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
      if (columns_[i] == Column::kQuality) quality = Quality(cells[i]);
      if (columns_[i] == Column::kType) {
        type_named = true;
        typed = DigestKindOfName(PlainName(cells[i]));
      }
    }
    Gathered gathered(wish_);
    for (std::size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) {
      if (columns_[i] == Column::kSha256) gathered.Add(DigestKind::kSha256, cells[i]);
      if (columns_[i] == Column::kMd5) gathered.Add(DigestKind::kMd5, cells[i]);
      if (columns_[i] == Column::kPdq) gathered.Add(DigestKind::kPdq, cells[i], quality);
      if (columns_[i] != Column::kValue) continue;
      if (typed) gathered.Add(*typed, cells[i], quality);
      if (!type_named) gathered.AddUntyped(cells[i], quality);
    }
    gathered.Finish(row);
  }

  void ReadPlain(std::string_view line, ImportRow& row) const {
    const auto [algorithm, digest_text] = SplitTag(line);
    if (!algorithm.empty() && !IsKnownAlgorithm(algorithm)) {
      row.refused = "this is a digest of another algorithm than SHA-256 and MD5";
      return;
    }
    const std::string joined = JoinedPairs(digest_text);
    const std::string_view text = joined.empty() ? digest_text : joined;
    const DigestKind kind = wish_.kind.value_or(DigestKind::kSha256);
    for (const std::size_t digits : {std::size_t{64}, std::size_t{32}}) {
      const bool wanted = !wish_.kind || DigestBytes(*wish_.kind) * 2 == digits;
      const auto found = wanted ? FindDigits(text, digits) : std::nullopt;
      if (!found) continue;
      ListedDigest digest{.kind = digits == 32 ? DigestKind::kMd5 : kind, .value = found->first};
      if (digest.kind == DigestKind::kPdq && found->second.starts_with(',')) digest.quality = Quality(found->second);
      row.digests.push_back(std::move(digest));
      return;
    }
    row.refused = wish_.kind ? fmt::format("no {} hexadecimal digits in this line", DigestBytes(*wish_.kind) * 2)
                             : "neither 64 nor 32 hexadecimal digits in this line";
  }

  const ImportWish& wish_;
  char delimiter_ = ',';
  std::vector<Column> columns_;
};

}  // namespace

namespace {

bool IsRemark(std::string_view line) { return Trim(line).empty() || line.starts_with('#'); }

Status ReadTable(TextLines& lines, const LineReader& reader, const std::function<Status(const ImportRow&)>& row) {
  const auto looks_like_row = [&](const std::vector<std::string>& cells) {
    return cells.size() == reader.columns() && std::ranges::any_of(cells, [](const std::string& cell) {
             return FindDigits(cell, 64) || FindDigits(cell, 32);
           });
  };
  CsvRows rows(lines, reader.delimiter(), looks_like_row);
  CellRow cells;
  while (rows.Next(cells)) {
    if (IsBlankRow(cells.cells) || cells.cells.front().starts_with('#')) continue;
    if (Status status = row(reader.ReadTableRow(cells)); !status) return status;
  }
  return {};
}

}  // namespace

Status ReadImportRows(std::istream& list, const ImportWish& wish, const std::function<Status(const ImportRow&)>& row) {
  constexpr auto kEnd = std::char_traits<char>::eof();
  std::streambuf& buffer = *list.rdbuf();
  std::uint64_t number = 1;
  int c = buffer.sgetc();
  for (; c != kEnd && kBlank.contains(static_cast<char>(c)); c = buffer.snextc()) number += c == '\n' ? 1 : 0;
  if (c == '{' || c == '[') {
    const std::string document(std::istreambuf_iterator<char>(list), {});
    return ReadJsonRows(document, number, wish, row);
  }
  TextLines lines(list, TextLines::kLongestLine, true);
  LineReader reader(wish);
  TextLine line;
  for (bool begun = false; lines.Next(line);) {
    if (IsRemark(line.text)) continue;
    if (!begun && reader.TakeHeader(line.text)) return ReadTable(lines, reader, row);
    begun = true;
    if (Status status = row(reader.ReadLine(line.text, number + line.number - 1)); !status) return status;
  }
  return {};
}

}  // namespace spanwatch::enrolment
