#include "policy/rule_signature.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/file.h"
#include "base/hex.h"

namespace spanwatch::policy {
namespace {

constexpr std::size_t kRuleFileBytesMax = 4u << 20;
constexpr std::size_t kManifestBytesMax = 1u << 20;
constexpr std::size_t kStackOfSigning = 16 * 1024;  // that the key passes through, libsodium's own included
constexpr std::size_t kDigestDigits = crypto_hash_sha256_BYTES * 2;
constexpr std::size_t kNameAt = kDigestDigits + 2;
constexpr std::string_view kVersion1 = "spanwatch-rules-signature 1\n";
constexpr std::string_view kVersion2 = "spanwatch-rules-signature 2\n";
constexpr std::string_view kSerial = "serial ";

std::unexpected<Error> Damaged() {
  return Fail(ErrorCode::kCorrupt, "{} is damaged; sign the folder again with 'spanwatch rules sign'", kSignatureFile);
}

}  // namespace

std::string ContentDigest(ByteView content) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, content.data(), content.size());
  return ToHex(digest);
}

std::string MakeRuleManifest(const std::map<std::string, Bytes>& files, std::uint64_t serial, ByteView signing_seed) {
  std::string manifest = fmt::format("{}{}{}\n", kVersion2, kSerial, serial);
  for (const auto& [name, content] : files) manifest += ContentDigest(content) + "  " + name + "\n";
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  unsigned char secret_key[crypto_sign_SECRETKEYBYTES];
  crypto_sign_seed_keypair(public_key, secret_key, signing_seed.data());
  unsigned char signature[crypto_sign_BYTES];
  crypto_sign_detached(signature, nullptr, AsBytes(manifest).data(), manifest.size(), secret_key);
  sodium_memzero(secret_key, sizeof(secret_key));
  sodium_stackzero(kStackOfSigning);
  return manifest + "signature " + ToHex(signature) + " by " + ToHex(public_key) + "\n";
}

namespace {

// The serial line, taken off the front of `lines`.
std::optional<std::uint64_t> TakeSerial(std::string_view& lines) {
  if (!lines.starts_with(kSerial)) return std::nullopt;
  lines.remove_prefix(kSerial.size());
  std::uint64_t serial = 0;
  const auto [end, error] = std::from_chars(lines.data(), lines.data() + lines.size(), serial);
  if (error != std::errc() || end == lines.data() + lines.size() || *end != '\n') return std::nullopt;
  lines.remove_prefix(static_cast<std::size_t>(end - lines.data()) + 1);
  return serial;
}

}  // namespace

Result<RuleManifest> VerifyRuleManifest(std::string_view text, std::span<const Bytes> trusted_keys) {
  const std::size_t last = text.find("\nsignature ");
  const bool first_version = text.starts_with(kVersion1);
  if ((!first_version && !text.starts_with(kVersion2)) || last == std::string_view::npos) return Damaged();
  const std::string_view body = text.substr(0, last + 1);
  const std::string_view line = text.substr(last + 1);
  constexpr std::size_t kSignatureAt = 10, kHexBytes = crypto_sign_BYTES * 2;
  if (line.size() < kSignatureAt + kHexBytes + 4 + 64) return Damaged();
  const auto signature = FromHex(line.substr(kSignatureAt, kHexBytes));
  const auto key = FromHex(line.substr(kSignatureAt + kHexBytes + 4, 64));
  if (!signature || !key) return Damaged();
  if (crypto_sign_verify_detached(signature->data(), AsBytes(body).data(), body.size(), key->data()) != 0)
    return Damaged();
  RuleManifest manifest;
  manifest.signer = ToHex(*key);
  manifest.trusted = std::ranges::find(trusted_keys, *key) != trusted_keys.end();
  std::string_view lines = body.substr(kVersion1.size());
  if (!first_version) {
    const auto serial = TakeSerial(lines);
    if (!serial) return Damaged();
    manifest.serial = *serial;
  }
  while (!lines.empty()) {
    const std::string_view entry = lines.substr(0, lines.find('\n'));
    if (entry.size() <= kNameAt) return Damaged();
    manifest.digests.emplace(entry.substr(kNameAt), entry.substr(0, kDigestDigits));
    lines.remove_prefix(entry.size() + 1);
  }
  return manifest;
}

Result<RuleFolder> ReadRuleFolder(const std::filesystem::path& directory) {
  RuleFolder folder;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const auto extension = entry.path().extension();
    if (extension != ".yml" && extension != ".yaml") continue;
    auto content = ReadFile(entry.path(), kRuleFileBytesMax);
    if (!content) return Fail(content.error());
    folder.files[entry.path().filename().string()] = std::move(*content);
  }
  if (error)
    return Fail(ErrorCode::kNotFound, "cannot read the rules folder {}: {}", directory.string(), error.message());
  if (folder.files.empty())
    return Fail(ErrorCode::kNotFound, "the rules folder {} holds no *.yml file", directory.string());
  const auto manifest = directory / kSignatureFile;
  // A link to nowhere is no missing signature.
  if (!std::filesystem::exists(std::filesystem::symlink_status(manifest, error))) return folder;
  const auto text = ReadFile(manifest, kManifestBytesMax);
  if (!text) return Fail(text.error());
  folder.manifest = AsText(*text);
  return folder;
}

}  // namespace spanwatch::policy
