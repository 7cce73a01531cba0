// What a saved mail and a mailbox begin with (RFC 5322 section 2.2, RFC 4155). Pure; used by the layers of mail.
#pragma once

#include "base/bytes.h"

namespace spanwatch::content {

// The bytes before the first header field: a byte order mark, empty lines, and a mailbox's `From ` line. Writers leave
// them in front of a mail that they saved.
std::size_t MailPreambleBytes(ByteView head);

// Whether these first bytes of an object are the header of a mail: every whole line is a field or continues one, the
// first is one that mail has, and so is another; a single long one (signatures, routes) is enough by itself.
bool IsMailHead(ByteView head);

// Whether `line` is what separates the mails of a mailbox: `From `, who and when.
bool IsMailboxLine(std::string_view line);

}  // namespace spanwatch::content
