#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace spanwatch {
namespace {

constexpr std::size_t kReadAtOnce = 65536;

}  // namespace

Result<UniqueFd> OpenForReading(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return FailErrno("cannot open " + path.string());
  return fd;
}

bool IsNamedPipe(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_fifo(path, error) && !path.starts_with("/dev/") && !path.starts_with("/proc/");
}

// What is read may be a key: it lies in the result alone, not in a buffer or an outgrown copy that nobody wipes.
Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t limit) {
  auto fd = OpenForReading(path);
  if (!fd) return Fail(fd.error());
  struct stat facts{};
  if (::fstat(fd->get(), &facts) != 0) return FailErrno("cannot read " + path.string());
  const std::size_t told = S_ISREG(facts.st_mode) ? static_cast<std::size_t>(facts.st_size) : 0;
  Bytes content(std::min(std::max<std::size_t>(told, kReadAtOnce), limit) + 1);  // one more shows that there is more
  std::size_t length = 0;
  while (true) {
    const ssize_t got = ::read(fd->get(), content.data() + length, content.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("cannot read " + path.string());
    length += static_cast<std::size_t>(got);
    if (length > limit) return Fail(ErrorCode::kLimit, "{} is longer than {} bytes", path.string(), limit);
    if (got == 0) break;
    if (length < content.size()) continue;
    Bytes larger(std::min(content.size() * 2, limit + 1));
    std::memcpy(larger.data(), content.data(), length);
    ::explicit_bzero(content.data(), content.size());
    content = std::move(larger);
  }
  content.resize(length);
  return content;
}

Status WriteAll(int fd, ByteView content, const std::string& name) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno("cannot write " + name);
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status WriteFileAtomically(const std::filesystem::path& path, ByteView content, mode_t mode) {
  auto file = NewFile::Create(path, mode);
  if (!file) return Fail(file.error());
  Status status = WriteAll(file->descriptor(), content, path.string());
  return status ? file->Commit() : status;
}

Result<NewFile> NewFile::Create(const std::filesystem::path& path, mode_t mode) {
  NewFile made;
  made.path_ = path;
  made.temporary_ = path.string() + ".XXXXXX";
  made.file_.reset(::mkostemp(made.temporary_.data(), O_CLOEXEC));
  if (!made.file_ || ::fchmod(made.file_.get(), mode) != 0)
    return FailErrno("cannot create a file beside " + path.string());
  return made;
}

NewFile::~NewFile() {
  if (file_) ::unlink(temporary_.c_str());
}

Status NewFile::Commit() {
  if (::fsync(file_.get()) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
    return FailErrno("cannot write " + path_.string());
  file_.reset();
  return {};
}

}  // namespace spanwatch
