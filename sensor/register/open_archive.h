// OpenAsArchive: a file of the owner through libarchive. Used by table_file and workbook_rows; one thread.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace spanwatch::enrolment {

struct FreeArchive {
  void operator()(archive* opened) const { ::archive_read_free(opened); }
};
using OpenArchive = std::unique_ptr<archive, FreeArchive>;

// Before its first entry. Zip, or the one entry that a plain or compressed file is. Damage is told when it is read:
// gzip goes through zlib for that, since libarchive does not compare its checksum.
Result<OpenArchive> OpenAsArchive(const std::string& path);

// Why the last call failed.
Error ArchiveError(archive* opened);
// Of an entry, in whatever encoding it is told; empty when it has none.
std::string NameOf(archive_entry* entry);

}  // namespace spanwatch::enrolment
