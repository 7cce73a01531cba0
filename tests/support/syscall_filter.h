// RunAllowing: runs a body in a child that may call only the given system calls (and those that memory needs), to show
// what works inside a sandbox. Any other call kills the child.
#pragma once

#include <functional>
#include <span>

namespace spanwatch::testing {

// Sanitizers make calls of their own: such tests skip themselves.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCanFilterCalls = false;
#else
inline constexpr bool kCanFilterCalls = true;
#endif

// The body's result (0 to 127), 128 plus the signal that ended the child, or -1 when there could be no child.
int RunAllowing(std::span<const int> system_calls, const std::function<int()>& body);

}  // namespace spanwatch::testing
