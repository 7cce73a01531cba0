// Headers of encrypted zip entries in raw bytes: a zip whose beginning was missed, that was cut into pieces, or that
// stands in a stream which nobody parsed. What a zip layer opens is read there.
#include "content/object_node.h"
#include "content/zip_entry_reader.h"

namespace spanwatch::content {
namespace {

class ZipEntriesLayer final : public Layer {
 public:
  explicit ZipEntriesLayer(ObjectNode& object) : entries_(object) {}

  Taken Write(ByteView bytes) noexcept override {
    entries_.Write(bytes);
    return {bytes.size(), LayerState::kMore};
  }
  bool Gap(std::uint64_t length) noexcept override {
    entries_.Gap(length);
    return true;
  }
  void End(ObjectEnd end) noexcept override {
    if (end != ObjectEnd::kAborted) entries_.End();
  }

 private:
  ZipEntryReader entries_;
};

}  // namespace

constinit const LayerSpec kZipEntriesLayer = {
    .name = "zip entries",
    .help = "What encrypted zip archives list of their entries, found inside other bytes.",
    .role = LayerRole::kSearch,
    .probe = [](const ObjectInfo&, ByteView, bool) { return Likelihood::kYes; },
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<ZipEntriesLayer>(object);
    },
};

}  // namespace spanwatch::content
