#include "content/layer.h"

namespace spanwatch::content {

std::span<const LayerSpec* const> Layers() {
  static constexpr const LayerSpec* kLayers[] = {
#define LAYER(name) &k##name##Layer,
#include "content/layers.def"
#undef LAYER
  };
  return kLayers;
}

}  // namespace spanwatch::content
