// FilterLayer: takes a compression off an object that libarchive reads and no other library here does (bzip2, LZ4):
// what comes out is the one child. Shared by the layers of those, which only bring their ArchiveFormat.
#pragma once

#include <archive.h>

#include "content/archive_reader.h"
#include "content/object_node.h"

namespace spanwatch::content {

// ArchiveFormat::enable of one compression by its code (ARCHIVE_FILTER_*). The one filter, not whatever libarchive
// would find below it: every step of nesting has to pass the limits.
template <int kFilter>
int EnableFilter(archive* handle) {
  const int filtered = archive_read_append_filter(handle, kFilter);
  return filtered < ARCHIVE_WARN ? filtered : archive_read_support_format_raw(handle);
}

class FilterLayer final : public Layer {
 public:
  // The format lives as long as the program.
  FilterLayer(ObjectNode& object, const ArchiveFormat& format)
      : object_(object), step_(format.name), reader_(std::make_unique<ArchiveReader>(format)) {}
  Taken Write(ByteView bytes) noexcept override;
  bool Gap(std::uint64_t length) noexcept override;
  void End(ObjectEnd end) noexcept override;

 private:
  // False when nothing more comes out; `whole_` tells why.
  bool Pump();

  ObjectNode& object_;
  std::string_view step_;
  std::unique_ptr<ArchiveReader> reader_;
  std::unique_ptr<ObjectNode> child_;
  bool whole_ = false;  // its end was reached
};

}  // namespace spanwatch::content
