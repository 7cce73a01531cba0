#include "base/key_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.h"
#include "base/file.h"
#include "base/hex.h"

namespace spanwatch {
namespace {

constexpr std::size_t kKeyFileBytesMax = 1024;

struct KindFacts {
  std::string_view header;
  std::string_view name;
  mode_t mode;
};

KindFacts FactsOf(KeyKind kind) {
  switch (kind) {
    case KeyKind::kSigning:
      return {"spanwatch-signing-key-v1", "signing key", 0600};
    case KeyKind::kPublic:
      return {"spanwatch-public-key-v1", "public key", 0644};
    case KeyKind::kRecord:
      return {"spanwatch-record-key-v1", "record key", 0600};
  }
  return {};
}

constexpr std::array kKinds{KeyKind::kSigning, KeyKind::kPublic, KeyKind::kRecord};

Result<Bytes> ParseKey(std::string_view text, const std::string& path, const KindFacts& facts) {
  if (!text.starts_with(facts.header)) {
    for (const KeyKind other : kKinds) {
      if (!text.starts_with(FactsOf(other).header)) continue;
      return Fail(ErrorCode::kInvalid, "{} holds a {}; a {} is wanted here", path, FactsOf(other).name, facts.name);
    }
    return Fail(ErrorCode::kInvalid, "{} is not a {} of spanwatch (its first line is not '{}')", path, facts.name,
                facts.header);
  }
  text.remove_prefix(facts.header.size());
  if (auto key = FromHex(Trim(text, " \r\n")); key && key->size() == kKeyBytes) return std::move(*key);
  return Fail(ErrorCode::kInvalid, "{}: the second line is not a key of {} hexadecimal digits", path, kKeyBytes * 2);
}

bool OthersMayRead(const std::filesystem::path& path, KeyKind kind) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || (status.st_mode & 077) == 0) return false;
  return kind == KeyKind::kSigning || (status.st_mode & 0222) != 0;
}

}  // namespace

Result<Bytes> ParseKeyFile(std::string_view text, const std::string& name, KeyKind kind) {
  return ParseKey(text, name, FactsOf(kind));
}

bool BeginsAsKeyFile(std::string_view text) {
  return std::ranges::any_of(kKinds, [&](KeyKind kind) { return text.starts_with(FactsOf(kind).header); });
}

Result<Bytes> ReadKeyFile(const std::filesystem::path& path, KeyKind kind) {
  auto content = ReadFile(path, kKeyFileBytesMax);
  if (!content) return Fail(content.error());
  const KindFacts facts = FactsOf(kind);
  auto key = ParseKey(AsText(*content), path.string(), facts);
  if (kind != KeyKind::kPublic) explicit_bzero(content->data(), content->size());
  if (key && kind != KeyKind::kPublic && OthersMayRead(path, kind)) {
    explicit_bzero(key->data(), key->size());
    return Fail(ErrorCode::kPermission, "{} can be read by others than its owner; run: chmod 600 {}", path.string(),
                path.string());
  }
  return key;
}

Status WriteKeyFile(const std::filesystem::path& path, KeyKind kind, ByteView key) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
    return Fail(ErrorCode::kExists, "{} exists already; move it away or choose another name", path.string());
  }
  const KindFacts facts = FactsOf(kind);
  std::string text = fmt::format("{}\n{}\n", facts.header, ToHex(key));
  Status status = WriteFileAtomically(path, AsBytes(text), facts.mode);
  explicit_bzero(text.data(), text.size());
  return status;
}

}  // namespace spanwatch
