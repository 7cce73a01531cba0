// Workbook: the rows of an Office Open XML workbook (ECMA-376 part 1, section 18) as text, put together from the
// members of its zip. A worksheet has the numbers of its cells but of its texts only places in xl/sharedStrings.xml,
// which mostly comes later: the cells are held until it has come, and each worksheet is then opened as one more child
// of the archive, tab-separated, a line a row, columns in their places.
//
// Owned by the ArchiveLayer of the zip, which tells it of every member: Open (Write)* Close. What is held of all
// worksheets and strings together stays under the limit content.held_bytes; beyond it the workbook is given up and that
// is reported (its members are searched all the same). One inspector thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace spanwatch::content {

class ObjectNode;

class Workbook {
 public:
  // Whether the member belongs to a workbook; if not, it needs no Write and Close.
  bool Open(std::string_view member);
  void Write(ByteView bytes, ObjectNode& archive);
  // Opens the worksheets whose texts are now known as children of `archive`.
  void Close(ObjectNode& archive);
  // No more members come: worksheets without texts are given as they are.
  void Finish(ObjectNode& archive);

 private:
  enum class Part : std::uint8_t { kNone, kStrings, kSheet };
  enum class Cell : std::uint8_t { kNumber, kText, kString };
  struct Sheet {
    std::string member;
    std::string rows;  // kReference before the place of a shared string
  };

  void Take(char c);
  void OnTag(std::string_view tag);
  void OnCell(std::string_view tag);
  void EndText();
  void Give(const Sheet& sheet, ObjectNode& archive) const;
  std::size_t held() const { return held_ + text_.size(); }

  Part part_ = Part::kNone;
  bool given_up_ = false;
  bool strings_known_ = false;
  std::size_t held_ = 0;
  std::vector<Sheet> sheets_;
  std::string strings_;                  // one after another
  std::vector<std::size_t> string_end_;  // where each ends
  // The member under way.
  bool in_tag_ = false;
  bool in_text_ = false;
  std::string tag_;   // its beginning
  std::string text_;  // of the cell or string
  Cell cell_ = Cell::kNumber;
  std::size_t column_ = 0;  // of the next cell
};

}  // namespace spanwatch::content
