#include "alert/json_lines.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"

namespace spanwatch::alert {
namespace {

constexpr std::size_t kFlushAt = 256 * 1024;

// Cuts the file after its last line end: whatever follows was never finished.
Status RemoveHalfLine(int file, const std::string& path) {
  const off_t length = ::lseek(file, 0, SEEK_END);
  if (length < 0) return FailErrno("cannot read " + path);
  off_t end = length;
  char buffer[4096];
  while (end > 0) {
    const off_t start = std::max<off_t>(0, end - static_cast<off_t>(sizeof(buffer)));
    const ssize_t got = ::pread(file, buffer, static_cast<std::size_t>(end - start), start);
    if (got != end - start) return FailErrno("cannot read " + path);
    const std::string_view text(buffer, static_cast<std::size_t>(got));
    const std::size_t last = text.rfind('\n');
    if (last != std::string_view::npos) {
      end = start + static_cast<off_t>(last) + 1;
      break;
    }
    end = start;
  }
  if (end != length && ::ftruncate(file, end) != 0) return FailErrno("cannot write " + path);
  return {};
}

// Writes all of `text`, waiting where a pipe is full. Returns how much went out before a failure.
std::size_t WriteSome(int file, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(file, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd wait{file, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      break;
    }
  }
  return done;
}

}  // namespace

Result<JsonLinesWriter> JsonLinesWriter::Open(std::string path) {
  JsonLinesWriter writer(std::move(path));
  if (Status status = writer.OpenFile(); !status) return Fail(status.error());
  return writer;
}

Status JsonLinesWriter::OpenFile() {
  if (path_ == "-") {
    file_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!file_) return FailErrno("cannot write to standard output");
    return {};
  }
  UniqueFd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  // A pipe or a device opens for writing only.
  if (!file && errno != ENOENT) file.reset(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file) return FailErrno("cannot open " + path_);
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return FailErrno("cannot open " + path_);
  regular_ = S_ISREG(facts.st_mode);
  if (regular_) {
    if (Status status = RemoveHalfLine(file.get(), path_); !status) return status;
  }
  file_ = std::move(file);
  return {};
}

Status JsonLinesWriter::Write(std::string_view line) {
  pending_.append(line);
  pending_.push_back('\n');
  return pending_.size() >= kFlushAt ? Flush() : Status{};
}

Status JsonLinesWriter::Flush() {
  if (pending_.empty()) return {};
  const std::size_t done = WriteSome(file_.get(), pending_);
  if (done == pending_.size()) {
    pending_.clear();
    return {};
  }
  auto failure = FailErrno("cannot write " + path_);
  const std::size_t last = done == 0 ? std::string::npos : pending_.rfind('\n', done - 1);
  const std::size_t whole = last == std::string::npos ? 0 : last + 1;
  if (regular_ && done > whole) {
    const off_t length = ::lseek(file_.get(), 0, SEEK_END);
    if (length >= 0 && ::ftruncate(file_.get(), length - static_cast<off_t>(done - whole)) == 0) {
      pending_.erase(0, whole);
      return failure;
    }
  }
  pending_.erase(0, done);  // the rest of the line follows when there is room again
  return failure;
}

Status JsonLinesWriter::Reopen() {
  if (path_ == "-") return Flush();
  const Status flushed = Flush();
  const Status opened = OpenFile();
  return opened ? flushed : opened;
}

}  // namespace spanwatch::alert
