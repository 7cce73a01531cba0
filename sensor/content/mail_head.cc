#include "content/mail_head.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"

namespace spanwatch::content {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kFieldNameBytes = 76;

// What a saved mail begins with: fields of RFC 5322 and RFC 2045, of news (RFC 5536), and of servers on the way.
constexpr std::string_view kFields[] = {"accept-language",
                                        "authentication-results",
                                        "auto-submitted",
                                        "bcc",
                                        "cc",
                                        "comments",
                                        "content-class",
                                        "content-type",
                                        "date",
                                        "deferred-delivery",
                                        "delivered-to",
                                        "delivery-date",
                                        "envelope-to",
                                        "errors-to",
                                        "feedback-id",
                                        "from",
                                        "importance",
                                        "in-reply-to",
                                        "keywords",
                                        "lines",
                                        "mail-from",
                                        "message-id",
                                        "mime-version",
                                        "newsgroups",
                                        "old-date",
                                        "organization",
                                        "path",
                                        "precedence",
                                        "priority",
                                        "received",
                                        "received-spf",
                                        "references",
                                        "relay-version",
                                        "reply-to",
                                        "return-path",
                                        "sender",
                                        "sensitivity",
                                        "status",
                                        "subject",
                                        "thread-index",
                                        "thread-topic",
                                        "to",
                                        "user-agent",
                                        "xref"};
// Families of fields: of the program that saved the mail, of signatures, lists and what is sent again.
constexpr std::string_view kFamilies[] = {"x-",         "arc-",  "content-", "dkim-",
                                          "domainkey-", "list-", "resent-",  "disposition-"};
// Longer than the first bytes of an object may be, and in nothing but mail.
constexpr std::string_view kLong[] = {"received", "arc-", "dkim-", "domainkey-", "authentication-results", "x-"};

std::size_t EndOfLine(std::string_view text) { return std::min(text.find('\n'), text.size()); }

// The field's name in lower case; empty when the line is no field.
std::string FieldName(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon > kFieldNameBytes) return {};
  const std::string_view name = line.substr(0, colon);
  if (std::ranges::any_of(name, [](char c) { return c <= ' ' || c > '~'; })) return {};
  return Lower(name);
}

bool IsMailField(std::string_view name) {
  return std::ranges::find(kFields, name) != std::end(kFields) ||
         std::ranges::any_of(kFamilies, [&](std::string_view family) { return name.starts_with(family); });
}

// Of a line that may be cut off: nothing of it contradicts a field.
bool MayBecomeField(std::string_view line) {
  return std::ranges::all_of(line.substr(0, line.find(':')), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

bool IsMailboxLine(std::string_view line) {
  if (!line.starts_with("From "sv)) return false;
  // A time of day, as every writer of mailboxes puts it behind the sender.
  for (std::size_t colon = line.find(':'); colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
    const auto digit = [&](std::size_t at) { return at < line.size() && line[at] >= '0' && line[at] <= '9'; };
    if (digit(colon - 1) && digit(colon + 1) && digit(colon + 2)) return true;
  }
  return false;
}

std::size_t MailPreambleBytes(ByteView head) {
  const std::string_view text = AsText(head);
  std::size_t at = text.starts_with("\xef\xbb\xbf"sv) ? 3 : 0;
  at = std::min(text.find_first_not_of("\r\n", at), text.size());
  if (IsMailboxLine(text.substr(at, EndOfLine(text.substr(at))))) at += EndOfLine(text.substr(at)) + 1;
  return std::min(at, text.size());
}

bool IsMailHead(ByteView head) {
  std::string_view text = AsText(head.subspan(MailPreambleBytes(head)));
  std::size_t fields = 0;
  std::string first;
  bool whole = false;  // the header's end was seen
  while (!text.empty()) {
    const std::size_t end = EndOfLine(text);
    const bool cut = end == text.size();
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      whole = true;
      break;
    }
    if (line.front() == ' ' || line.front() == '\t') {
      if (first.empty()) return false;
      continue;
    }
    const std::string name = FieldName(line);
    if (name.empty() && !(cut && !first.empty() && MayBecomeField(line))) return false;
    if (first.empty() && !IsMailField(name)) return false;
    if (first.empty()) first = name;
    if (IsMailField(name)) ++fields;
  }
  const bool is_long = std::ranges::any_of(kLong, [&](std::string_view start) { return first.starts_with(start); });
  constexpr std::size_t kHeadIsFull = 256;
  return fields >= 2 || (fields == 1 && is_long && !whole && head.size() >= kHeadIsFull);
}

}  // namespace spanwatch::content
