#include "supervisor/operator_requests.h"

#include <algorithm>

#include "base/file.h"
#include "base/hex.h"

namespace spanwatch::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRequestBytesMax = 256;
constexpr std::size_t kRequestsAtOnce = 100;
constexpr std::string_view kRelease = "release ";

fs::path Folder(const fs::path& state_directory) { return state_directory / "requests"; }

bool Parse(std::string_view line, TakenRequests& taken) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (!line.starts_with(kRelease)) return false;
  const auto bytes = FromHex(line.substr(kRelease.size()));
  ItemId item{};
  if (!bytes || bytes->size() != item.size()) return false;
  std::ranges::copy(*bytes, item.begin());
  taken.releases.push_back(item);
  return true;
}

}  // namespace

Status PrepareRequests(const fs::path& state_directory) {
  std::error_code error;
  fs::create_directory(Folder(state_directory), error);
  if (!error) fs::permissions(Folder(state_directory), fs::perms::owner_all, error);
  if (error) return Fail(ErrorCode::kIo, "{}: {}", Folder(state_directory).string(), error.message());
  return {};
}

Status LeaveRelease(const fs::path& state_directory, const ItemId& item) {
  std::error_code error;
  if (!fs::is_directory(Folder(state_directory), error)) {
    return Fail(ErrorCode::kNotFound, "no sensor has run with the state directory {}; name its folder with --state",
                state_directory.string());
  }
  const std::string hex = ToHex(item);
  // Read by the user who runs the sensor, whoever wrote it; nothing in it is secret.
  return WriteFileAtomically(Folder(state_directory) / hex, AsBytes(fmt::format("{}{}\n", kRelease, hex)), 0644);
}

TakenRequests TakeRequests(const fs::path& state_directory) {
  TakenRequests taken;
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(Folder(state_directory), error)) {
    // A name with a dot is still being written.
    if (files.size() < kRequestsAtOnce && !entry.path().has_extension()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const auto content = ReadFile(file, kRequestBytesMax);
    if (!content || !Parse(AsText(*content), taken)) ++taken.refused;
    fs::remove(file, error);
  }
  return taken;
}

}  // namespace spanwatch::supervisor
