#include "register/row_sums.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <span>

#include "base/byte_writer.h"

namespace spanwatch::enrolment {
namespace {

// SipHash is keyed; here it finds accidents, so that the key is known.
constexpr std::array<std::uint8_t, crypto_shorthash_KEYBYTES> kKey = {'s', 'p', 'a', 'n', 'w', 'a', 't', 'c',
                                                                      'h', ' ', 'r', 'o', 'w', 's', 'u', 'm'};

std::uint64_t SumOf(ByteView content) {
  std::uint64_t sum = 0;
  static_assert(sizeof sum == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<std::uint8_t*>(&sum), content.data(), content.size(), kKey.data());
  return sum;
}

void RowSum(sqlite3_context* context, int count, sqlite3_value** values) {
  ByteWriter writer;
  for (sqlite3_value* value : std::span(values, static_cast<std::size_t>(count))) {
    const int type = sqlite3_value_type(value);
    writer.Le(static_cast<std::uint8_t>(type));
    if (type == SQLITE_INTEGER) {
      writer.Le(static_cast<std::uint64_t>(sqlite3_value_int64(value)));
    } else if (type != SQLITE_NULL) {
      const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_value_blob(value));
      const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
      writer.Le(static_cast<std::uint64_t>(size));
      if (size > 0) writer.Raw({bytes, size});
    }
  }
  sqlite3_result_int64(context, static_cast<std::int64_t>(SumOf(writer.bytes())));
}

}  // namespace

bool DefineRowSum(sqlite3* handle) {
  constexpr int kAnyNumberOfValues = -1;
  return sqlite3_create_function_v2(handle, "row_sum", kAnyNumberOfValues,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr, RowSum, nullptr,
                                    nullptr, nullptr) == SQLITE_OK;
}

std::string SumOfText(const std::string& text) {
  return fmt::format("{:016x}", SumOf({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
}

std::string SetSumsSql(const SummedTable& table) {
  return fmt::format("UPDATE {} SET sum=row_sum({});", table.name, table.columns);
}

std::string CountDamagedSql(const SummedTable& table) {
  return fmt::format("SELECT count(*) FROM {} WHERE sum IS NOT row_sum({})", table.name, table.columns);
}

}  // namespace spanwatch::enrolment
