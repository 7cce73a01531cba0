#include "hashset/temporary_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

namespace spanwatch::hashset {

Result<UniqueFd> OpenTemporaryFile(const std::filesystem::path& folder) {
  std::string name = (folder / ".hashset-XXXXXX").string();
  UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return FailErrno("cannot make a temporary file in " + folder.string());
  ::unlink(name.c_str());
  return file;
}

Status TemporaryFile::Append(ByteView bytes) {
  if (!file_) {
    auto file = OpenTemporaryFile(folder_);
    if (!file) return Fail(file.error());
    file_ = std::move(*file);
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno("cannot write a temporary file in " + folder_.string());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  return {};
}

Status TemporaryFile::Read(std::uint64_t offset, std::span<std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return FailErrno("cannot read a temporary file in " + folder_.string());
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace spanwatch::hashset
