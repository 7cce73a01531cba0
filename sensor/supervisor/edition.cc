#include "supervisor/edition.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/file.h"
#include "config/in_force.h"

namespace spanwatch::supervisor {
namespace {

std::string TakeString(ByteReader& reader) { return std::string(AsText(reader.Take(reader.U32Le()))); }

Bytes TakeBytes(ByteReader& reader) {
  const ByteView bytes = reader.Take(reader.U32Le());
  return {bytes.begin(), bytes.end()};
}

Bytes Encode(const Edition& edition) {
  ByteWriter writer;
  writer.Text(edition.name);
  writer.Text(edition.started_with);
  writer.Text(edition.latest);
  writer.Le(static_cast<std::uint8_t>(edition.has_rules));
  writer.Text(edition.rules.manifest);
  writer.Le(static_cast<std::uint32_t>(edition.rules.files.size()));
  for (const auto& [name, content] : edition.rules.files) {
    writer.Text(name);
    writer.Text(AsText(content));
  }
  writer.Le(static_cast<std::uint32_t>(edition.trusted_keys.size()));
  for (const Bytes& key : edition.trusted_keys) writer.Text(AsText(key));
  writer.Le(edition.digest);
  return writer.Release();
}

Result<Edition> Decode(ByteView bytes) {
  ByteReader reader(bytes);
  Edition edition;
  edition.name = TakeString(reader);
  edition.started_with = TakeString(reader);
  edition.latest = TakeString(reader);
  edition.has_rules = reader.U8() != 0;
  edition.rules.manifest = TakeString(reader);
  const std::uint32_t files = reader.U32Le();
  for (std::uint32_t i = 0; i < files && reader.ok(); ++i) {
    std::string name = TakeString(reader);
    edition.rules.files.emplace(std::move(name), TakeBytes(reader));
  }
  const std::uint32_t keys = reader.U32Le();
  for (std::uint32_t i = 0; i < keys && reader.ok(); ++i) edition.trusted_keys.push_back(TakeBytes(reader));
  edition.digest = reader.U64Le();
  if (!reader.ok() || reader.remaining() != 0)
    return Fail(ErrorCode::kCorrupt, "what the launcher handed over of its configuration is damaged");
  return edition;
}

}  // namespace

Result<UniqueFd> WriteEdition(const Edition& edition) {
  const Bytes bytes = Encode(edition);
  UniqueFd file(::memfd_create("spanwatch-generation", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return FailErrno("cannot make a file in memory for the configuration");
  if (Status status = WriteAll(file.get(), bytes, "the configuration to memory"); !status) return Fail(status.error());
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return FailErrno("cannot seal the configuration in memory");
  return file;
}

Result<Edition> ReadEdition(const UniqueFd& file) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return FailErrno("cannot look at the configuration in memory");
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  // Others hold the same file, so its position is nobody's.
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got <= 0) return FailErrno("cannot read the configuration from memory");
    done += static_cast<std::size_t>(got);
  }
  return Decode(bytes);
}

Result<config::Config> ConfigOf(const Edition& edition, std::vector<std::string>& needs_restart) {
  auto started_with = config::ParseConfig(edition.started_with, edition.name);
  if (!started_with) return Fail(started_with.error());
  auto latest = config::ParseConfig(edition.latest, edition.name);
  if (!latest) return Fail(latest.error());
  return config::InForce(*started_with, std::move(*latest), needs_restart);
}

}  // namespace spanwatch::supervisor
