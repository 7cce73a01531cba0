#include "register/open_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>

#include "base/file.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kFileBlockBytes = 64u << 10;

// The bytes of a file, those of gzip unpacked: what libarchive reads.
class FileBytes {
 public:
  // Takes the descriptor over.
  FileBytes(int fd, std::uint64_t size, bool regular) : file_(::gzdopen(fd, "rb")), size_(size), regular_(regular) {}
  ~FileBytes() {
    if (file_ != nullptr) ::gzclose(file_);
  }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  la_ssize_t Read(archive* opened, const void** bytes) {
    *bytes = block_.data();
    const int got = ::gzread(file_, block_.data(), static_cast<unsigned>(block_.size()));
    int error = Z_OK;
    const char* const why = ::gzerror(file_, &error);
    if (got > 0 || (got == 0 && error == Z_OK)) return got;
    ::archive_set_error(opened, EILSEQ, "%s", error == Z_ERRNO ? "it cannot be read" : why);
    return ARCHIVE_FATAL;
  }
  // What is packed cannot be gone about in.
  la_int64_t Seek(la_int64_t offset, int whence) {
    if (!regular_ || ::gzdirect(file_) == 0) return ARCHIVE_FATAL;
    if (whence == SEEK_END) offset += static_cast<la_int64_t>(size_);
    const auto at = ::gzseek(file_, offset, whence == SEEK_CUR ? SEEK_CUR : SEEK_SET);
    return at < 0 ? la_int64_t{ARCHIVE_FATAL} : la_int64_t{at};
  }
  bool open() const { return file_ != nullptr; }

 private:
  gzFile file_;
  std::uint64_t size_;
  bool regular_;
  std::array<char, kFileBlockBytes> block_{};
};

FileBytes& FileBytesOf(void* data) { return *static_cast<FileBytes*>(data); }

}  // namespace

Result<OpenArchive> OpenAsArchive(const std::string& path) {
  // libarchive gives the names of entries in the encoding of the locale, and none where it cannot.
  static const bool names_are_utf8 = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  static_cast<void>(names_are_utf8);
  auto file = OpenForReading(path);
  if (!file) return Fail(file.error());
  struct stat status{};
  if (::fstat(file->get(), &status) != 0) return FailErrno("cannot read " + path);
  auto bytes =
      std::make_unique<FileBytes>(file->get(), static_cast<std::uint64_t>(status.st_size), S_ISREG(status.st_mode));
  if (!bytes->open()) return Fail(ErrorCode::kIo, "cannot read {}", path);
  (void)file->release();
  OpenArchive opened(::archive_read_new());
  ::archive_read_support_filter_zstd(opened.get());
  ::archive_read_support_format_zip(opened.get());
  ::archive_read_support_format_empty(opened.get());
  ::archive_read_support_format_raw(opened.get());
  ::archive_read_set_read_callback(opened.get(), [](archive* reader, void* data, const void** block) {
    return FileBytesOf(data).Read(reader, block);
  });
  ::archive_read_set_seek_callback(opened.get(), [](archive*, void* data, la_int64_t offset, int whence) {
    return FileBytesOf(data).Seek(offset, whence);
  });
  ::archive_read_set_close_callback(opened.get(), [](archive*, void* data) {
    delete &FileBytesOf(data);
    return int{ARCHIVE_OK};
  });
  ::archive_read_set_callback_data(opened.get(), bytes.release());
  if (::archive_read_open1(opened.get()) == ARCHIVE_OK) return opened;
  return Fail(ArchiveError(opened.get()));
}

Error ArchiveError(archive* opened) {
  const char* const why = ::archive_error_string(opened);
  return {ErrorCode::kCorrupt, fmt::format("cannot be read to its end: {}", why == nullptr ? "it is damaged" : why)};
}

std::string NameOf(archive_entry* entry) {
  const char* name = ::archive_entry_pathname(entry);
  if (name == nullptr) name = ::archive_entry_pathname_utf8(entry);
  return name == nullptr ? std::string() : std::string(name);
}

}  // namespace spanwatch::enrolment
