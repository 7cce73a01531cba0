// RecordFields: where in a text the value of a plate field stands (CSV and TSV columns, JSON, XML, SQL, key=value),
// by the names that LPR products and exporters give it. Part of the record family's tokeniser, which tells it of each
// structural character. It recognises, it does not parse: any order, any nesting, damaged and unfinished text. One
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace spanwatch::fingerprint {

// What a column or key name says of the record around it.
enum class FieldName : std::uint8_t {
  kNone,
  kCompanion,    // a column that plate records have: state, make
  kReader,       // a companion that only a plate reader writes: camera, lane, confidence
  kAmbiguous,    // a plate only among companions: tag, lic
  kPlate,        // plate
  kDistinctive,  // means a plate wherever it stands: licensePlate
  kProduct,      // a plate, and no file but a plate reader's has it: best_plate_number
};

// Nothing stands between two structural characters but spaces, ends of lines and backslashes of escapes.
bool IsBlankField(std::string_view text) noexcept;
// Case, `_`, `-` and spaces do not count.
FieldName LookUpFieldName(std::string_view name) noexcept;
// Three letters one of which every name of a plate field holds: what a fast scan looks for.
inline constexpr std::string_view kPlateNameMarks[] = {"lat", "lic", "lpr", "tag", "vrm", "vrn", "egi"};
// Whether the letters beside the mark at `position` are those of a name: turns `public` and `translate` away.
bool MayNamePlate(std::string_view text, std::size_t position) noexcept;
// Whether this text before a structural character names a plate field, alone or with what stands around the name.
bool NamesPlate(std::string_view text) noexcept;

// How far the values of one record reach around its plate.
enum class RecordExtent : std::uint8_t { kLine, kTuple, kNearby };

class RecordFields {
 public:
  // `c` ends `text`, which began after the structural character before; text is a view for the call only.
  void OnStructural(char c, std::string_view text) noexcept;
  // The same inside of a table when `text` is known to name nothing.
  void OnCell(char c, std::string_view text) noexcept {
    const std::uint8_t kind = kCellKinds[static_cast<std::uint8_t>(c)];
    if (kind > kInCell || value_ != Value::kNone) return OnCellInFull(c, text);
    quoted_name_ = FieldName::kNone;
    if (kind < kDelimiters && quote_ == 0) {
      ++counts_[kind];
      in_column_ = table_ && delimiter_ != kDelimiters && counts_[delimiter_] == column_;
    }
    before_previous_ = previous_;
    previous_ = c;
  }
  // What follows has nothing to do with what came before.
  void Reset() noexcept { *this = RecordFields(structure_seen_); }

  bool in_plate_field() const { return value_ != Value::kNone || in_column_; }
  bool in_table() const { return table_; }
  // Nothing is under way: the next character that matters belongs to the name of a plate field.
  bool idle() const;
  // A plate reader wrote this: a name of kProduct, or of another plate beside one of kReader.
  bool structure_seen() const { return structure_seen_; }
  RecordExtent extent() const;

  RecordFields() = default;

 private:
  enum class Value : std::uint8_t { kNone, kJson, kXml, kAssigned };
  static constexpr std::string_view kDelimiterCharacters = ",;\t|";
  static constexpr std::uint8_t kDelimiters = kDelimiterCharacters.size();
  static constexpr std::uint8_t kInCell = kDelimiters;         // neither ends a cell nor opens a quote
  static constexpr std::uint8_t kOtherKind = kDelimiters + 1;  // ends of rows and quotes
  // What each character is to a table: the number of a delimiter, or one of the above.
  static constexpr std::array<std::uint8_t, 256> kCellKinds = [] {
    std::array<std::uint8_t, 256> kinds{};
    kinds.fill(kInCell);
    for (const char c : std::string_view("\n()\"'`")) kinds[static_cast<std::uint8_t>(c)] = kOtherKind;
    for (std::uint8_t i = 0; i < kDelimiters; ++i) kinds[static_cast<std::uint8_t>(kDelimiterCharacters[i])] = i;
    return kinds;
  }();
  static bool IsDelimiter(char c) { return kCellKinds[static_cast<std::uint8_t>(c)] < kDelimiters; }
  static bool BeginsCell(char c) { return IsDelimiter(c) || c == '\n' || c == '('; }
  static bool EndsCell(char c) { return IsDelimiter(c) || c == '\n' || c == ')'; }
  struct Header {
    std::array<std::uint16_t, kDelimiters> columns{};  // of the plate column, counted by each delimiter
    FieldName name = FieldName::kNone;
    std::uint16_t companions = 0;
    std::uint16_t readers = 0;
  };

  explicit RecordFields(bool structure_seen) : structure_seen_(structure_seen) {}
  void OnCellInFull(char c, std::string_view text) noexcept;
  void JudgeName(FieldName name, char c, bool quoted) noexcept;
  void NoteColumn(FieldName name) noexcept;
  void EndHeader() noexcept;
  void EndValue(char c, bool blank) noexcept;
  void CountColumns(char c, bool blank) noexcept;
  bool IsPlate(FieldName name) const noexcept;
  void Begin(Value value, FieldName name) noexcept;
  void NoteNeighbour(FieldName name) noexcept;

  bool structure_seen_ = false;
  char previous_ = '\n';
  char before_previous_ = '\n';
  char quote_ = 0;                            // inside a quoted cell
  FieldName quoted_name_ = FieldName::kNone;  // waits for what follows its closing quote
  bool quoted_cell_ = false;                  // that name is all of a cell
  Value value_ = Value::kNone;
  // Structural characters until a companion, a reader's companion, a plate's name is forgotten.
  std::uint8_t companion_age_ = 0;
  std::uint8_t reader_age_ = 0;
  std::uint8_t plate_age_ = 0;
  std::array<std::uint16_t, kDelimiters> counts_{};
  Header header_;
  bool table_ = false;
  bool tuples_ = false;  // the table's rows are `( ... )`
  bool in_column_ = false;
  std::uint8_t delimiter_ = 0;  // kDelimiters: the table has one column
  std::uint16_t column_ = 0;
};

}  // namespace spanwatch::fingerprint
