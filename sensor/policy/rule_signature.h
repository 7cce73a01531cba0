// The signature over a rules folder: `rules.signed` lists the SHA-256 of each file and is signed with an owner's
// Ed25519 key. A file is `signed` when a manifest by a trusted key lists its name with its present content; one that
// the manifest lists and the folder lacks was taken away, and the folder is refused (design.md section 2, Who is
// trusted).
//
//   spanwatch-rules-signature 1
//   <sha256 in hex>  <file name>          one line a file, sorted by name
//   signature <hex of 64 bytes> by <hex of the public key>     over all lines before this one
#pragma once

#include <filesystem>
#include <map>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::policy {

inline constexpr const char* kSignatureFile = "rules.signed";
inline constexpr std::string_view kSignatureBegins = "spanwatch-rules-signature 1\n";

// REQUIRES: the 32-byte seed of an Ed25519 key (base/key_file.h, kSigning).
std::string MakeRuleManifest(const std::map<std::string, Bytes>& files, ByteView signing_seed);
// File name to SHA-256 (hex) of every file that a trusted key signed; empty when the signature is by nobody trusted.
// Fails when the manifest is damaged.
Result<std::map<std::string, std::string>> VerifyRuleManifest(std::string_view manifest,
                                                              std::span<const Bytes> trusted_keys);
std::string ContentDigest(ByteView content);

// Every *.yml and *.yaml of a folder by file name, sorted; not its sub-folders.
Result<std::map<std::string, Bytes>> ReadRuleFiles(const std::filesystem::path& directory);

}  // namespace spanwatch::policy
