// `register build`: the hash set of everything in the register that has not expired. Windows shared between different
// pictures are listed as common, each collection is calibrated against itself, and the sizes and the expected recall of
// each family are told. One thread; reads the database, writes one file atomically.
#pragma once

#include <array>
#include <functional>

#include "hashset/hashset_writer.h"
#include "register/calibration.h"
#include "register/fragment_trade.h"
#include "register/register_database.h"
#include "register/shared_fragments.h"

namespace spanwatch::enrolment {

struct BuildOptions {
  std::filesystem::path out;
  std::string name;                  // of the set; empty: the register's owner
  Profile profile = Profile::kFull;  // no fuller than the register's
  std::uint32_t fragment_sure = 2;   // windows that agree and make a match sure
  // A whole set built before and the deltas built on it: write only what is other than in them.
  std::vector<std::filesystem::path> delta_from;
  bool earlier_key = false;  // only the plate records that are still under the record key before the last rotation
  // Higher than the last; without it the time in seconds, or one more than the last.
  std::optional<std::uint64_t> serial;
  PacketTime now;  // wall clock: what has expired by then is left out
  // How far each of its steps has come, now and then; from the thread that builds. May be empty.
  std::function<void(std::string_view step, std::uint64_t done, std::uint64_t total)> progress;
};

struct BuiltCollection {
  std::string name;
  Calibration calibration;
  std::uint64_t items = 0;
  bool negative = false;
  std::uint32_t expires_s = 0;  // as in the set
};

// What a profile would take of the files that are in the set.
struct ProfileSize {
  std::uint64_t windows = 0;
  std::uint64_t views = 0;
};

// An item of a negative bank, and what it explains of this register.
struct BankHits {
  ItemId id{};
  std::string collection;
  std::vector<ItemId> items;  // registered, left out of the set
  std::uint64_t windows = 0;  // registered, no evidence
};

struct BuildSummary {
  hashset::WrittenSet written;
  std::uint64_t serial = 0;
  std::uint64_t base_serial = 0;  // of the set that this one is a delta to
  std::uint64_t changed = 0;      // items of the delta that its base holds otherwise
  std::uint64_t removed = 0;      // items of the base that it takes back
  std::uint64_t items = 0;
  std::uint64_t expired = 0;
  std::uint64_t other_key = 0;  // records left out: under the record key before the last rotation
  std::uint64_t negatives = 0;  // items of negative banks
  std::uint64_t harmless = 0;   // items left out: a negative bank has the same file or picture
  std::vector<BankHits> banks;  // items of negative banks that explain something registered
  std::uint64_t files = 0;      // with digests and windows
  std::uint64_t digests_only = 0;
  std::uint64_t md5_only = 0;
  std::uint64_t pictures = 0;  // items with at least one view
  std::uint64_t views = 0;
  std::uint64_t records = 0;
  std::uint64_t supported_records = 0;
  FragmentSieveResult fragments;
  FragmentTrade fragment_trade;
  std::array<ProfileSize, kProfileNames.size()> profiles;  // as far as the register keeps as much
  std::vector<BuiltCollection> collections;
};

// `signing_seed`: the 32 bytes of a signing key file.
Result<BuildSummary> BuildHashSet(RegisterDatabase& database, const BuildOptions& options, ByteView signing_seed);

// Several lines for a person: bytes and expected recall of each family, calibration of each collection.
std::string Describe(const BuildSummary& summary);

}  // namespace spanwatch::enrolment
