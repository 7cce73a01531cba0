// 7z (7zFormat.txt): its index is at its end, so it is held up to a limit and read with seeks; beyond, searched as raw
// bytes.
#include <archive.h>

#include "base/byte_reader.h"
#include "content/archive_layer.h"
#include "content/file_magic.h"
#include "content/object_node.h"

namespace spanwatch::content {
namespace {

constexpr std::size_t kSignatureHeaderBytes = 32;

constexpr ArchiveFormat kFormat = {
    .name = "7z",
    .enable = archive_read_support_format_7zip,
    .seeks = true,
};

// The signature header tells where the index lies and how long it is.
std::optional<std::uint64_t> SizeOf(ByteView head) {
  ByteReader reader(head);
  reader.Skip(12);
  const std::uint64_t offset = reader.U64Le();
  const std::uint64_t length = reader.U64Le();
  constexpr std::uint64_t kSane = std::uint64_t{1} << 48;
  if (!reader.ok() || offset > kSane || length > kSane) return std::nullopt;
  return kSignatureHeaderBytes + offset + length;
}

}  // namespace

constinit const LayerSpec kSevenZipLayer = {
    .name = "7z",
    .help = "7z archives up to content.held_bytes.",
    .probe = [](const ObjectInfo&, ByteView head,
                bool) { return IsPlausible(FileKind::kSevenZip, head) ? Likelihood::kYes : Likelihood::kNo; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<HeldArchiveLayer>(object, kFormat, SizeOf, kSignatureHeaderBytes);
    },
};

}  // namespace spanwatch::content
