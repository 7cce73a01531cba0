// MayWrite: whether a command may write its output under a name that may be taken. Every command that writes a file
// asks this before it begins to work, so that no mistyped name costs a register, a key or a capture. Any thread.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/result.h"

namespace spanwatch {

struct OutputKind {
  std::string_view name;          // for messages: "hash set"
  std::string_view begins;        // how every file of the kind begins
  bool also_to_a_stream = false;  // pipes and devices are written to as they are
};

// Succeeds where nothing has this name yet, or an empty file, or a regular file of this kind that is none of `inputs`
// (the same file under another name is the same file). Whoever writes it then writes a new file and renames it.
Status MayWrite(const std::filesystem::path& out, const OutputKind& kind,
                std::span<const std::filesystem::path> inputs);

}  // namespace spanwatch
