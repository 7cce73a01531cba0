#include "fingerprint/support_finder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "fingerprint/record_row.h"
#include "fingerprint/record_value.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kPlainValue = 48;

// Letters, digits and what stands inside of a field: most values, which are read as they are.
bool IsPlain(std::string_view value) {
  if (value.size() > kPlainValue) return false;
  bool any = false;
  for (const char c : value) {
    const bool own = IsLetterOrDigit(c);
    if (!own && !std::string_view(" -_.:+").contains(c)) return false;
    any |= own;
  }
  return any;
}

}  // namespace

bool FindsBeside(std::string_view value, std::optional<DateOrder> order) {
  if (IsPlain(value)) return true;
  static constexpr std::string_view kPlate = "ABC1234";
  std::string row(kPlate);
  row += ",\"";
  for (const char c : value) row.append(c == '"' ? 2 : 1, c);
  row += "\"\n";
  std::vector<RecordValue> read;
  ReadRow(row, {.place = TokenPlace::kField, .begin = 0, .end = kPlate.size()}, TextTokeniser::kReach, read);
  return std::ranges::any_of(NormaliseValues(value, order), [&](const RecordValue& wanted) {
    return !wanted.empty() && std::ranges::find(read, wanted.text(), &RecordValue::text) != read.end();
  });
}

}  // namespace spanwatch::fingerprint
