// The signature over a rules folder: `rules.signed` lists the SHA-256 of each file and is signed with an owner's
// Ed25519 key. A file is `signed` when a manifest by a trusted key lists its name. One that it lists and the folder
// lacks was taken away, one with another content was changed: either refuses the folder. One that it does not list is
// unsigned (design.md section 2, Who is trusted).
//
//   spanwatch-rules-signature 2
//   serial <number>                       rises with every signing, so that an older folder is told from a newer one
//   <sha256 in hex>  <file name>          one line a file, sorted by name
//   signature <hex of 64 bytes> by <hex of the public key>     over all lines before this one
//
// Version 1 had no serial; it is read as serial 0.
#pragma once

#include <filesystem>
#include <map>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch::policy {

inline constexpr const char* kSignatureFile = "rules.signed";
inline constexpr std::string_view kSignatureBegins = "spanwatch-rules-signature ";

struct RuleManifest {
  std::string signer;    // public key in hex
  bool trusted = false;  // the signer is among the keys that count
  std::uint64_t serial = 0;
  std::map<std::string, std::string> digests;  // file name to SHA-256 (hex)
};

// REQUIRES: the 32-byte seed of an Ed25519 key (base/key_file.h, kSigning).
std::string MakeRuleManifest(const std::map<std::string, Bytes>& files, std::uint64_t serial, ByteView signing_seed);
// Fails when the manifest is damaged: also when it does not bear out its own signature.
Result<RuleManifest> VerifyRuleManifest(std::string_view manifest, std::span<const Bytes> trusted_keys);
std::string ContentDigest(ByteView content);

// What a rules folder holds.
struct RuleFolder {
  std::map<std::string, Bytes> files;  // every *.yml and *.yaml by name; not those of its sub-folders
  std::string manifest;                // the text of kSignatureFile; empty when there is none
};
Result<RuleFolder> ReadRuleFolder(const std::filesystem::path& directory);

}  // namespace spanwatch::policy
