#include "process/shared_block.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace spanwatch::process {

void SharedBlockUnmapper::operator()(SharedBlock* block) const { ::munmap(block, sizeof(SharedBlock)); }

Result<UniqueFd> MakeSharedBlock() {
  UniqueFd fd(::memfd_create("spanwatch-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return FailErrno("cannot make shared memory for counters");
  if (::ftruncate(fd.get(), sizeof(SharedBlock)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return FailErrno("cannot size the shared memory for counters");
  }
  return fd;
}

Result<MappedSharedBlock> MapSharedBlock(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return FailErrno("cannot look at the shared counters");
  if (status.st_size != static_cast<off_t>(sizeof(SharedBlock))) {
    return Fail(ErrorCode::kCorrupt, "the shared counters are of another version");
  }
  void* memory = ::mmap(nullptr, sizeof(SharedBlock), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return FailErrno("cannot map the shared counters");
  return MappedSharedBlock(static_cast<SharedBlock*>(memory));
}

}  // namespace spanwatch::process
