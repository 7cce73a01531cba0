#include "supervisor/operator_requests.h"

#include <algorithm>
#include <functional>

#include "base/file.h"
#include "base/hex.h"

namespace spanwatch::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRequestBytesMax = 256;
constexpr std::size_t kRequestsAtOnce = 100;
constexpr std::string_view kRelease = "release ";
constexpr std::string_view kResend = "resend ";
constexpr std::string_view kAll = "*";

fs::path Folder(const fs::path& state_directory) { return state_directory / "requests"; }

bool ParseResend(std::string_view words, TakenRequests& taken) {
  const std::size_t space = words.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == words.size()) return false;
  const auto named = [](std::string_view word) { return word == kAll ? std::string() : std::string(word); };
  taken.resends.push_back({named(words.substr(0, space)), named(words.substr(space + 1))});
  return true;
}

bool Parse(std::string_view line, TakenRequests& taken) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.starts_with(kResend)) return ParseResend(line.substr(kResend.size()), taken);
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

namespace {

// Read by the user who runs the sensor, whoever wrote it; nothing in it is secret.
Status Leave(const fs::path& state_directory, const std::string& name, const std::string& line) {
  std::error_code error;
  if (!fs::is_directory(Folder(state_directory), error)) {
    return Fail(ErrorCode::kNotFound, "no sensor has run with the state directory {}; name its folder with --state",
                state_directory.string());
  }
  return WriteFileAtomically(Folder(state_directory) / name, AsBytes(line + "\n"), 0644);
}

}  // namespace

Status LeaveRelease(const fs::path& state_directory, const ItemId& item) {
  const std::string hex = ToHex(item);
  return Leave(state_directory, hex, fmt::format("{}{}", kRelease, hex));
}

Status LeaveResend(const fs::path& state_directory, const ResendRequest& request) {
  const auto word = [](const std::string& text) { return text.empty() ? std::string(kAll) : text; };
  const std::string line = fmt::format("{}{} {}", kResend, word(request.id), word(request.endpoint));
  if (line.size() >= kRequestBytesMax || request.id.find_first_of(" \n") != std::string::npos ||
      request.endpoint.find('\n') != std::string::npos) {
    return Fail(ErrorCode::kUsage, "'{}' is no id of a message or an alert", request.id);
  }
  // One file for each request: an endpoint's name may hold what a file's name may not.
  return Leave(state_directory, fmt::format("resend-{:016x}", std::hash<std::string>()(line)), line);
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
