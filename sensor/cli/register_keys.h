// The record key of a register on the command line: read, made when there is none yet, and compared with the one that
// the register's plates are under. Used by the `register` commands.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "fingerprint/record_tagger.h"
#include "register/register_database.h"

namespace spanwatch::cli {

// The record key of a file; a new random one is written when there is none and `make` allows it.
Result<Bytes> RecordKey(const std::string& file, bool make);

// Where it lies, as the register keeps it.
std::filesystem::path KeySource(const std::string& file);

// Says that the register's plates are under this key. Refuses another one than it began with.
Status UseRecordKey(enrolment::RegisterDatabase& database, const std::string& file, const Bytes& key);

// Of the key before the last rotation, while records are under it; nothing when there are none.
Result<std::optional<fingerprint::RecordTagger>> EarlierTagger(enrolment::RegisterDatabase& database);
// Of the register's present key: of the file `named`, or where it lay last. Made when the register has none yet.
Result<fingerprint::RecordTagger> Tagger(enrolment::RegisterDatabase& database, const std::string& named);

}  // namespace spanwatch::cli
