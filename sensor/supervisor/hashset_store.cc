#include "supervisor/hashset_store.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sodium.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_writer.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/time.h"
#include "telemetry/log.h"

namespace spanwatch::supervisor {
namespace {

namespace fs = std::filesystem;
using hashset::MappedHashSet;
using nlohmann::json;

constexpr std::size_t kTakenBytesMax = 1u << 20;
constexpr std::string_view kCopying = ".taking-";

std::string ShortHash(ByteView bytes) {
  std::array<std::uint8_t, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
  return ToHex(hash);
}

json Encode(const TakenSet& set) {
  return {{"id", set.id}, {"line", set.line}, {"name", set.name}, {"serial", set.serial}, {"file", set.file}};
}

TakenSet DecodeSet(const json& value) {
  return {value.at("id"), value.at("line"), value.at("name"), value.at("serial"), value.at("file")};
}

bool SameSets(const std::vector<TakenSet>& a, const std::vector<TakenSet>& b) {
  return std::ranges::equal(a, b, {}, &TakenSet::id, &TakenSet::id);
}

Status CopyContent(const UniqueFd& source, const UniqueFd& copy, const fs::path& folder) {
  if (::ioctl(copy.get(), FICLONE, source.get()) == 0) return {};
  struct stat status{};
  if (::fstat(source.get(), &status) != 0) return FailErrno("cannot look at a hash set");
  for (off_t copied = 0; copied < status.st_size;) {
    const ssize_t moved = ::sendfile(copy.get(), source.get(), &copied, 1u << 30);
    if (moved <= 0) return FailErrno("cannot copy a hash set into " + folder.string());
  }
  return {};
}

}  // namespace

TakenSet Describe(const MappedHashSet& set, const fs::path& file) {
  const hashset::Manifest& manifest = set.manifest();
  ByteWriter line;
  line.Raw(set.signer());
  line.Text(manifest.name);
  line.Le(manifest.fragment_seed);
  line.Le(static_cast<std::uint8_t>(manifest.is_delta()));
  if (manifest.is_delta()) line.Raw(manifest.base_digest);
  return {ShortHash(set.signature()), ShortHash(line.bytes()), manifest.name, manifest.serial, file.string()};
}

Result<HashSetStore> HashSetStore::Open(const fs::path& state_directory, std::size_t generations_kept) {
  HashSetStore store(state_directory / "hashsets", generations_kept);
  std::error_code error;
  if (fs::create_directory(store.folder_, error)) fs::permissions(store.folder_, fs::perms::owner_all, error);
  if (error) return Fail(ErrorCode::kIo, "cannot make {}: {}", store.folder_.string(), error.message());
  if (Status status = store.Read(); !status) return Fail(status.error());
  return store;
}

Status HashSetStore::Read() {
  const fs::path file = folder_ / "taken.json";
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  const auto content = ReadFile(file, kTakenBytesMax);
  if (!content) return Fail(content.error());
  try {
    const json document = json::parse(*content);
    for (const json& one : document.at("generations")) {
      Generation& generation = generations_.emplace_back();
      generation.taken = one.at("taken");
      for (const json& set : one.at("sets")) generation.sets.push_back(DecodeSet(set));
    }
    held_back_ = document.at("held_back").get<std::vector<std::string>>();
  } catch (const json::exception&) {
    return Fail(ErrorCode::kCorrupt, "{} is damaged; remove it (what could be rolled back to is then forgotten)",
                file.string());
  }
  return {};
}

Status HashSetStore::Write() const {
  json document{{"generations", json::array()}, {"held_back", held_back_}};
  for (const Generation& generation : generations_) {
    json sets = json::array();
    for (const TakenSet& set : generation.sets) sets.push_back(Encode(set));
    document["generations"].push_back({{"taken", generation.taken}, {"sets", std::move(sets)}});
  }
  const std::string text = document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
  // Whoever rolls back need not be who runs the sensor; the folder keeps others out.
  return WriteFileAtomically(folder_ / "taken.json", AsBytes(text), 0644);
}

const TakenSet* HashSetStore::InForce(const std::string& line) const {
  if (generations_.empty()) return nullptr;
  const auto found = std::ranges::find(generations_.front().sets, line, &TakenSet::line);
  return found == generations_.front().sets.end() ? nullptr : &*found;
}

Result<std::optional<UniqueFd>> HashSetStore::Take(const fs::path& file, std::span<const Bytes> trusted, When when) {
  auto source = OpenForReading(file);
  if (!source) return Fail(source.error().In("hash set"));
  const auto opened = MappedHashSet::Open(*source, file.string(), trusted);
  if (!opened) return Fail(opened.error());
  TakenSet set = Describe(**opened, file);
  const TakenSet* in_force = InForce(set.line);
  const bool held_back = std::ranges::find(held_back_, set.id) != held_back_.end();
  if (held_back) {
    still_held_back_.push_back(set.id);
    Log(LogLevel::kWarning, "A hash set that was rolled back from is held back", "hashset={} serial={}", file.string(),
        set.serial);
    if (in_force == nullptr) return std::optional<UniqueFd>();
  }
  const bool older = in_force != nullptr && set.serial < in_force->serial;
  if (older && when == When::kReload && !held_back) {
    return Fail(
        ErrorCode::kInvalid,
        "hash set {}: serial {} is older than serial {}, which is in use; 'spanwatch hashset rollback' goes back",
        file.string(), set.serial, in_force->serial);
  }
  if (older && !held_back) {
    Log(LogLevel::kWarning, "A hash set is older than the one that was in use, which is used again",
        "hashset={} serial={} used={}", file.string(), set.serial, in_force->serial);
  }
  if (older || held_back) {
    set = *in_force;
    set.file = file.string();
  }
  auto kept = Kept(set, trusted);
  if (!kept && (older || held_back)) return Fail(kept.error());
  if (!kept) kept = Copy(*source, file.string(), trusted);
  if (!kept) return Fail(kept.error());
  taking_.push_back(std::move(set));
  return std::optional<UniqueFd>(std::move(*kept));
}

Result<UniqueFd> HashSetStore::Kept(const TakenSet& set, std::span<const Bytes> trusted) {
  auto file = OpenForReading(FileOf(set.id));
  if (!file) return Fail(file.error());
  const auto opened = MappedHashSet::Open(*file, set.file, trusted);
  if (!opened) return Fail(opened.error());
  if (Describe(**opened, set.file).id != set.id) return Fail(ErrorCode::kCorrupt, "{} was changed", set.file);
  if (Status status = (*opened)->VerifyChecksums(); !status) return Fail(status.error());
  return std::move(*file);
}

Result<UniqueFd> HashSetStore::Copy(const UniqueFd& source, const std::string& name, std::span<const Bytes> trusted) {
  std::string temporary = (folder_ / (std::string(kCopying) + "XXXXXX")).string();
  const UniqueFd writable(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!writable) return FailErrno("cannot copy a hash set into " + folder_.string());
  Result<UniqueFd> copy = OpenForReading(temporary);
  Status status = copy ? CopyContent(source, writable, folder_) : Fail(copy.error());
  if (status && (::fchmod(writable.get(), 0400) != 0 || ::fsync(writable.get()) != 0)) {
    status = FailErrno("cannot write " + temporary);
  }
  if (status) {
    const auto opened = MappedHashSet::Open(*copy, name, trusted);
    status = opened ? (*opened)->VerifyChecksums() : Fail(opened.error());
    if (status && ::rename(temporary.c_str(), FileOf(Describe(**opened, name).id).c_str()) != 0) {
      status = FailErrno("cannot write " + temporary);
    }
  }
  if (status) return copy;
  ::unlink(temporary.c_str());
  return Fail(status.error());
}

Status HashSetStore::Commit() {
  // The operator may have rolled back in between: then that is what counts at the next reload.
  HashSetStore now(folder_, kept_);
  if (Status status = now.Read(); !status) return status;
  const bool rolled_back_since = now.held_back_ != held_back_;
  if (rolled_back_since) return {};
  held_back_ = still_held_back_;
  if (generations_.empty() || !SameSets(generations_.front().sets, taking_)) {
    generations_.insert(generations_.begin(), {FormatRfc3339(WallClockNow()), taking_});
    if (generations_.size() > kept_ + 1) generations_.resize(kept_ + 1);
  } else {
    generations_.front().sets = taking_;  // a file may have moved
  }
  if (Status status = Write(); !status) return status;
  RemoveUnnamed();
  return {};
}

void HashSetStore::RemoveUnnamed() const {
  std::vector<std::string> named;
  for (const Generation& generation : generations_) {
    for (const TakenSet& set : generation.sets) named.push_back(set.id + ".swset");
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const bool old_set = name.ends_with(".swset") && std::ranges::find(named, name) == named.end();
    // What is in use stays readable by those who have it open.
    if (entry.is_regular_file(error) && (old_set || name.starts_with(kCopying))) fs::remove(entry.path(), error);
  }
}

Result<std::vector<std::string>> HashSetStore::RollBack() {
  if (generations_.size() < 2) {
    return Fail(ErrorCode::kNotFound, "there is nothing to go back to: no other hash sets were in force before");
  }
  const Generation from = std::move(generations_.front());
  generations_.erase(generations_.begin());
  std::vector<std::string> changes;
  for (const TakenSet& set : from.sets) {
    const TakenSet* before = InForce(set.line);
    if (before != nullptr && before->id == set.id) continue;
    held_back_.push_back(set.id);
    changes.push_back(before == nullptr
                          ? fmt::format("{}: serial {} is left out", set.name, set.serial)
                          : fmt::format("{}: from serial {} back to serial {}", set.name, set.serial, before->serial));
  }
  if (Status status = Write(); !status) return Fail(status.error());
  return changes;
}

}  // namespace spanwatch::supervisor
