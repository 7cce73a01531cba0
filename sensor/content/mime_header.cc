#include "content/mime_header.h"

#include <algorithm>

#include "base/ascii.h"
#include "content/text_decoder.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kNameBytes = 256;
constexpr std::size_t kBoundaryBytes = 200;  // RFC 2046 allows 70; senders are not that strict

// `charset'language'text` of RFC 2231 without its first two fields, percent-decoded.
std::string DecodeExtended(std::string_view value) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second != std::string_view::npos) value.remove_prefix(second + 1);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto digit = [&](std::size_t at) { return kHexValue[static_cast<std::uint8_t>(value[at])]; };
    if (value[i] == '%' && i + 2 < value.size() && digit(i + 1) != 255 && digit(i + 2) != 255) {
      text += static_cast<char>(digit(i + 1) << 4 | digit(i + 2));
      i += 2;
    } else {
      text += value[i];
    }
  }
  return text;
}

// One `; name=value` at a time, quoted or not.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {}

  bool Next(std::string& name, std::string& value) {
    const std::size_t semicolon = rest_.find(';');
    if (semicolon == std::string_view::npos) return false;
    rest_.remove_prefix(semicolon + 1);
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) return false;
    name = Lower(Trim(rest_.substr(0, equals)));
    rest_.remove_prefix(equals + 1);
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    value.clear();
    if (!rest_.starts_with('"')) {
      value = Trim(rest_.substr(0, rest_.find(';')));
      return true;
    }
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      // Browsers do not escape the backslashes of a path: only a quote or a backslash is escaped by one.
      if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\')) ++i;
      value += rest_[i];
    }
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
    return true;
  }

 private:
  std::string_view rest_;
};

std::string Bounded(std::string text, std::size_t limit) {
  if (text.size() > limit) text.resize(limit);
  return text;
}

void ParseField(std::string_view line, MimeHeader& header) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string field = Lower(Trim(line.substr(0, colon)));
  const std::string_view value = line.substr(colon + 1);
  if (field == "content-transfer-encoding") {
    // Some writers quote it, or put a comment or a semicolon behind it.
    const std::string_view quoted = Trim(value);
    const std::string_view word = quoted.substr(quoted.starts_with('"') ? 1 : 0);
    const std::string encoding = Lower(word.substr(0, word.find_first_of("\";( \t\r\n")));
    if (encoding == "base64" || encoding == "quoted-printable") header.transfer_encoding = encoding;
    return;
  }
  const bool type = field == "content-type";
  if (!type && field != "content-disposition") return;
  if (type) header.media_type = Bounded(Lower(Trim(value.substr(0, value.find(';')))), kNameBytes);
  Parameters parameters(value);
  std::string name, text;
  while (parameters.Next(name, text)) {
    if (name.ends_with('*')) text = DecodeExtended(text);
    const bool file = name == "filename" || name == "filename*";
    // RFC 2231 section 3: `boundary*0`, `boundary*1` are one value in pieces.
    const bool piece =
        name.starts_with("boundary*") && name != "boundary*0" && name != "boundary*0*" && name.size() > 9;
    if (type && (name == "boundary" || name.starts_with("boundary*"))) {
      header.boundary = Bounded(piece ? header.boundary + text : text, kBoundaryBytes);
      while (header.boundary.ends_with(' ')) header.boundary.pop_back();
    }
    if (!type && file && (header.file_name.empty() || name.ends_with('*')))
      header.file_name = Bounded(text, kNameBytes);
    if (name == "name" && type && header.file_name.empty()) header.file_name = Bounded(text, kNameBytes);
    if (name == "name" && !type) header.field_name = Bounded(text, kNameBytes);
  }
}

}  // namespace

ObjectInfo MimeHeader::Describe(std::string step) const {
  const std::string& name = file_name.empty() ? field_name : file_name;
  if (!name.empty()) step += " " + name;
  ObjectInfo info{
      .kind = ObjectKind::kPart, .step = std::move(step), .name = name, .media_type = media_type, .boundary = boundary};
  if (file_name.empty()) info.field = field_name;
  if (!transfer_encoding.empty()) info.encodings.push_back(transfer_encoding);
  return info;
}

std::optional<std::size_t> EndOfHeader(ByteView bytes) {
  const std::string_view text = AsText(bytes);
  if (text.starts_with("\n")) return 1;
  if (text.starts_with("\r\n")) return 2;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1).starts_with("\n")) return at + 2;
    if (text.substr(at + 1).starts_with("\r\n")) return at + 3;
  }
  return std::nullopt;
}

MimeHeader ParseMimeHeader(ByteView block) {
  MimeHeader header;
  std::string_view text = AsText(block);
  std::string line;
  while (!text.empty()) {
    const std::size_t newline = std::min(text.find('\n'), text.size() - 1);
    line += text.substr(0, newline + 1);
    text.remove_prefix(newline + 1);
    // A line that begins with white space continues the one before.
    if (!text.empty() && (text.front() == ' ' || text.front() == '\t')) continue;
    ParseField(line, header);
    line.clear();
  }
  return header;
}

}  // namespace spanwatch::content
