#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace spanwatch {
namespace {

Status WriteAll(int fd, ByteView content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno("cannot write " + name);
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<UniqueFd> OpenForReading(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return FailErrno("cannot open " + path.string());
  return fd;
}

Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t limit) {
  auto fd = OpenForReading(path);
  if (!fd) return Fail(fd.error());
  Bytes content;
  std::uint8_t buffer[65536];
  while (true) {
    const ssize_t got = ::read(fd->get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("cannot read " + path.string());
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > limit) {
      return Fail(ErrorCode::kLimit, "{} is longer than {} bytes", path.string(), limit);
    }
    content.insert(content.end(), buffer, buffer + got);
  }
}

Status WriteFileAtomically(const std::filesystem::path& path, ByteView content, mode_t mode) {
  std::string temporary = path.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return FailErrno("cannot create a file beside " + path.string());
  Status status = WriteAll(fd.get(), content, temporary);
  if (status && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0))
    status = FailErrno("cannot write " + temporary);
  if (status && ::rename(temporary.c_str(), path.c_str()) != 0) status = FailErrno("cannot write " + path.string());
  if (!status) ::unlink(temporary.c_str());
  return status;
}

}  // namespace spanwatch
