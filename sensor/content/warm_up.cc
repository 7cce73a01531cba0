// What libarchive, and the C library beneath it, open when the first archive is read.
#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "content/object_tree.h"

namespace spanwatch::content {
namespace {

using namespace std::string_view_literals;

// A zip of one empty member whose name is marked as UTF-8 (APPNOTE.TXT 4.3.7), dated, so that time zone and names are
// used.
constexpr std::string_view kZip =
    "PK\x03\x04\x14\0\0\x08\0\0\0\0\x21\x4e\0\0\0\0\0\0\0\0\0\0\0\0\x03\0\0\0"
    "\xc3\xa4"
    "bPK\x01\x02"sv;

}  // namespace

void WarmUp() {
  // Names of members are UTF-8 whatever the environment says; the C library has this locale built in.
  setlocale(LC_CTYPE, "C.UTF-8");
  // Times in archives are read as UTC. Were the zone left open, the C library would look for a changed file of it at
  // every date.
  setenv("TZ", "UTC0", 1);
  tzset();
  for (const char* charset : {"UTF-16LE", "UTF-16BE", "CP437", "ISO-8859-1"}) {
    // Closed again: the C library keeps the tables of what was used.
    if (const iconv_t converter = iconv_open("UTF-8", charset); converter != reinterpret_cast<iconv_t>(-1)) {
      iconv_close(converter);
    }
  }
  archive* handle = archive_read_new();
  archive_read_support_format_zip_streamable(handle);
  archive_read_support_format_tar(handle);
  archive_read_support_format_7zip(handle);
  archive_read_support_format_rar(handle);
  archive_read_support_format_rar5(handle);
  archive_read_support_format_cab(handle);
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(handle, kZip.data(), kZip.size()) == ARCHIVE_OK &&
      archive_read_next_header(handle, &entry) >= ARCHIVE_WARN) {
    static_cast<void>(archive_entry_pathname(entry));
    static_cast<void>(archive_entry_pathname_utf8(entry));
  }
  archive_read_free(handle);
}

}  // namespace spanwatch::content
