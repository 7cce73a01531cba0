#include "base/output_file.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace spanwatch {
namespace {

namespace fs = std::filesystem;

Status MayMake(const fs::path& out) {
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  std::error_code error;
  if (fs::is_directory(folder, error)) return {};
  return Fail(ErrorCode::kNotFound, "cannot write {}: there is no folder {}", out.string(), folder.string());
}

}  // namespace

Status MayWrite(const fs::path& out, const OutputKind& kind, std::span<const fs::path> inputs) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(out, error))) return MayMake(out);
  const fs::file_status status = fs::status(out, error);
  if (fs::is_directory(status)) return Fail(ErrorCode::kExists, "{} is a folder; name a file", out.string());
  if (!fs::exists(status)) {
    return Fail(ErrorCode::kExists, "{} is a link that leads nowhere; remove it or choose another name", out.string());
  }
  for (const fs::path& input : inputs) {
    if (!fs::equivalent(out, input, error)) continue;
    return Fail(ErrorCode::kUsage, "{} is read by this command; choose another name for what it writes", out.string());
  }
  if (!fs::is_regular_file(status)) {
    if (kind.also_to_a_stream) return {};
    return Fail(ErrorCode::kExists, "{} is no regular file; choose another name", out.string());
  }
  std::ifstream file(out, std::ios::binary);
  std::string head(kind.begins.size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const bool empty = head.empty() && fs::file_size(out, error) == 0 && !error;
  if (empty || head == kind.begins) return {};
  return Fail(ErrorCode::kExists, "{} exists and is no {}, so it is not replaced; move it away or choose another name",
              out.string(), kind.name);
}

}  // namespace spanwatch
