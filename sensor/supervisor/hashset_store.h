// HashSetStore: the hash sets that a sensor has taken in, in the folder `hashsets` of its state directory: those in
// force, and those in force before them, for `spanwatch hashset rollback`.
//
//   hashsets/<id>.swset    a copy (mode 0400; shares its blocks where the file system can), named for its signature
//   hashsets/taken.json    {generations: [{taken, sets: [{id, line, name, serial, file}]}], held_back: [id]}, newest
//   first
//
// A line of sets is what one register built, told by signer, name, seed, and of deltas their base. Within a line the
// serial never falls unless the operator rolls back; a set that was rolled back from is held back for as long as it is
// configured, and its predecessor stands in for it. Used by the launcher's side at each (re)load: Take for every
// configured set, then Commit once they are in force. One thread; nothing is kept open.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hashset/mapped_hashset.h"

namespace spanwatch::supervisor {

struct TakenSet {
  std::string id;
  std::string line;
  std::string name;
  std::uint64_t serial = 0;
  std::string file;  // where it was configured
};

struct Generation {
  std::string taken;  // RFC 3339, wall clock
  std::vector<TakenSet> sets;
};

class HashSetStore {
 public:
  // kStart: an older set than the one known gives way to that one, with a warning; kReload: it is refused.
  enum class When { kStart, kReload };

  // Makes the folder when it is not there. `generations_kept`: beside the one in force.
  static Result<HashSetStore> Open(const std::filesystem::path& state_directory, std::size_t generations_kept);

  // The set to use for this configured file, copied and whole; nothing when it is held back and had no predecessor.
  Result<std::optional<UniqueFd>> Take(const std::filesystem::path& file, std::span<const Bytes> trusted, When when);
  // What was taken is in force: the newest generation. Removes what no generation names any more.
  Status Commit();

  // The operator's word: the generation before is to be in force at the next reload. Returns what changes, a line each.
  Result<std::vector<std::string>> RollBack();
  const std::vector<Generation>& generations() const { return generations_; }

 private:
  HashSetStore(std::filesystem::path folder, std::size_t kept) : folder_(std::move(folder)), kept_(kept) {}
  Status Read();
  Status Write() const;
  const TakenSet* InForce(const std::string& line) const;
  std::filesystem::path FileOf(const std::string& id) const { return folder_ / (id + ".swset"); }
  Result<UniqueFd> Kept(const TakenSet& set, std::span<const Bytes> trusted);
  Result<UniqueFd> Copy(const UniqueFd& source, const std::string& name, std::span<const Bytes> trusted);
  void RemoveUnnamed() const;

  std::filesystem::path folder_;
  std::size_t kept_;
  std::vector<Generation> generations_;  // newest first
  std::vector<std::string> held_back_;
  std::vector<TakenSet> taking_;              // by Take since Open
  std::vector<std::string> still_held_back_;  // of held_back_: configured still
};

// The name of a set's content, and the line it belongs to.
TakenSet Describe(const hashset::MappedHashSet& set, const std::filesystem::path& file);

}  // namespace spanwatch::supervisor
