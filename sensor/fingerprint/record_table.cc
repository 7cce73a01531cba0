#include "fingerprint/record_table.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "fingerprint/plate_normaliser.h"
#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_value.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestRow = std::size_t{1} << 20;
constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// RFC 4180: a quote opens at the beginning of a cell, and a doubled one inside is a quote.
std::vector<std::string> SplitCells(std::string_view text, char delimiter) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cells.back() += text[++i];
    } else if (c == '"' && (quoted || cells.back().empty())) {
      quoted = !quoted;
    } else if (c == delimiter && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

// The value of a column in a JSON object, as text; `a.b` goes into a nested object.
std::string JsonText(const nlohmann::json& object, std::string_view column) {
  const nlohmann::json* value = &object;
  while (value->is_object()) {
    const auto whole = value->find(std::string(column));
    if (whole != value->end()) {
      value = &*whole;
      break;
    }
    const std::size_t dot = column.find('.');
    const auto outer = value->find(std::string(column.substr(0, dot)));
    if (dot == std::string_view::npos || outer == value->end()) return {};
    value = &*outer;
    column.remove_prefix(dot + 1);
  }
  if (value->is_string()) return value->get<std::string>();
  return value->is_number() ? value->dump() : std::string();
}

}  // namespace

std::vector<RecordFingerprint> FingerprintRecord(const RecordTagger& tagger, std::string_view plate,
                                                 const std::vector<std::string>& support) {
  std::vector<std::uint64_t> value_tags;
  for (const std::string& text : support) {
    const RecordValue value = NormaliseValue(text);
    if (!value.empty()) value_tags.push_back(tagger.Tag(value.text()));
  }
  std::vector<RecordFingerprint> fingerprints;
  for (const std::string& variant : PlateVariants(plate)) {
    RecordFingerprint record;
    record.plate_tag = tagger.Tag(variant);
    record.folded_tag = tagger.Tag(FoldPlate(variant));
    record.shape = *PlateShape(variant);
    for (const std::uint64_t value : value_tags) {
      record.pair_tags.push_back(tagger.PairTag(record.plate_tag, value));
      // A reader's O for 0 must not part a plate from its values.
      if (record.folded_tag != record.plate_tag) record.pair_tags.push_back(tagger.PairTag(record.folded_tag, value));
    }
    fingerprints.push_back(std::move(record));
  }
  return fingerprints;
}

struct RecordTableReader::State {
  std::istream* input = nullptr;
  const RecordTagger* tagger = nullptr;
  RecordTableOptions options;
  bool json = false;
  char delimiter = ',';
  std::size_t plate_column = 0;
  std::vector<std::size_t> support_columns;
  std::optional<std::string> held;  // a JSON line that was read to tell the form
  std::uint64_t line = 0;           // where the row under way begins
  std::uint64_t next_line = 1;
  std::uint64_t rows = 0;
  std::uint64_t without_plate = 0;

  Result<bool> ReadLine(std::string& text);
  Result<bool> ReadCells(std::vector<std::string>& cells);
  Status ReadHeader(std::string_view first);
  Result<std::size_t> Column(const std::vector<std::string>& cells, std::string_view name) const;
  Result<bool> ReadRow(std::string& plate, std::vector<std::string>& support);
};

// One line, or more while a quote is open; without its end. False at the end of the input.
Result<bool> RecordTableReader::State::ReadLine(std::string& text) {
  text.clear();
  line = next_line;
  bool quoted = false;
  std::streambuf& buffer = *input->rdbuf();
  for (int c = buffer.sbumpc(); c != std::char_traits<char>::eof(); c = buffer.sbumpc()) {
    if (c == '"' && !json) quoted = !quoted;
    if (c == '\n') ++next_line;
    if (c == '\n' && !quoted) {
      if (text.ends_with('\r')) text.pop_back();
      return true;
    }
    if (text.size() == kLongestRow) {
      return Fail(ErrorCode::kLimit, "line {}: the row is longer than {} bytes; is a quote left open?", line,
                  kLongestRow);
    }
    text += static_cast<char>(c);
  }
  if (input->bad()) return Fail(ErrorCode::kIo, "line {}: reading failed", line);
  return !text.empty();
}

