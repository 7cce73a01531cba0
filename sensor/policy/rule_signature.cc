#include "policy/rule_signature.h"

#include <sodium.h>

#include <algorithm>

#include "base/file.h"
#include "base/hex.h"

namespace spanwatch::policy {
namespace {

constexpr std::size_t kRuleFileBytesMax = 4u << 20;
constexpr std::size_t kDigestDigits = crypto_hash_sha256_BYTES * 2;
constexpr std::size_t kNameAt = kDigestDigits + 2;

std::unexpected<Error> Damaged() {
  return Fail(ErrorCode::kCorrupt, "{} is damaged; sign the folder again with 'spanwatch rules sign'", kSignatureFile);
}

}  // namespace

std::string ContentDigest(ByteView content) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, content.data(), content.size());
  return ToHex(digest);
}

std::string MakeRuleManifest(const std::map<std::string, Bytes>& files, ByteView signing_seed) {
  std::string manifest(kSignatureBegins);
  for (const auto& [name, content] : files) manifest += ContentDigest(content) + "  " + name + "\n";
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  unsigned char secret_key[crypto_sign_SECRETKEYBYTES];
  crypto_sign_seed_keypair(public_key, secret_key, signing_seed.data());
  unsigned char signature[crypto_sign_BYTES];
  crypto_sign_detached(signature, nullptr, AsBytes(manifest).data(), manifest.size(), secret_key);
  sodium_memzero(secret_key, sizeof(secret_key));
  return manifest + "signature " + ToHex(signature) + " by " + ToHex(public_key) + "\n";
}

Result<std::map<std::string, std::string>> VerifyRuleManifest(std::string_view manifest,
                                                              std::span<const Bytes> trusted_keys) {
  const std::size_t last = manifest.find("\nsignature ");
  if (!manifest.starts_with(kSignatureBegins) || last == std::string_view::npos) return Damaged();
  const std::string_view body = manifest.substr(0, last + 1);
  const std::string_view line = manifest.substr(last + 1);
  constexpr std::size_t kSignatureAt = 10, kHexBytes = crypto_sign_BYTES * 2;
  if (line.size() < kSignatureAt + kHexBytes + 4 + 64) return Damaged();
  const auto signature = FromHex(line.substr(kSignatureAt, kHexBytes));
  const auto key = FromHex(line.substr(kSignatureAt + kHexBytes + 4, 64));
  if (!signature || !key) return Damaged();
  if (crypto_sign_verify_detached(signature->data(), AsBytes(body).data(), body.size(), key->data()) != 0)
    return Damaged();
  std::map<std::string, std::string> digests;
  if (std::ranges::find(trusted_keys, *key) == trusted_keys.end()) return digests;
  for (std::size_t begin = kSignatureBegins.size(); begin < body.size();) {
    const std::size_t end = body.find('\n', begin);
    const std::string_view entry = body.substr(begin, end - begin);
    if (entry.size() <= kNameAt) return Damaged();
    digests.emplace(entry.substr(kNameAt), entry.substr(0, kDigestDigits));
    begin = end + 1;
  }
  return digests;
}

Result<std::map<std::string, Bytes>> ReadRuleFiles(const std::filesystem::path& directory) {
  std::map<std::string, Bytes> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const auto extension = entry.path().extension();
    if (extension != ".yml" && extension != ".yaml") continue;
    auto content = ReadFile(entry.path(), kRuleFileBytesMax);
    if (!content) return Fail(content.error());
    files[entry.path().filename().string()] = std::move(*content);
  }
  if (error)
    return Fail(ErrorCode::kNotFound, "cannot read the rules folder {}: {}", directory.string(), error.message());
  if (files.empty()) return Fail(ErrorCode::kNotFound, "the rules folder {} holds no *.yml file", directory.string());
  return files;
}

}  // namespace spanwatch::policy
