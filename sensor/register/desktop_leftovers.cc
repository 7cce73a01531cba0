#include "register/desktop_leftovers.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

#include "image/picture_format.h"

namespace spanwatch::enrolment {

bool IsDesktopLeftover(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> kNames = {".DS_Store",  "Thumbs.db",  "desktop.ini",
                                                      ".directory", ".localized", "__MACOSX"};
  return std::ranges::any_of(path, [&](const std::filesystem::path& step) {
    const std::string name = step.string();
    return name.starts_with("._") || std::ranges::find(kNames, name) != kNames.end();
  });
}

bool IsLeftoverFile(const std::filesystem::path& path) {
  if (!IsDesktopLeftover(path.filename())) return false;
  std::ifstream file(path, std::ios::binary);
  std::array<char, image::kSniffBytes> bytes{};
  file.read(bytes.data(), bytes.size());
  const std::string_view head(bytes.data(), static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const bool heif = head.size() > 8 && head.substr(4).starts_with("ftyp");
  return !heif && image::SniffFormat(AsBytes(head)) == nullptr;
}

}  // namespace spanwatch::enrolment
