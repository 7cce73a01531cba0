#include "register/table_file.h"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <streambuf>

#include "register/desktop_leftovers.h"

namespace spanwatch::enrolment {
namespace {

constexpr std::size_t kBlockBytes = 64u << 10;
constexpr std::size_t kHeadBytes = 512;  // that tell what the text is
constexpr std::size_t kTarMagicAt = 257;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
using namespace std::string_view_literals;

struct RefusedKind {
  std::string_view begins;
  std::string_view name;
};
constexpr RefusedKind kRefused[] = {
    {"PAR1"sv, "Parquet"},
    {"ORC"sv, "ORC"},
    {"Obj\x01"sv, "Avro"},
    {"ARROW1"sv, "Arrow"},
    {"SQLite format 3\0"sv, "an SQLite database"},
    {"\xD0\xCF\x11\xE0"sv, "an older Office file (.xls), or one under a password"},
    {"%PDF"sv, "PDF"},
    {"{\\rtf"sv, "RTF"},
    {"<"sv, "XML or HTML"},
    {"PK\x03\x04"sv, "a zip inside another file"},
    {"7z\xBC\xAF"sv, "a 7z archive"},
    {"Rar!"sv, "a RAR archive"},
    {"BZh"sv, "compressed with bzip2"},
    {"\xFD"
     "7zXZ"sv,
     "compressed with xz"},
    {"\x04\x22\x4D\x18"sv, "compressed with lz4"},
    {"\x1F\x8B"sv, "compressed twice"},
    {"\x28\xB5\x2F\xFD"sv, "compressed twice"},
    {"\x89PNG"sv, "a picture"},
    {"\xFF\xD8\xFF"sv, "a picture"},
};

Status Refused(std::string_view name) {
  return Fail(ErrorCode::kInvalid, "this is {}, which is not read; export it as CSV or JSON lines, unpacked", name);
}

// Letters, digits and the marks of tables in EBCDIC (code page 037), and nothing else: all text of other encodings has
// a blank, a line end or a mark of ASCII.
bool IsEbcdic(std::string_view head) {
  constexpr std::size_t kFewest = 16;
  constexpr std::string_view kMarks = "\x05\x0D\x15\x25\x40\x4B\x4D\x4F\x5D\x5E\x60\x61\x6B\x6D\x7A\x7D\x7F";
  const auto is_word = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    const unsigned row = byte >> 4, column = byte & 0x0F;
    const bool from_second = row == 0xA || row == 0xE;
    return row >= 0x8 && row != 0xB && column <= 9 && (row == 0xF || column >= (from_second ? 2U : 1U));
  };
  return head.size() >= kFewest && std::ranges::count_if(head, is_word) * 2 >= std::ssize(head) &&
         std::ranges::all_of(head, [&](char c) { return is_word(c) || kMarks.contains(c); });
}

Status CheckKind(std::string_view head) {
  for (const RefusedKind& kind : kRefused) {
    if (head.starts_with(kind.begins)) return Refused(kind.name);
  }
  if (IsEbcdic(head)) return Refused("text in EBCDIC");
  // A letter in four bytes of which three are zero.
  const std::string_view letter = head.substr(0, 4);
  if (letter.size() == 4 && std::ranges::count(letter, '\0') == 3) return Refused("UTF-32 without a byte order mark");
  if (head.size() > kTarMagicAt + 5 && head.substr(kTarMagicAt, 5) == "ustar") return Refused("a tar archive");
  return {};
}

struct Encoding {
  const char* name = nullptr;  // of iconv; none: UTF-8
  std::size_t mark = 0;        // bytes of the byte order mark
};

Encoding EncodingOf(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF"sv)) return {nullptr, 3};
  if (head.starts_with("\xFF\xFE\0\0"sv)) return {"UTF-32LE", 4};
  if (head.starts_with("\0\0\xFE\xFF"sv)) return {"UTF-32BE", 4};
  if (head.starts_with("\xFF\xFE"sv)) return {"UTF-16LE", 2};
  if (head.starts_with("\xFE\xFF"sv)) return {"UTF-16BE", 2};
  // Without a mark: a header's letters with a zero byte each.
  const auto zero = [&](std::size_t i) { return i < head.size() && head[i] == '\0'; };
  if (head.size() >= 4 && !zero(0) && zero(1) && !zero(2) && zero(3)) return {"UTF-16LE", 0};
  if (head.size() >= 4 && zero(0) && !zero(1) && zero(2) && !zero(3)) return {"UTF-16BE", 0};
  return {};
}

// The one file of a zip, or what the zip is.
struct ZipContent {
  std::size_t files = 0;
  bool workbook = false;
  std::string_view refused;
};

Result<ZipContent> ContentOfZip(archive* opened, archive_entry* entry) {
  ZipContent content;
  while (true) {
    const std::string name = NameOf(entry);
    if (name == "xl/workbook.xml") content.workbook = true;
    if (name == "xl/workbook.bin") content.refused = "a binary workbook (.xlsb)";
    if (name == "mimetype" || name == "content.xml") content.refused = "an OpenDocument file (.ods)";
    if (::archive_entry_filetype(entry) == AE_IFREG && !IsDesktopLeftover(name)) ++content.files;
    const int next = ::archive_read_next_header(opened, &entry);
    if (next == ARCHIVE_EOF) return content;
    if (next < ARCHIVE_WARN) return Fail(ArchiveError(opened));
  }
}

Result<OpenArchive> OneFileOfZip(const std::string& path) {
  auto opened = OpenAsArchive(path);
  if (!opened) return opened;
  archive_entry* entry = nullptr;
  while (::archive_read_next_header(opened->get(), &entry) >= ARCHIVE_WARN) {
    if (::archive_entry_filetype(entry) == AE_IFREG && !IsDesktopLeftover(NameOf(entry))) return opened;
  }
  return Fail(ArchiveError(opened->get()));
}

}  // namespace

