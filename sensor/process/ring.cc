#include "process/ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bit>
#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace spanwatch::process {
namespace internal {

struct RingHeader {
  std::uint64_t magic;
  std::uint64_t capacity;
  alignas(64) std::atomic<std::uint64_t> write_index;
  alignas(64) std::atomic<std::uint64_t> read_index;
  alignas(64) std::atomic<std::uint64_t> sequence;  // of the newest message
};

namespace {
constexpr std::uint64_t kMagic = 0x31474e4952575300;
constexpr std::size_t kHeaderBytes = 4096;
static_assert(sizeof(RingHeader) <= kHeaderBytes);
}  // namespace

Result<RingMapping> RingMapping::Map(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return FailErrno("cannot look at the ring");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < kHeaderBytes * 2) return Fail(ErrorCode::kCorrupt, "the ring is too small to be one");
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return FailErrno("cannot map the ring");
  RingMapping mapping;
  mapping.header_ = static_cast<RingHeader*>(memory);
  mapping.data_ = static_cast<std::uint8_t*>(memory) + kHeaderBytes;
  mapping.capacity_ = size - kHeaderBytes;  // from the file, which is sealed; never from the shared header
  mapping.mapped_bytes_ = size;
  if (!std::has_single_bit(mapping.capacity_)) return Fail(ErrorCode::kCorrupt, "the shared memory is not a ring");
  return mapping;
}

RingMapping::RingMapping(RingMapping&& other) noexcept
    : header_(other.header_), data_(other.data_), capacity_(other.capacity_), mapped_bytes_(other.mapped_bytes_) {
  other.header_ = nullptr;
}

RingMapping::~RingMapping() {
  if (header_ != nullptr) ::munmap(header_, mapped_bytes_);
}

}  // namespace internal

namespace {

constexpr std::uint32_t kSkipToStart = 0xffffffff;
constexpr std::size_t kRecordHeaderBytes = 16;
constexpr std::uint64_t kUnusedSequencesMax = 1000;

struct RecordHeader {
  std::uint32_t length;
  std::uint32_t zero;
  std::uint64_t sequence;
};
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes);

constexpr std::uint64_t RecordBytes(std::uint64_t payload) {
  return (kRecordHeaderBytes + payload + 7) & ~std::uint64_t{7};
}

}  // namespace

