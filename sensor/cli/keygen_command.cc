#include <sodium.h>

#include <algorithm>

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

// The public half again, when only the signing key is left. One that is there already is compared.
Status MakePublicKey(const std::string& signing_file, const std::string& public_file) {
  auto seed = ReadKeyFile(signing_file, KeyKind::kSigning);
  if (!seed) return Fail(seed.error());
  const hashset::PublicKey key = hashset::PublicKeyOf(*seed);
  sodium_memzero(seed->data(), seed->size());
  const auto there = ReadKeyFile(public_file, KeyKind::kPublic);
  if (there && std::ranges::equal(*there, key)) return {};
  return WriteKeyFile(public_file, KeyKind::kPublic, key);
}

int Keygen(const std::string& out, const std::string& public_from) {
  if (public_from.empty() && out.empty()) {
    return Report({ErrorCode::kUsage, "name the pair with --out NAME, or a signing key with --public-from KEY"});
  }
  if (public_from.empty()) {
    const Status status = MakeKeyPair(out);
    if (!status) return Report(status.error());
    std::fprintf(stderr, "wrote %s.key (keep it secret) and %s.pub\n", out.c_str(), out.c_str());
    return kExitDone;
  }
  const std::string name = !out.empty()                    ? out
                           : public_from.ends_with(".key") ? public_from.substr(0, public_from.size() - 4)
                                                           : public_from;
  const Status status = MakePublicKey(public_from, name + ".pub");
  if (!status) return Report(status.error());
  std::fprintf(stderr, "%s.pub holds the public half of %s\n", name.c_str(), public_from.c_str());
  return kExitDone;
}

}  // namespace

void AddKeygenCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("keygen", "Makes the key pair that an owner signs hash sets and rules with");
  const auto out = std::make_shared<std::string>();
  const auto public_from = std::make_shared<std::string>();
  command->add_option("--out", *out, "Name of the pair: writes NAME.key (mode 0600, keep it secret) and NAME.pub")
      ->type_name("NAME");
  command
      ->add_option("--public-from", *public_from,
                   "Writes only the public half of this signing key, to NAME.pub, or beside the key")
      ->type_name("KEY");
  command->footer("Example: spanwatch keygen --out owner\nExample: spanwatch keygen --public-from owner.key");
  command->callback([out, public_from, &exit_status] { exit_status = Keygen(*out, *public_from); });
}

}  // namespace spanwatch::cli
