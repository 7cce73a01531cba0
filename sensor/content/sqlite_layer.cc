// SQLite databases and their write-ahead logs (sqlite.org, "Database File Format"): the rows of each page, as text. In
// the file the values of a row stand without anything between them, so that the end of one runs into the next. Apps,
// browsers and phones keep their data so; GeoPackage is one. What blobs hold is searched in the bytes as they are.
#include <algorithm>
#include <bit>

#include "base/byte_reader.h"
#include "content/object_node.h"
#include "content/sqlite_page.h"

namespace spanwatch::content {
namespace {

// The log: a header, then frames of a header and a page each (section 4.1).
constexpr std::size_t kLogHeaderBytes = 32, kFrameHeaderBytes = 24;
constexpr std::uint32_t kLogMagic = 0x377F0682;  // or one more, by the order of bytes in its sums

struct SqliteFile {
  SqliteForm form;
  std::size_t before_pages = 0;  // bytes of the file
  std::size_t before_page = 0;   // bytes of each page's frame
};

std::optional<SqliteFile> ReadHead(ByteView head) {
  if (const auto form = ReadSqliteHeader(head)) return SqliteFile{.form = *form};
  ByteReader reader(head);
  const std::uint32_t magic = reader.U32Be();
  reader.Skip(4);
  const std::uint32_t page = reader.U32Be();
  if (!reader.ok() || (magic & ~1U) != kLogMagic || page < 512 || page > 65536 || !std::has_single_bit(page)) {
    return std::nullopt;
  }
  return SqliteFile{{.page_bytes = page}, kLogHeaderBytes, kFrameHeaderBytes};
}

class SqliteLayer final : public Layer {
 public:
  SqliteLayer(ObjectNode& object, const SqliteFile& file) : object_(object), file_(file) {}

  Taken Write(ByteView bytes) noexcept override {
    object_.Search(bytes);
    for (ByteView left = bytes; !left.empty();) {
      const std::uint64_t place = PlaceInFrame();
      const std::size_t wanted = place < file_.before_page ? file_.before_page - place : FrameBytes() - place;
      const ByteView now = left.first(
          std::min<std::size_t>(left.size(), offset_ < file_.before_pages ? file_.before_pages - offset_ : wanted));
      if (offset_ >= file_.before_pages && place >= file_.before_page && !cut_) {
        page_.insert(page_.end(), now.begin(), now.end());
        if (page_.size() == file_.form.page_bytes) TellPage();
      }
      Advance(now.size());
      left = left.subspan(now.size());
    }
    return {bytes.size(), object_.exhausted() ? LayerState::kBroken : LayerState::kMore};
  }

  // The page that the gap touches is lost, and no more.
  bool Gap(std::uint64_t length) noexcept override {
    page_.clear();
    cut_ = true;
    Advance(length);
    if (rows_ != nullptr) rows_->Gap(length);
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (rows_ != nullptr) rows_->End(end);
    rows_.reset();
    object_.EndSearch(end);
  }
  std::uint64_t held() const noexcept override { return page_.capacity() + text_.capacity(); }

 private:
  std::size_t FrameBytes() const { return file_.before_page + file_.form.page_bytes; }
  std::uint64_t PlaceInFrame() const {
    return offset_ < file_.before_pages ? 0 : (offset_ - file_.before_pages) % FrameBytes();
  }
  void Advance(std::uint64_t length) {
    offset_ += length;
    if (offset_ >= file_.before_pages && PlaceInFrame() == 0) cut_ = false;
  }
  void TellPage() {
    text_.clear();
    AppendSqliteRows(page_, ReadSqliteHeader(page_) ? kSqliteHeaderBytes : 0, file_.form, text_);
    page_.clear();
    if (text_.empty() || object_.exhausted()) return;
    if (rows_ == nullptr && !refused_) {
      rows_ = object_.OpenChild({.kind = ObjectKind::kText, .step = "sqlite", .media_type = "text/plain"});
      refused_ = rows_ == nullptr;
    }
    if (rows_ != nullptr) rows_->Write(AsBytes(text_));
  }

  ObjectNode& object_;
  SqliteFile file_;
  Bytes page_;
  std::string text_;  // of the page
  std::unique_ptr<ObjectNode> rows_;
  std::uint64_t offset_ = 0;
  bool cut_ = false;  // bytes of the page under way are missing
  bool refused_ = false;
};

}  // namespace

constinit const LayerSpec kSqliteLayer = {
    .name = "sqlite",
    .help = "Rows of SQLite databases and of their write-ahead logs.",
    .memory_bytes = 4096,
    .probe = [](const ObjectInfo&, ByteView head, bool) { return ReadHead(head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView head) -> std::unique_ptr<Layer> {
      const auto file = ReadHead(head);
      return file ? std::make_unique<SqliteLayer>(object, *file) : nullptr;
    },
};

}  // namespace spanwatch::content
