// Layer: opens one kind of wrapping of an object and gives what is inside as child objects. To add one, write
// <name>_layer.cc with its LayerSpec and add a line to layers.def.
//
// A layer gets `(Write | Gap)* End` of one object. Depth, expansion, number of children and time are enforced by the
// ObjectNode it opens its children on; a layer only stops when a child cannot be opened or written. It keeps no view of
// the bytes it is given. Inspector thread only.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "model/object.h"

namespace spanwatch::content {

class ObjectNode;

enum class LayerState : std::uint8_t {
  kMore,    // took every byte
  kDone,    // its content ended; the bytes it did not take are not its own
  kBroken,  // not what it seemed, or damaged, from the first byte it did not take
};

struct Taken {
  std::size_t bytes = 0;
  LayerState state = LayerState::kMore;
};

class Layer {
 public:
  virtual ~Layer() = default;
  virtual Taken Write(ByteView bytes) noexcept = 0;
  // False when the layer cannot go on behind a gap; End follows all the same.
  virtual bool Gap(std::uint64_t length) noexcept = 0;
  // Ends the children that are still open; `end` is how the object ended, or kAborted when the layer is given up.
  virtual void End(ObjectEnd end) noexcept = 0;
  // Bytes that it holds now beyond LayerSpec::memory_bytes: an archive that is kept, a decoder's window.
  virtual std::uint64_t held() const noexcept { return 0; }
};

enum class LayerRole : std::uint8_t {
  kContainer,  // explains the whole object: at most one of these opens an object
  kSearch,     // looks for something inside bytes that no container explains
};

enum class Likelihood : std::uint8_t { kNo, kMaybe, kYes };

struct LayerSpec {
  std::string_view name;  // first word of the children's provenance step
  std::string_view help;
  LayerRole role = LayerRole::kContainer;
  std::array<std::string_view, 3> encodings{};  // declared content or transfer encodings that it takes off
  std::uint64_t memory_bytes = 4096;            // what one open layer holds, its libraries included
  // `head`: the first bytes of the object, at least 512 or all. `declared`: one of `encodings` is the object's
  // outermost.
  Likelihood (*probe)(const ObjectInfo& info, ByteView head, bool declared) = nullptr;
  // `head` as above; empty when the object was found by this layer's magic.
  std::unique_ptr<Layer> (*create)(ObjectNode& object, ByteView head) = nullptr;
};

#define LAYER(name) extern const LayerSpec k##name##Layer;
#include "content/layers.def"
#undef LAYER

std::span<const LayerSpec* const> Layers();

}  // namespace spanwatch::content
