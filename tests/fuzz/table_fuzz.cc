// Tables of plate records: whatever the text, its rows end, and each has the wanted cells or says what is wrong.
#include <sstream>

#include "base/bytes.h"
#include "base/check.h"
#include "register/record_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace enrolment = spanwatch::enrolment;
  constexpr std::size_t kLongestInput = 65536;
  if (size > kLongestInput) return 0;
  std::istringstream text{std::string(spanwatch::AsText({data, size}))};
  const enrolment::RowsWish wish{.columns = {"plate", "state"},
                                 .is_plate = [](std::string_view cell) { return cell.size() > 3; }};
  const auto rows = enrolment::OpenTextRows(text, wish);
  if (!rows) return 0;
  enrolment::WantedRow row;
  while ((*rows)->Next(row).value_or(false)) CHECK(row.cells.size() == wish.columns.size() || !row.problem.empty());
  return 0;
}
