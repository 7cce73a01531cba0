// IsDesktopLeftover: what desktops leave in folders and archives beside the files that people put there. Used where the
// owner's folders are walked and packed tables opened. Pure; any thread.
#pragma once

#include <filesystem>

namespace spanwatch::enrolment {

// Whether any step of the path is one: `.DS_Store`, `Thumbs.db`, all below `__MACOSX`, `._name` beside a name, and
// such.
bool IsDesktopLeftover(const std::filesystem::path& path);

// The same of a file that can be looked at: a picture under such a name is none.
bool IsLeftoverFile(const std::filesystem::path& path);

}  // namespace spanwatch::enrolment
