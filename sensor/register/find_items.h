// Which items of a register are one person's plate, or one picture: what `register remove` takes by its value. All of
// the register is read. One thread.
#pragma once

#include <optional>
#include <span>

#include "register/register_database.h"

namespace spanwatch::enrolment {

struct FoundItems {
  std::vector<ItemEntry> items;
  std::vector<ItemEntry> look_alikes;  // pictures that look like it; perhaps copies, perhaps others
};

// `collection`: only of this one; empty: of all.
// Records that have one of these plate tags.
Result<FoundItems> ItemsOfPlate(RegisterDatabase& database, const std::string& collection,
                                std::span<const std::uint64_t> tags);
// The same bytes, the same image data, or an imported digest or picture hash of it.
Result<FoundItems> ItemsOfPicture(RegisterDatabase& database, const std::string& collection,
                                  const FileFingerprint& picture);
// Of which this is the SHA-256 (32 bytes) or the MD5 (16 bytes).
Result<FoundItems> ItemsOfDigest(RegisterDatabase& database, const std::string& collection, ByteView digest);

}  // namespace spanwatch::enrolment
