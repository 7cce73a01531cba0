// JsonLinesWriter: appends whole lines to a file or to standard output (`-`).
//
// Lines gather in memory until Flush. A reader of the file never keeps half a line: what a full disk cut off is taken
// back, and what a crash cut off is removed when the file is opened again. One thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::alert {

class JsonLinesWriter {
 public:
  static Result<JsonLinesWriter> Open(std::string path);
  // `line` holds no line end. Writes by itself when much has gathered.
  Status Write(std::string_view line);
  // After success everything written so far is in the file (not necessarily on the disk).
  Status Flush();
  // SIGHUP: the name may belong to a new file now. Lines not yet flushed go to the old one.
  Status Reopen();

 private:
  explicit JsonLinesWriter(std::string path) : path_(std::move(path)) {}
  Status OpenFile();

  std::string path_;
  UniqueFd file_;
  bool regular_ = false;
  std::string pending_;
};

}  // namespace spanwatch::alert
