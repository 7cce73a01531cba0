// TableFile: the text of a table or list that the owner names, whatever it lies in. Used by enroll_records and
// import_list; one thread.
//
// Taken are plain files, gzip, zstd, and a zip that holds one file (through libarchive); UTF-8, and with or without a
// byte order mark UTF-16 and UTF-32 (through iconv). What is none of these is refused by its name: a table that is half
// read would lose rows in silence. The kinds are those that the sensor opens, so that what is registered from a file is
// also found in it.
#pragma once

#include <istream>
#include <memory>
#include <string>

#include "base/result.h"
#include "register/open_archive.h"

namespace spanwatch::enrolment {

class TableFile {
 public:
  static Result<std::unique_ptr<TableFile>> Open(const std::string& path);
  ~TableFile();

  // An Office Open XML workbook: no text; OpenWorkbookRows (record_rows.h) reads it.
  bool is_workbook() const { return is_workbook_; }
  // UTF-8 without a mark.
  std::istream& text() { return *text_; }
  // Why the text ended before the file did, or what of it is damaged; ask at the end.
  Status status() const;

 private:
  class Buffer;
  TableFile();

  bool is_workbook_ = false;
  std::unique_ptr<Buffer> buffer_;
  std::unique_ptr<std::istream> text_;
};

}  // namespace spanwatch::enrolment
