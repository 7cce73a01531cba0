// One input through an ObjectTree as a fuzz target sees it: the first byte chooses how the rest is split and where a
// gap falls; limits are small, so that each of them is met.
#pragma once

#include "support/content_run.h"

namespace spanwatch::testing {

inline void FuzzContent(const ObjectInfo& info, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  config::Limits limits;
  limits.content_depth_count = 6;
  limits.content_children_count = 256;
  limits.content_expansion_allowance_bytes = 1 << 20;
  limits.content_expansion_ratio = 16;
  limits.content_held_bytes = 1 << 20;
  ContentRun run(limits);
  const auto consumer = run.Open(info);
  const std::size_t piece = data[0] % 64 == 0 ? size : data[0] % 64;
  const bool gap = (data[0] & 0x80) != 0;
  ByteView rest(data + 1, size - 1);
  const std::size_t middle = rest.size() / 2;
  for (std::size_t at = 0; at < rest.size();) {
    const Bytes part(rest.begin() + static_cast<std::ptrdiff_t>(at),
                     rest.begin() + static_cast<std::ptrdiff_t>(std::min(rest.size(), at + piece)));
    if (gap && at <= middle && at + part.size() > middle) consumer->OnGap(100);
    consumer->OnData(part);
    at += part.size();
  }
  consumer->OnEnd(ObjectEnd::kComplete);
}

}  // namespace spanwatch::testing