Result<bool> RecordTableReader::State::ReadCells(std::vector<std::string>& cells) {
  std::string text;
  auto more = ReadLine(text);
  if (!more || !*more) return more;
  cells = SplitCells(text, delimiter);
  return true;
}

Result<std::size_t> RecordTableReader::State::Column(const std::vector<std::string>& cells,
                                                     std::string_view name) const {
  const auto found = std::ranges::find_if(
      cells, [&](const std::string& cell) { return EqualsIgnoringCase(Trim(cell, kBlank), name); });
  if (found != cells.end()) return static_cast<std::size_t>(found - cells.begin());
  return Fail(ErrorCode::kNotFound, "no column \"{}\" in the header; it has: {}", name, fmt::join(cells, ", "));
}

Status RecordTableReader::State::ReadHeader(std::string_view first) {
  constexpr std::array<char, 4> kDelimiters{',', '\t', ';', '|'};
  delimiter = *std::ranges::max_element(kDelimiters, {}, [&](char c) { return std::ranges::count(first, c); });
  const std::vector<std::string> cells = SplitCells(first, delimiter);
  const auto plate = Column(cells, options.plate_column);
  if (!plate) return Fail(plate.error());
  plate_column = *plate;
  for (const std::string& name : options.support_columns) {
    const auto column = Column(cells, name);
    if (!column) return Fail(column.error());
    support_columns.push_back(*column);
  }
  return {};
}

// Plate and supporting values of the next row; false at the end.
Result<bool> RecordTableReader::State::ReadRow(std::string& plate, std::vector<std::string>& support) {
  support.clear();
  if (!json) {
    std::vector<std::string> cells;
    const auto more = ReadCells(cells);
    if (!more || !*more) return more;
    const auto cell = [&](std::size_t column) { return column < cells.size() ? cells[column] : std::string(); };
    plate = cell(plate_column);
    for (const std::size_t column : support_columns) support.push_back(cell(column));
    return true;
  }
  std::string text;
  if (held) {
    text = std::move(*held);
    held.reset();
  } else {
    const auto more = ReadLine(text);
    if (!more || !*more) return more;
  }
  plate.clear();
  if (Trim(text, kBlank).empty()) return true;
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return Fail(ErrorCode::kInvalid, "line {}: not a JSON object", line);
  plate = JsonText(object, options.plate_column);
  for (const std::string& column : options.support_columns) support.push_back(JsonText(object, column));
  return true;
}

RecordTableReader::RecordTableReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordTableReader::~RecordTableReader() = default;
RecordTableReader::RecordTableReader(RecordTableReader&&) noexcept = default;
RecordTableReader& RecordTableReader::operator=(RecordTableReader&&) noexcept = default;

Result<RecordTableReader> RecordTableReader::Open(std::istream& input, RecordTableOptions options,
                                                  const RecordTagger& tagger) {
  auto state = std::make_unique<State>();
  state->input = &input;
  state->tagger = &tagger;
  state->options = std::move(options);
  std::string first;
  const auto more = state->ReadLine(first);
  if (!more) return Fail(more.error());
  if (!*more) return Fail(ErrorCode::kInvalid, "no header: the file is empty");
  if (first.starts_with(kByteOrderMark)) first.erase(0, kByteOrderMark.size());
  if (Trim(first, kBlank).starts_with('{')) {
    state->json = true;
    state->held = std::move(first);
  } else if (const auto header = state->ReadHeader(first); !header) {
    return Fail(header.error());
  }
  return RecordTableReader(std::move(state));
}

Result<bool> RecordTableReader::Next(RecordRow& row) {
  std::string plate;
  std::vector<std::string> support;
  while (true) {
    const auto more = state_->ReadRow(plate, support);
    if (!more || !*more) return more;
    ++state_->rows;
    row.line = state_->line;
    row.fingerprints = FingerprintRecord(*state_->tagger, plate, support);
    if (!row.fingerprints.empty()) return true;
    ++state_->without_plate;
  }
}

std::uint64_t RecordTableReader::rows_read() const { return state_->rows; }
std::uint64_t RecordTableReader::rows_without_plate() const { return state_->without_plate; }

}  // namespace spanwatch::fingerprint
