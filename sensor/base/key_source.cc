#include "base/key_source.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace spanwatch {
namespace {

constexpr std::string_view kCredential = "credential:";
constexpr std::string_view kKeyring = "keyring:";
constexpr std::size_t kLongestPayload = 1024;

Result<Bytes> ReadCredential(const std::string& name, KeyKind kind) {
  const char* const directory = ::secure_getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) {
    return Fail(ErrorCode::kNotFound,
                "credential:{}: systemd handed over no credentials; add LoadCredential={}:FILE to the service", name,
                name);
  }
  if (name.empty() || name.contains('/'))
    return Fail(ErrorCode::kInvalid, "credential:{}: not a credential's name", name);
  return ReadKeyFile(std::filesystem::path(directory) / name, kind);
}

Result<Bytes> ReadKeyring(const std::string& name, KeyKind kind) {
  const long serial = ::syscall(SYS_request_key, "user", name.c_str(), nullptr, 0);
  if (serial < 0) {
    return Fail(ErrorCode::kNotFound, "keyring:{}: {}; put it there with: keyctl padd user {} @u < KEY-FILE", name,
                std::strerror(errno), name);
  }
  Bytes payload(kLongestPayload);
  const long read = ::syscall(SYS_keyctl, KEYCTL_READ, serial, payload.data(), payload.size());
  if (read < 0) return Fail(ErrorCode::kPermission, "keyring:{}: cannot be read: {}", name, std::strerror(errno));
  const auto size = static_cast<std::size_t>(read);
  if (size == kKeyBytes) {
    payload.resize(kKeyBytes);
    return payload;
  }
  auto key = size <= payload.size() ? ParseKeyFile(AsText(ByteView(payload).first(size)), "keyring:" + name, kind)
                                    : Fail(ErrorCode::kInvalid, "keyring:{}: too long for a key", name);
  explicit_bzero(payload.data(), payload.size());
  return key;
}

}  // namespace

bool IsNamedKeySource(std::string_view source) {
  return source.starts_with(kCredential) || source.starts_with(kKeyring);
}

Result<Bytes> ReadKey(const std::string& source, KeyKind kind) {
  if (source.starts_with(kCredential)) return ReadCredential(source.substr(kCredential.size()), kind);
  if (source.starts_with(kKeyring)) return ReadKeyring(source.substr(kKeyring.size()), kind);
  return ReadKeyFile(source, kind);
}

}  // namespace spanwatch
