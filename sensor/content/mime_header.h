// Header block of a MIME entity (RFC 5322 section 2.2, RFC 2045, 2183, 2231, 7578): what a part says of itself. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "model/object.h"

namespace spanwatch::content {

struct MimeHeader {
  std::string media_type;  // lower case, without parameters
  std::string boundary;
  std::string file_name;          // filename of Content-Disposition, else name of Content-Type
  std::string field_name;         // name of Content-Disposition (form-data)
  std::string transfer_encoding;  // lower case; empty when it changes nothing

  // As the description of the entity's body; its name is the file's, else the field's.
  ObjectInfo Describe(std::string step) const;
};

// Where the block ends, behind its empty line; nothing when that is not among the bytes.
std::optional<std::size_t> EndOfHeader(ByteView bytes);
MimeHeader ParseMimeHeader(ByteView block);

}  // namespace spanwatch::content
