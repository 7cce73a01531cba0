// TemporaryFile: an unlinked file (mode 0600) that grows at its end and is read anywhere: rows that wait for their
// section of a hash set. Used by ExternalSorter and RowSpool, and by a delta for the whole set behind it. Made with the
// first write; one thread.
#pragma once

#include <filesystem>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::hashset {

// An unlinked file in this folder, to be written and read.
Result<UniqueFd> OpenTemporaryFile(const std::filesystem::path& folder);

class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Status Append(ByteView bytes);
  // REQUIRES: as much was appended
  Status Read(std::uint64_t offset, std::span<std::uint8_t> bytes) const;
  std::uint64_t size() const { return size_; }

 private:
  std::filesystem::path folder_;
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

}  // namespace spanwatch::hashset
