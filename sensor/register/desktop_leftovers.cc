#include "register/desktop_leftovers.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace spanwatch::enrolment {

bool IsDesktopLeftover(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> kNames = {".DS_Store",  "Thumbs.db",  "desktop.ini",
                                                      ".directory", ".localized", "__MACOSX"};
  return std::ranges::any_of(path, [&](const std::filesystem::path& step) {
    const std::string name = step.string();
    return name.starts_with("._") || std::ranges::find(kNames, name) != kNames.end();
  });
}

}  // namespace spanwatch::enrolment