class TableFile::Buffer final : public std::streambuf {
 public:
  Buffer() = default;
  ~Buffer() override {
    if (converter_ != kNoConverter) ::iconv_close(converter_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // With the archive at the entry to read. Looks at its beginning.
  Status Begin(OpenArchive opened) {
    archive_ = std::move(opened);
    raw_.resize(kBlockBytes);
    while (raw_size_ < kHeadBytes && Fill()) {
    }
    if (!error_.message.empty()) return Fail(error_);
    const std::string_view head(raw_.data(), raw_size_);
    const Encoding encoding = EncodingOf(head);
    if (Status status = encoding.name == nullptr ? CheckKind(head.substr(encoding.mark)) : Status(); !status) {
      return status;
    }
    raw_.erase(0, encoding.mark);
    raw_.resize(kBlockBytes);
    raw_size_ -= encoding.mark;
    if (encoding.name == nullptr) return {};
    converter_ = ::iconv_open("UTF-8", encoding.name);
    if (converter_ == kNoConverter) return FailErrno("cannot convert this text to UTF-8");
    converted_.resize(kBlockBytes * 2);
    return {};
  }
  Status status() const {
    if (!error_.message.empty()) return Fail(error_);
    if (!damaged_) return {};
    return Fail(ErrorCode::kCorrupt, "some of its text is damaged (no UTF-16 or UTF-32)");
  }

 protected:
  int_type underflow() override {
    while (converter_ == kNoConverter ? !TakePlain() : !Convert()) {
      if (raw_size_ == kept_ && !Fill()) return End();
    }
    return traits_type::to_int_type(*gptr());
  }

 private:
  static inline const iconv_t kNoConverter = reinterpret_cast<iconv_t>(-1);

  // More behind what is held; false at the end.
  bool Fill() {
    if (ended_ || !archive_) return false;
    const la_ssize_t got = ::archive_read_data(archive_.get(), raw_.data() + raw_size_, raw_.size() - raw_size_);
    if (got < 0) error_ = ArchiveError(archive_.get());
    ended_ = got <= 0;
    if (got > 0) raw_size_ += static_cast<std::size_t>(got);
    return got > 0;
  }
  bool TakePlain() {
    if (raw_size_ == 0) return false;
    taken_.assign(raw_.data(), raw_size_);
    raw_size_ = 0;
    setg(taken_.data(), taken_.data(), taken_.data() + taken_.size());
    return true;
  }
  // What is held as far as it is whole characters; kept_ bytes wait for the rest of theirs.
  bool Convert() {
    if (raw_size_ == kept_) return false;
    char* from = raw_.data();
    std::size_t left = raw_size_;
    char* to = converted_.data();
    std::size_t room = converted_.size() - kReplacement.size();
    while (::iconv(converter_, &from, &left, &to, &room) == static_cast<std::size_t>(-1) && errno == EILSEQ) {
      damaged_ = true;
      to = std::ranges::copy(kReplacement, to).out;
      room -= std::min(room, kReplacement.size());
      const std::size_t unit = std::min<std::size_t>(left, 2);
      from += unit;
      left -= unit;
      if (room == 0) break;
    }
    raw_.replace(0, left, std::string(from, left));
    raw_size_ = left;
    kept_ = left < 4 ? left : 0;
    setg(converted_.data(), converted_.data(), to);
    return to != converted_.data();
  }
  int_type End() {
    if (kept_ > 0) damaged_ = true;
    kept_ = raw_size_ = 0;
    return traits_type::eof();
  }

  OpenArchive archive_;
  std::string raw_;
  std::size_t raw_size_ = 0;
  std::size_t kept_ = 0;  // of raw_: the beginning of a character
  std::string taken_;
  std::string converted_;
  iconv_t converter_ = kNoConverter;
  bool ended_ = false;
  bool damaged_ = false;
  Error error_;
};

TableFile::TableFile() : buffer_(std::make_unique<Buffer>()), text_(std::make_unique<std::istream>(buffer_.get())) {}
TableFile::~TableFile() = default;
Status TableFile::status() const { return buffer_->status(); }

Result<std::unique_ptr<TableFile>> TableFile::Open(const std::string& path) {
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return Fail(ErrorCode::kInvalid, "this is a folder; name the files in it");
  }
  auto opened = OpenAsArchive(path);
  if (!opened) return Fail(opened.error());
  std::unique_ptr<TableFile> file(new TableFile);
  archive_entry* entry = nullptr;
  const int first = ::archive_read_next_header(opened->get(), &entry);
  if (first == ARCHIVE_EOF) return file;
  if (first < ARCHIVE_WARN) return Fail(ArchiveError(opened->get()));
  if ((::archive_format(opened->get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP) {
    const auto content = ContentOfZip(opened->get(), entry);
    if (!content) return Fail(content.error());
    file->is_workbook_ = content->workbook;
    if (content->workbook) return file;
    if (!content->refused.empty()) return Fail(Refused(content->refused).error());
    if (content->files != 1) {
      return Fail(ErrorCode::kInvalid, "this zip holds {} files; unpack it and name the tables", content->files);
    }
    opened = OneFileOfZip(path);
    if (!opened) return Fail(opened.error());
  }
  if (Status status = file->buffer_->Begin(std::move(*opened)); !status) return Fail(status.error());
  return file;
}

}  // namespace spanwatch::enrolment
