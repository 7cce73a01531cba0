#include "register/import_rows.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/hex.h"
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

// `SHA256 (name) = digits`: the name may look like a digest itself.
std::string_view BehindTag(std::string_view line) {
  const std::size_t equals = line.rfind(") = ");
  return equals == std::string_view::npos ? line : line.substr(equals + 4);
}

class LineReader {
 public:
  explicit LineReader(const ImportWish& wish) : wish_(wish) {}

  // Nothing where the line holds no row: empty, a comment, the names of the columns.
  std::optional<ImportRow> Read(std::string_view line, std::uint64_t number) {
    if (line.find_first_not_of(kBlank) == std::string_view::npos || line.starts_with('#')) return std::nullopt;
    if (!begun_) {
      begun_ = true;
      if (ReadHeader(line)) return std::nullopt;
    }
    ImportRow row{.line = number};
    if (is_table_) {
      ReadCells(line, row);
    } else {
      ReadPlain(line, row);
    }
    return row;
  }

 private:
  enum class Column : std::uint8_t { kOther, kSha256, kMd5, kPdq, kQuality, kValue, kType };

  static Column ColumnOf(std::string_view name) {
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

  bool ReadHeader(std::string_view line) {
    for (const char delimiter : {',', ';', '\t'}) {
      if (line.find(delimiter) != std::string_view::npos) {
        delimiter_ = delimiter;
        break;
      }
    }
    for (const std::string& cell : Cells(line)) columns_.push_back(ColumnOf(cell));
    const auto names_digest = [](Column column) {
      return column != Column::kOther && column != Column::kQuality && column != Column::kType;
    };
    is_table_ = std::ranges::any_of(columns_, names_digest);
    return is_table_;
  }

  // RFC 4180, one row a line.
  std::vector<std::string> Cells(std::string_view line) const {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (c == '"') {
        if (quoted && i + 1 < line.size() && line[i + 1] == '"')
          cells.back() += line[++i];
        else
          quoted = !quoted;
      } else if (c == delimiter_ && !quoted) {
        cells.emplace_back();
      } else if (c != '\r') {
        cells.back() += c;
      }
    }
    return cells;
  }

  void ReadCells(std::string_view line, ImportRow& row) const {
    const std::vector<std::string> cells = Cells(line);
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
    const std::string_view text = BehindTag(line);
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
  bool begun_ = false;
  bool is_table_ = false;
  char delimiter_ = ',';
  std::vector<Column> columns_;
};

}  // namespace

Status ReadImportRows(std::istream& list, const ImportWish& wish, const std::function<Status(const ImportRow&)>& row) {
  std::string first;
  std::uint64_t number = 0;
  while (std::getline(list, first)) {
    ++number;
    if (first.starts_with("\xef\xbb\xbf")) first.erase(0, 3);  // byte order mark
    if (first.find_first_not_of(kBlank) != std::string::npos) break;
  }
  const std::size_t begin = first.find_first_not_of(kBlank);
  if (begin != std::string::npos && (first[begin] == '{' || first[begin] == '[')) {
    std::string rest(std::istreambuf_iterator<char>(list), {});
    return ReadJsonRows(first + "\n" + rest, number, wish, row);
  }
  LineReader lines(wish);
  for (bool more = number > 0; more; more = static_cast<bool>(std::getline(list, first)), ++number) {
    const auto read = lines.Read(first, number);
    if (!read) continue;
    if (Status status = row(*read); !status) return status;
  }
  return {};
}

}  // namespace spanwatch::enrolment
