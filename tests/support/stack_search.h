// Whether bytes that should be gone still lie on this process's stack: for tests of code that handles secrets. Looks at
// the whole of the main thread's stack, also below its top, where functions that returned have left what they had.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace spanwatch::test {

inline bool LiesOnStack(ByteView secret) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line) && !line.ends_with("[stack]")) {
  }
  unsigned long begin = 0, end = 0;
  if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) return true;  // nothing was looked at
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  Bytes stack(end - begin);
  if (::pread(memory.get(), stack.data(), stack.size(), static_cast<off_t>(begin)) !=
      static_cast<ssize_t>(stack.size()))
    return true;
  return std::search(stack.begin(), stack.end(), std::boyer_moore_searcher(secret.begin(), secret.end())) !=
         stack.end();
}

}  // namespace spanwatch::test
