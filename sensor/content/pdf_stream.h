// PdfStream: what the dictionary in front of a stream of a PDF tells of it (ISO 32000-1 section 7.3.8). Pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spanwatch::content {

// The media type that content streams get: the operators that draw a page (section 7.8.2).
inline constexpr std::string_view kPdfContentType = "application/x-pdf-content";

struct PdfStream {
  std::vector<std::string> encodings;  // as ObjectInfo has them
  std::string media_type;              // image/jpeg, kPdfContentType, or empty
  bool unread_encoding = false;        // it has a filter that is not read
  bool unread_picture = false;         // a picture of some size that is no JPEG
};

// `dictionary`: the bytes in front of the keyword `stream`; what stands before the dictionary does no harm.
PdfStream ReadPdfDictionary(std::string_view dictionary);

}  // namespace spanwatch::content
