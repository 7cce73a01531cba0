// RecordFieldFinder: the places in a text where the value of a plate field stands. Drives RecordFields, which
// recognises them by every structural character, only where the name of a plate field shows, and row by row once such a
// table has begun; and counts the file names that a plate reader gives its pictures. Part of TextTokeniser; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fingerprint/record_fields.h"
#include "fingerprint/text_masks.h"

namespace spanwatch::fingerprint {

class RecordFieldFinder {
 public:
  static constexpr std::size_t kReach = 512;          // bytes before a name that may belong to its record
  static constexpr std::size_t kAhead = kReach + 64;  // and a name's own

  struct Field {
    std::size_t begin = 0;
    std::size_t end = 0;
    RecordExtent extent = RecordExtent::kLine;
  };

  // Looks through `text` from where the last call ended to `end`. What it finds holds until the next call.
  // REQUIRES: kAhead more bytes, or the end of all text; masks of the text from 64 before the last `end` on
  void Find(std::string_view text, const TextMasks& masks, std::size_t end);
  const std::vector<Field>& fields() const { return fields_; }
  bool structure_seen() const { return names_structure_ || machine_.structure_seen(); }
  // The text before `position` is gone. REQUIRES: not beyond what was looked through
  void Discard(std::size_t position);

 private:
  static constexpr std::size_t kNamesOfStructure = 10;

  void Triggers(std::string_view text, const TextMasks& masks, std::size_t end);
  bool NamedAhead(std::string_view text, std::size_t position) const;
  void Start(std::string_view text, std::size_t trigger);
  void RunFull(std::string_view text, const TextMasks& masks, std::size_t end);
  void RunTable(std::string_view text, const TextMasks& masks, std::size_t end);
  void RunCells(std::string_view text, const TextMasks& masks, std::size_t end);
  std::size_t CalmUntil() const;
  // What stands before `end` is a value, if a plate field is under way.
  void EndField(std::size_t end) {
    if (machine_.in_plate_field() && value_begin_ < end) fields_.push_back({value_begin_, end, machine_.extent()});
  }
  void Step(std::string_view text, std::size_t position, bool full);
  void NotePictureName(std::string_view text, std::size_t dot);

  RecordFields machine_;
  bool running_ = false;
  std::size_t seen_ = 0;               // what triggers before it was looked at
  std::size_t at_ = 0;                 // where the machine stands
  std::size_t field_begin_ = 0;        // behind the last structural character
  std::size_t value_begin_ = 0;        // of the plate field under way
  std::size_t until_ = 0;              // runs at least to here
  std::vector<std::size_t> triggers_;  // where plate fields are named, those behind the machine first
  std::size_t next_trigger_ = 0;       // the first that it has not passed
  bool line_named_ = false;            // a plate field was named in this line
  std::vector<Field> fields_;
  std::array<std::uint64_t, kNamesOfStructure> names_{};  // distinct plates in names of pictures
  std::size_t name_count_ = 0;
  bool names_structure_ = false;
};

}  // namespace spanwatch::fingerprint
