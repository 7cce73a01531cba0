// dBASE tables (.dbf of dBASE, FoxPro, shapefiles of ArcGIS): the rows, as text with a line of column names. In the
// file each column has a fixed width and nothing parts it from the next. Source: "dBASE .DBF File Structure" (Library
// of Congress, fdd000325): a header of 32 bytes, 32 bytes for each column, then rows of a mark and the columns.
#include <algorithm>

#include "base/ascii.h"
#include "base/byte_reader.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kDbfHeaderBytes = 32, kColumnBytes = 32, kColumnNameBytes = 11;
constexpr std::size_t kDbfTextHeld = 8192;
constexpr std::string_view kDbfVersions = "\x02\x03\x04\x30\x31\x32\x43\x63\x7B\x83\x8B\x8E\xCB\xF5\xFB";
constexpr std::string_view kColumnTypes = "CNDLFMIBTYOGPQVW@+0";

struct DbfHeader {
  std::size_t header_bytes = 0;
  std::size_t row_bytes = 0;
};

std::optional<DbfHeader> ReadDbfHeader(ByteView head) {
  ByteReader reader(head);
  const std::uint8_t version = reader.U8();
  reader.Skip(1);
  const std::uint8_t month = reader.U8(), day = reader.U8();
  reader.Skip(4);
  const DbfHeader header{reader.U16Le(), reader.U16Le()};
  reader.Skip(kDbfHeaderBytes - reader.position());
  const std::uint8_t initial = reader.U8();
  reader.Skip(kColumnNameBytes - 1);
  const std::uint8_t type = reader.U8();
  const bool valid = reader.ok() && kDbfVersions.contains(static_cast<char>(version)) && month >= 1 && month <= 12 &&
                     day >= 1 && day <= 31 && header.header_bytes > kDbfHeaderBytes + kColumnBytes &&
                     header.row_bytes > 1 && IsLetter(static_cast<char>(initial)) &&
                     kColumnTypes.contains(static_cast<char>(type));
  return valid ? std::optional(header) : std::nullopt;
}

class DbfLayer final : public Layer {
 public:
  DbfLayer(ObjectNode& object, const DbfHeader& header) : object_(object), header_(header) {}

  Taken Write(ByteView bytes) noexcept override {
    object_.Search(bytes);
    for (ByteView left = bytes; !left.empty() && !object_.exhausted();) {
      const ByteView now = left.first(std::min(left.size(), Wanted() - row_.size()));
      row_.insert(row_.end(), now.begin(), now.end());
      left = left.subspan(now.size());
      if (row_.size() == Wanted()) TakeRow();
    }
    return {bytes.size(), object_.exhausted() ? LayerState::kBroken : LayerState::kMore};
  }

  // Rows go on where the next one begins; without the columns nothing can.
  bool Gap(std::uint64_t length) noexcept override {
    if (columns_.empty()) return false;
    const std::size_t in_row = static_cast<std::size_t>((row_.size() + length) % header_.row_bytes);
    row_.assign(in_row, ' ');
    return true;
  }

  void End(ObjectEnd end) noexcept override {
    if (end != ObjectEnd::kAborted) Tell();
    if (rows_ != nullptr) rows_->End(end);
    rows_.reset();
    object_.EndSearch(end);
  }
  std::uint64_t held() const noexcept override { return row_.capacity() + text_.capacity(); }

 private:
  std::size_t Wanted() const { return columns_.empty() ? header_.header_bytes : header_.row_bytes; }

  void TakeRow() {
    if (columns_.empty()) {
      ReadColumns();
    } else {
      std::size_t at = 1;
      for (const std::size_t width : columns_) {
        if (at >= row_.size()) break;  // the columns are wider than the row says
        AddCell(AsText(row_).substr(at, width));
        at += width;
      }
      text_.back() = '\n';
    }
    row_.clear();
    if (text_.size() >= kDbfTextHeld) Tell();
  }
  void ReadColumns() {
    ByteReader reader(row_);
    reader.Skip(kDbfHeaderBytes);
    while (reader.remaining() >= kColumnBytes && reader.rest().front() != '\r') {
      const std::string_view name = AsText(reader.Take(kColumnNameBytes));
      reader.Skip(5);
      const std::size_t width = reader.U8();
      reader.Skip(kColumnBytes - kColumnNameBytes - 6);
      columns_.push_back(std::max<std::size_t>(width, 1));
      AddCell(name.substr(0, name.find('\0')));
    }
    if (columns_.empty()) {
      columns_.push_back(header_.row_bytes);
      AddCell("");
    }
    text_.back() = '\n';
  }
  void AddCell(std::string_view cell) {
    text_ += Trim(cell, std::string_view(" \0\t\r\n", 5));
    text_ += '\t';
  }
  void Tell() {
    if (rows_ == nullptr && !refused_) {
      rows_ = object_.OpenChild({.kind = ObjectKind::kText, .step = "dbf", .media_type = "text/plain"});
      refused_ = rows_ == nullptr;
    }
    if (rows_ != nullptr) rows_->Write(AsBytes(text_));
    text_.clear();
  }

  ObjectNode& object_;
  DbfHeader header_;
  Bytes row_;                         // the header first
  std::vector<std::size_t> columns_;  // their widths
  std::string text_;
  std::unique_ptr<ObjectNode> rows_;
  bool refused_ = false;
};

}  // namespace

constinit const LayerSpec kDbfLayer = {
    .name = "dbf",
    .help = "Rows of dBASE tables.",
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return ReadDbfHeader(head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView head) -> std::unique_ptr<Layer> {
      const auto header = ReadDbfHeader(head);
      return header ? std::make_unique<DbfLayer>(object, *header) : nullptr;
    },
};

}  // namespace spanwatch::content
