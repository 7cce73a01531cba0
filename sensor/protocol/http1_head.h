// The head of an HTTP/1.x message (RFC 9110, RFC 9112), read as tolerantly as browsers do. Pure functions of bytes,
// used by http1_parser.cc; safe from any thread. Views in Http1Head point into the text given to ParseHttp1Head.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/object.h"
#include "protocol/parser.h"

namespace spanwatch::protocol {

struct Http1Field {
  std::string_view name;
  std::string_view value;  // a folded value still holds its line breaks
  bool unusual = false;    // more than blanks around it, or control characters inside: readers differ over it
};

struct Http1Head {
  bool request = false;
  bool versioned = true;    // false: an HTTP/0.9 request, which has no header fields
  std::string_view method;  // of a request
  std::string_view target;
  int status = 0;  // of a response
  std::vector<Http1Field> fields;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;  // declared; the body's first line has the last word
  bool framing_conflict = false;
  bool expects_continue = false;       // Expect: 100-continue (RFC 9110 section 10.1.1)
  std::vector<std::string> encodings;  // content codings, then transfer codings but chunked, as applied
  std::string media_type;
  std::string boundary;
  std::string file_name;           // of Content-Disposition
  std::optional<ByteRange> range;  // of Content-Range
  std::string_view host;
  std::string_view user_agent;
};

// How many of `bytes` belong to the line that is being collected: up to and with the first line feed, or all.
std::size_t LineLength(ByteView bytes);

// Whether a direction's bytes begin with a request or status line; final once it is not kMaybe.
ProbeAnswer ProbeRequestLine(std::string_view text);
ProbeAnswer ProbeStatusLine(std::string_view text);

// Whether the line is the whole start line of a message, with its version, where a body or a chunk's size could stand
// as well. Of a request, the method must be a name and the target look like one.
bool IsStartLine(std::string_view line, bool request);
// Whether `text`, cut anywhere, may begin such a request line: a method that is known, and what follows it.
bool MayBeginRequest(std::string_view text);

// Where a request line (with the bytes up to and with its version) or a status line (up to and with its status) first
// lies in the midst of other bytes; none does in the first `searched` of them.
struct Http1Beginning {
  std::size_t begin = 0;
  std::size_t end = 0;
};
std::optional<Http1Beginning> FindBeginning(std::string_view text, bool request, std::size_t searched = 0);
// A request line found by FindBeginning is no longer than this.
inline constexpr std::size_t kLongestFoundLine = 4096;

// `text`: start line and fields, with or without the empty line. Nothing when the start line is none.
std::optional<Http1Head> ParseHttp1Head(std::string_view text, bool request);

// The size in a chunk's first line; sloppy about white space and what follows the digits. Nothing when there is no
// digit or the number does not fit.
std::optional<std::uint64_t> ParseChunkSize(std::string_view line);

// Percent signs taken off; broken ones stay.
std::string PercentDecoded(std::string_view text);
// The last segment of the target's path, decoded; empty when the path ends with a slash.
std::string NameOfTarget(std::string_view target);

}  // namespace spanwatch::protocol
