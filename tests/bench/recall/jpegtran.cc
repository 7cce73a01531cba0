#include "recall/jpegtran.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/check.h"
#include "base/unique_fd.h"

namespace spanwatch::bench {

Bytes Jpegtran(ByteView file, const std::string& options) {
  const UniqueFd input(::memfd_create("picture", MFD_CLOEXEC));
  CHECK(::write(input.get(), file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  const std::string command = fmt::format("jpegtran {} /proc/{}/fd/{}", options, ::getpid(), input.get());
  FILE* const pipe = ::popen(command.c_str(), "re");
  CHECK(pipe != nullptr);
  Bytes output;
  std::array<std::uint8_t, 65536> buffer;
  while (const std::size_t read = ::fread(buffer.data(), 1, buffer.size(), pipe))
    output.insert(output.end(), buffer.begin(), buffer.begin() + read);
  CHECK(::pclose(pipe) == 0);
  return output;
}

}  // namespace spanwatch::bench
