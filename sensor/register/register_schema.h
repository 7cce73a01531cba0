// The tables of a register, and how a register of an earlier version becomes one of this. Used by RegisterDatabase
// alone. SQL text; pure.
#pragma once

#include <cstdint>
#include <string>

namespace spanwatch::enrolment {

inline constexpr std::int64_t kRegisterSchema = 5;

// Makes every table in an empty database. For within a transaction, as is the next.
std::string RegisterSchemaSql();

// From the schema before to `schema`, with foreign keys not enforced. REQUIRES: 2 <= schema <= kRegisterSchema.
std::string RegisterMigrationSql(std::int64_t schema);

}  // namespace spanwatch::enrolment