Result<UniqueFd> MakeRing(std::size_t capacity_bytes) {
  CHECK(capacity_bytes >= 4096 && std::has_single_bit(capacity_bytes));
  UniqueFd fd(::memfd_create("spanwatch-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return FailErrno("cannot make shared memory for a ring");
  const auto total = static_cast<off_t>(internal::kHeaderBytes + capacity_bytes);
  if (::ftruncate(fd.get(), total) != 0) return FailErrno("cannot size the shared memory of a ring");
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return FailErrno("cannot seal the shared memory of a ring");
  }
  internal::RingHeader header{};
  header.magic = internal::kMagic;
  header.capacity = capacity_bytes;
  if (::pwrite(fd.get(), &header, sizeof(header), 0) != static_cast<ssize_t>(sizeof(header))) {
    return FailErrno("cannot write the shared memory of a ring");
  }
  return fd;
}

Result<RingWriter> RingWriter::Open(int fd) {
  auto mapping = internal::RingMapping::Map(fd);
  if (!mapping) return Fail(mapping.error());
  if (mapping->header().magic != internal::kMagic) {
    return Fail(ErrorCode::kCorrupt, "the shared memory is not a ring of this version");
  }
  return RingWriter(std::move(*mapping));
}

bool RingWriter::TryWrite(ByteView message) noexcept {
  if (message.size() > max_message_bytes()) return false;
  auto& header = mapping_.header();
  const std::uint64_t capacity = mapping_.capacity();
  std::uint64_t position = header.write_index.load(std::memory_order_relaxed);
  const std::uint64_t used = position - header.read_index.load(std::memory_order_acquire);
  const std::uint64_t needed = RecordBytes(message.size());
  const std::uint64_t until_end = capacity - (position & (capacity - 1));
  const std::uint64_t skipped = until_end < needed ? until_end : 0;
  if (used + skipped + needed > capacity) return false;
  if (skipped != 0) {
    // Records are 8-aligned, so a length always fits before the end.
    std::memcpy(mapping_.data() + (position & (capacity - 1)), &kSkipToStart, sizeof(kSkipToStart));
    position += skipped;
  }
  // The sequence lives in the shared memory: a writer killed before the release-store leaves a number unused at most.
  const std::uint64_t sequence = header.sequence.load(std::memory_order_relaxed) + 1;
  header.sequence.store(sequence, std::memory_order_relaxed);
  const RecordHeader record{static_cast<std::uint32_t>(message.size()), 0, sequence};
  std::uint8_t* target = mapping_.data() + (position & (capacity - 1));
  std::memcpy(target, &record, sizeof(record));
  if (!message.empty()) std::memcpy(target + sizeof(record), message.data(), message.size());
  header.write_index.store(position + needed, std::memory_order_release);
  return true;
}

RingReader::RingReader(internal::RingMapping mapping)
    : mapping_(std::move(mapping)),
      position_(mapping_.header().read_index.load(std::memory_order_relaxed)),
      released_(position_) {}

Result<RingReader> RingReader::Open(int fd) {
  auto mapping = internal::RingMapping::Map(fd);
  if (!mapping) return Fail(mapping.error());
  return RingReader(std::move(*mapping));
}

bool RingReader::empty() const noexcept {
  return mapping_.header().write_index.load(std::memory_order_acquire) == position_;
}

std::optional<RingReader::Message> RingReader::Take() {
  if (corrupt_) return std::nullopt;
  const internal::RingHeader& header = mapping_.header();
  const std::uint64_t written = header.write_index.load(std::memory_order_acquire);
  if (header.magic != internal::kMagic || written - position_ > mapping_.capacity() || written % 8 != 0 ||
      position_ % 8 != 0) {
    corrupt_ = true;
    return std::nullopt;
  }
  auto message = TakeChecked(written);
  // Short of what was written, or out of order: every writer that died left at most one number unused.
  corrupt_ = message ? sequence_ != 0 && message->sequence - sequence_ - 1 > kUnusedSequencesMax : position_ != written;
  if (corrupt_) return std::nullopt;
  if (message) sequence_ = message->sequence;
  return message;
}

// The next message before `written`; nothing when there is none, or when what stands there is none.
std::optional<RingReader::Message> RingReader::TakeChecked(std::uint64_t written) {
  const std::uint64_t capacity = mapping_.capacity();
  while (position_ != written) {
    const std::uint64_t offset = position_ & (capacity - 1);
    const std::uint64_t until_end = std::min(capacity - offset, written - position_);
    RecordHeader record{};
    if (until_end < sizeof(record.length)) break;
    std::memcpy(&record.length, mapping_.data() + offset, sizeof(record.length));
    if (record.length == kSkipToStart) {
      if (written - position_ < capacity - offset) break;
      position_ += capacity - offset;
      continue;
    }
    if (until_end < kRecordHeaderBytes) break;
    const std::uint32_t length = record.length;
    std::memcpy(&record, mapping_.data() + offset, sizeof(record));
    if (RecordBytes(length) > until_end || record.zero != 0 || record.sequence == 0) break;
    Message message{record.sequence, Bytes(length), position_ + RecordBytes(length)};
    if (length != 0) std::memcpy(message.payload.data(), mapping_.data() + offset + kRecordHeaderBytes, length);
    position_ += RecordBytes(length);
    return message;
  }
  return std::nullopt;
}

void RingReader::Rewind() noexcept {
  position_ = released_;
  sequence_ = 0;
}

void RingReader::ReleaseThrough(std::uint64_t end) noexcept {
  released_ = end;
  mapping_.header().read_index.store(end, std::memory_order_release);
}

}  // namespace spanwatch::process
