#include "content/pdf_stream.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace spanwatch::content {
namespace {

constexpr std::string_view kWhite("\0\t\n\f\r ", 6);
constexpr std::string_view kDelimiters = "()<>[]{}/%";

// The next token (section 7.2): `<<`, `>>`, a bracket, a name with its slash, a number or a word; of a string only that
// it was one.
std::string_view NextToken(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return text = {};
  text.remove_prefix(begin);
  std::size_t length = 1;
  if (text.starts_with("<<") || text.starts_with(">>")) {
    length = 2;
  } else if (text.front() == '(') {
    for (int depth = 1; depth > 0 && length < text.size(); ++length) {
      if (text[length] == '\\')
        ++length;
      else if (text[length] == '(')
        ++depth;
      else if (text[length] == ')')
        --depth;
    }
  } else if (text.front() == '<') {
    length = text.find('>');
  } else if (text.front() == '/' || !kDelimiters.contains(text.front())) {
    while (length < text.size() && !kWhite.contains(text[length]) && !kDelimiters.contains(text[length])) ++length;
  }
  const std::string_view token = text.substr(0, std::min(length, text.size()));
  text.remove_prefix(token.size());
  return token;
}

// The values of the keys of the outermost dictionary that are wanted: names and numbers, one or a list of them.
using Values = std::map<std::string_view, std::vector<std::string_view>>;

Values OutermostValues(std::string_view text) {
  constexpr std::string_view kWanted[] = {"/Filter", "/F", "/Type", "/Subtype",         "/Width",
                                          "/Height", "/W", "/H",    "/BitsPerComponent"};
  Values values;
  int depth = 0;
  std::string_view key;
  bool in_list = false;
  for (std::string_view token = NextToken(text); !token.empty(); token = NextToken(text)) {
    if (token == "<<" || token == ">>") {
      depth += token == "<<" ? 1 : -1;
      if (depth <= 1) key = {};
      continue;
    }
    if (depth != 1) continue;
    if (token == "[" || token == "]") {
      in_list = token == "[";
      if (!in_list) key = {};
    } else if (key.empty()) {
      if (token.front() == '/') key = token;
    } else {
      if (std::ranges::find(kWanted, key) != std::end(kWanted)) values[key].push_back(token);
      if (!in_list) key = {};
    }
  }
  return values;
}

std::size_t Number(const Values& values, std::string_view key) {
  const auto found = values.find(key);
  std::size_t number = 0;
  if (found == values.end() || found->second.size() != 1) return 0;
  const std::string_view text = found->second.front();
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Is(const Values& values, std::string_view key, std::string_view value) {
  const auto found = values.find(key);
  return found != values.end() && found->second.front() == value;
}

struct Filter {
  std::string_view name, abbreviation, encoding;
};
// Section 7.4. What has no encoding here is a picture's, or not read.
constexpr Filter kFilters[] = {
    {"/FlateDecode", "/Fl", "zlib"}, {"/ASCII85Decode", "/A85", "ascii85"}, {"/ASCIIHexDecode", "/AHx", "asciihex"}};

}  // namespace

PdfStream ReadPdfDictionary(std::string_view dictionary) {
  constexpr std::size_t kSmallPicture = 160;  // pixels a side: an icon, a logo
  if (const std::size_t object = dictionary.rfind(" obj"); object != std::string_view::npos)
    dictionary.remove_prefix(object + 4);
  const Values values = OutermostValues(dictionary);
  PdfStream stream;
  bool jpeg = false, picture_filter = false;
  const auto found = values.find("/Filter");
  for (const std::string_view name : found != values.end() ? found->second : std::vector<std::string_view>()) {
    const auto filter = std::ranges::find_if(
        kFilters, [&](const Filter& known) { return name == known.name || name == known.abbreviation; });
    if (filter != std::end(kFilters)) {
      stream.encodings.emplace(stream.encodings.begin(), filter->encoding);
    } else if (name == "/DCTDecode" || name == "/DCT") {
      jpeg = true;
    } else if (name == "/JPXDecode" || name == "/JBIG2Decode" || name == "/CCITTFaxDecode" || name == "/CCF") {
      picture_filter = true;
    } else if (name.front() == '/' && name != "/Crypt") {
      stream.unread_encoding = true;  // LZW, run lengths
    }
  }
  const bool picture = Is(values, "/Subtype", "/Image");
  if (jpeg) {
    stream.media_type = "image/jpeg";
  } else if (picture) {
    stream.unread_picture = std::min(Number(values, "/Width"), Number(values, "/Height")) >= kSmallPicture &&
                            (picture_filter || Number(values, "/BitsPerComponent") >= 8);
  } else if (!picture_filter && !stream.unread_encoding &&
             (Is(values, "/Subtype", "/Form") || (!values.contains("/Type") && !values.contains("/Subtype")))) {
    stream.media_type = kPdfContentType;
  }
  return stream;
}

}  // namespace spanwatch::content
