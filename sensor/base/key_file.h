// Key files: what `spanwatch keygen` and `register init` write and every command that takes a key reads. Two lines of
// text: what the key is, and its bytes in hexadecimal:
//
//   spanwatch-public-key-v1
//   8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f
//
// Whoever reads a secret key wipes the returned bytes. Safe from any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace spanwatch {

// kSigning: the 32-byte seed of an Ed25519 key; kPublic: its public half; kRecord: 32 random bytes.
enum class KeyKind { kSigning, kPublic, kRecord };

inline constexpr std::size_t kKeyBytes = 32;

// The 32 bytes of a key of this kind. A secret key that others may read is refused; of a record key only one that
// nobody may write (0444 and the like) is taken all the same, as container engines mount secrets.
Result<Bytes> ReadKeyFile(const std::filesystem::path& path, KeyKind kind);
// The same from a key file's text; `name` is for messages.
Result<Bytes> ParseKeyFile(std::string_view text, const std::string& name, KeyKind kind);
// Whether a text begins as the key files of any kind do.
bool BeginsAsKeyFile(std::string_view text);
// Mode 0644 for a public key, 0600 for the others. Refuses to replace a file.
Status WriteKeyFile(const std::filesystem::path& path, KeyKind kind, ByteView key);

}  // namespace spanwatch
