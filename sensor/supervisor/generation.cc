#include "supervisor/generation.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "config/in_force.h"

namespace spanwatch::supervisor {
namespace {

std::string TakeString(ByteReader& reader) { return std::string(AsText(reader.Take(reader.U32Le()))); }

Bytes TakeBytes(ByteReader& reader) {
  const ByteView bytes = reader.Take(reader.U32Le());
  return {bytes.begin(), bytes.end()};
}

Bytes Encode(const Generation& generation) {
  ByteWriter writer;
  writer.Text(generation.name);
  writer.Text(generation.started_with);
  writer.Text(generation.latest);
  writer.Le(static_cast<std::uint8_t>(generation.has_rules));
  writer.Text(generation.rules.manifest);
  writer.Le(static_cast<std::uint32_t>(generation.rules.files.size()));
  for (const auto& [name, content] : generation.rules.files) {
    writer.Text(name);
    writer.Text(AsText(content));
  }
  writer.Le(static_cast<std::uint32_t>(generation.trusted_keys.size()));
  for (const Bytes& key : generation.trusted_keys) writer.Text(AsText(key));
  writer.Le(generation.digest);
  return writer.Release();
}

Result<Generation> Decode(ByteView bytes) {
  ByteReader reader(bytes);
  Generation generation;
  generation.name = TakeString(reader);
  generation.started_with = TakeString(reader);
  generation.latest = TakeString(reader);
  generation.has_rules = reader.U8() != 0;
  generation.rules.manifest = TakeString(reader);
  const std::uint32_t files = reader.U32Le();
  for (std::uint32_t i = 0; i < files && reader.ok(); ++i) {
    std::string name = TakeString(reader);
    generation.rules.files.emplace(std::move(name), TakeBytes(reader));
  }
  const std::uint32_t keys = reader.U32Le();
  for (std::uint32_t i = 0; i < keys && reader.ok(); ++i) generation.trusted_keys.push_back(TakeBytes(reader));
  generation.digest = reader.U64Le();
  if (!reader.ok() || reader.remaining() != 0)
    return Fail(ErrorCode::kCorrupt, "what the launcher handed over of its configuration is damaged");
  return generation;
}

}  // namespace

Result<UniqueFd> WriteGeneration(const Generation& generation) {
  const Bytes bytes = Encode(generation);
  UniqueFd file(::memfd_create("spanwatch-generation", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return FailErrno("cannot make a file in memory for the configuration");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (written <= 0) return FailErrno("cannot write the configuration to memory");
    done += static_cast<std::size_t>(written);
  }
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return FailErrno("cannot seal the configuration in memory");
  return file;
}

Result<Generation> ReadGeneration(const UniqueFd& file) {
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

Result<config::Config> ConfigOf(const Generation& generation, std::vector<std::string>& needs_restart) {
  auto started_with = config::ParseConfig(generation.started_with, generation.name);
  if (!started_with) return Fail(started_with.error());
  auto latest = config::ParseConfig(generation.latest, generation.name);
  if (!latest) return Fail(latest.error());
  return config::InForce(*started_with, std::move(*latest), needs_restart);
}

}  // namespace spanwatch::supervisor
