// Printable: text for a person's eyes. Names in archives, requests and folders are chosen by whoever sent or stored
// them: on a terminal they could move the cursor, hide what stands before them, or begin a line of a log of their own.
// Called wherever such text goes to a terminal or the log; JSON has escapes of its own. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace spanwatch {

// Control characters (C0, DEL, C1), line and paragraph separators, marks that turn the direction of writing (Unicode
// 15, Bidi_Control), and what is not UTF-8 (RFC 3629) as \x and two hexadecimal digits a byte; all else as it is.
std::string Printable(std::string_view text);

}  // namespace spanwatch
