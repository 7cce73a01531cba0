// Key sources: where a key lies, named in one word wherever a key file is named.
//
//   PATH              a key file (key_file.h), for example one that the operator mounts
//   credential:NAME   a credential that systemd handed over, a key file in $CREDENTIALS_DIRECTORY (systemd.exec(5)).
//                     LoadCredentialEncrypted= unseals it with the TPM or the host's key; nothing here needs to know
//   keyring:NAME      a key of type `user` and this description in the kernel's keyrings that the process may search
//                     (keyctl(1)): the text of a key file, or its 32 bytes. It never touches a disk
//
// Whoever reads a secret key wipes the returned bytes. Safe from any thread.
#pragma once

#include <string>

#include "base/key_file.h"

namespace spanwatch {

// True for what is no path.
bool IsNamedKeySource(std::string_view source);
// The 32 bytes of a key of this kind.
Result<Bytes> ReadKey(const std::string& source, KeyKind kind);

}  // namespace spanwatch
