// What a cell of a table says, before it is fingerprinted: spreadsheets, databases and plate readers write other things
// than plates into a plate's column, and write plates otherwise than they are. Used by enroll_records; pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace spanwatch::enrolment {

struct PlateCell {
  std::string text;          // empty: not to be registered
  std::string_view notice;   // why not: nobody wrote a plate there
  std::string_view problem;  // why not: a plate may have been there, or what it is cannot be known
};
PlateCell ReadPlateCell(std::string_view cell);

// Without what spreadsheets keep text from being taken for a number by ('0123 and ="0123"); empty for what databases
// and pandas write where there is nothing.
std::string ReadCell(std::string_view cell);

// Three numbers that stand like a date, of which no calendar has one: 31/02/2026.
bool IsImpossibleDate(std::string_view cell);

}  // namespace spanwatch::enrolment
