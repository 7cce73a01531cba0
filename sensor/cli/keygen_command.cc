#include <sodium.h>

#include "base/key_file.h"
#include "cli/command.h"
#include "hashset/hashset_writer.h"

namespace spanwatch::cli {
namespace {

Status MakeKeyPair(const std::string& name) {
  if (sodium_init() < 0) return Fail(ErrorCode::kUnavailable, "no random numbers to make a key of");
  const std::string public_file = name + ".pub";
  // Looked at first: a pair is never half made.
  if (std::error_code error; std::filesystem::exists(public_file, error)) {
    return Fail(ErrorCode::kExists, "{} exists already; move it away or choose another name", public_file);
  }
  Bytes seed(kKeyBytes);
  randombytes_buf(seed.data(), seed.size());
  const hashset::PublicKey public_key = hashset::PublicKeyOf(seed);
  Status status = WriteKeyFile(name + ".key", KeyKind::kSigning, seed);
  sodium_memzero(seed.data(), seed.size());
  if (!status) return status;
  status = WriteKeyFile(public_file, KeyKind::kPublic, public_key);
  if (!status) {
    std::error_code ignored;
    std::filesystem::remove(name + ".key", ignored);
  }
  return status;
}

}  // namespace

void AddKeygenCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("keygen", "Makes the key pair that an owner signs hash sets and rules with");
  const auto out = std::make_shared<std::string>();
  command->add_option("--out", *out, "Name of the pair: writes NAME.key (mode 0600, keep it secret) and NAME.pub")
      ->required()
      ->type_name("NAME");
  command->footer("Example: spanwatch keygen --out owner");
  command->callback([out, &exit_status] {
    const Status status = MakeKeyPair(*out);
    exit_status = status ? kExitDone : Report(status.error());
    if (status) std::fprintf(stderr, "wrote %s.key (keep it secret) and %s.pub\n", out->c_str(), out->c_str());
  });
}

}  // namespace spanwatch::cli
