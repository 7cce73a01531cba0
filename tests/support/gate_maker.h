// GateCamera: made-up frames of a fixed camera over a gate, that look alike: a booth, a barrier, kerbs and asphalt fill
// most of each, and a smaller vehicle of one of few shapes and colours halts at nearly the same place. They lie nearer
// to one another than real gate frames mostly do, and are drawn independently of LaneCamera (distances to rounded boxes
// instead of polygons). The same seed, camera and frame number give the same samples everywhere. Values; any thread.
#pragma once

#include "support/picture_codec.h"

namespace spanwatch::test {

class GateCamera {
 public:
  GateCamera(std::uint64_t seed, std::uint32_t camera, std::uint32_t width = 1280, std::uint32_t height = 720);

  Picture Frame(std::uint32_t number) const;

 private:
  std::uint64_t seed_;
  Picture background_;
};

}  // namespace spanwatch::test
