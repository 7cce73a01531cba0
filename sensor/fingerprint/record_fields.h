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
  kCompanion,    // a column that plate reads have: state, lane, camera
  kAmbiguous,    // a plate only among companions: tag, lic
  kPlate,        // plate
  kDistinctive,  // no other records have it: licensePlate, best_plate_number
};

// Case, `_`, `-` and spaces do not count.
FieldName LookUpFieldName(std::string_view name) noexcept;

// How far the values of one record reach around its plate.
enum class RecordExtent : std::uint8_t { kLine, kTuple, kNearby };

class RecordFields {
 public:
  // `c` ends `text`, which began after the structural character before; text is a view for the call only.
  void OnStructural(char c, std::string_view text) noexcept;
  // What follows has nothing to do with what came before.
  void Reset() noexcept { *this = RecordFields(structure_seen_); }

  bool in_plate_field() const { return value_ != Value::kNone || in_column_; }
  bool structure_seen() const { return structure_seen_; }
  RecordExtent extent() const;

  RecordFields() = default;

 private:
  enum class Value : std::uint8_t { kNone, kJson, kXml, kAssigned };
  static constexpr std::size_t kDelimiters = 4;
  struct Header {
    std::array<std::uint16_t, kDelimiters> columns{};  // of the plate column, counted by each delimiter
    FieldName name = FieldName::kNone;
    std::uint16_t companions = 0;
  };

  explicit RecordFields(bool structure_seen) : structure_seen_(structure_seen) {}
  void JudgeName(FieldName name, char c, bool quoted) noexcept;
  void NoteColumn(FieldName name) noexcept;
  void EndHeader() noexcept;
  void EndValue(char c, bool blank) noexcept;
  void CountColumns(char c, bool blank) noexcept;
  bool IsPlate(FieldName name) const noexcept;
  void Begin(Value value) noexcept;

  bool structure_seen_ = false;
  char previous_ = '\n';
  char quote_ = 0;                            // inside a quoted cell
  FieldName quoted_name_ = FieldName::kNone;  // waits for what follows its closing quote
  Value value_ = Value::kNone;
  std::uint8_t companion_age_ = 0;  // structural characters until a companion is forgotten
  std::array<std::uint16_t, kDelimiters> counts_{};
  Header header_;
  bool table_ = false;
  bool tuples_ = false;  // the table's rows are `( ... )`
  bool in_column_ = false;
  std::uint8_t delimiter_ = 0;  // kDelimiters: the table has one column
  std::uint16_t column_ = 0;
};

}  // namespace spanwatch::fingerprint
