// Whole files, read and written safely: what the control plane needs for keys, configuration, rules and hash sets.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch {

// Opens read-only, close-on-exec; the error names the path.
Result<UniqueFd> OpenForReading(const std::filesystem::path& path);
// A pipe that has a name of its own, and is none that a shell or a process made: reading it waits until somebody
// writes.
bool IsNamedPipe(const std::string& path);
// The whole content; fails when it is longer than `limit` bytes.
Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t limit);
// Writes all of it where the descriptor stands; `name` is for the error.
Status WriteAll(int fd, ByteView content, const std::string& name);
// Writes a temporary file beside `path`, syncs it and renames it: a reader sees the old content or the new, never a
// part.
Status WriteFileAtomically(const std::filesystem::path& path, ByteView content, mode_t mode);

// The same for a file that is written piece by piece: it takes its name with Commit, and without it leaves nothing.
class NewFile {
 public:
  static Result<NewFile> Create(const std::filesystem::path& path, mode_t mode);
  NewFile(NewFile&& other) noexcept = default;
  ~NewFile();

  int descriptor() const { return file_.get(); }
  Status Commit();

 private:
  NewFile() = default;

  std::filesystem::path path_;
  std::string temporary_;
  UniqueFd file_;
};

}  // namespace spanwatch
