#include "capture/unpacking_reader.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace spanwatch::capture {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::size_t kMagicBytes = 4;

}  // namespace

// One step takes from the front of `input` and gives to the front of `to`.
class UnpackingReader::Unpacker {
 public:
  virtual ~Unpacker() = default;
  virtual Result<std::size_t> Step(ByteView& input, MutableByteView to) = 0;
  // The input may end here.
  virtual bool complete() const = 0;
};

class UnpackingReader::GzipUnpacker final : public Unpacker {
 public:
  GzipUnpacker() { ok_ = ::inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK; }
  ~GzipUnpacker() override {
    if (ok_) ::inflateEnd(&stream_);
  }
  GzipUnpacker(const GzipUnpacker&) = delete;
  GzipUnpacker& operator=(const GzipUnpacker&) = delete;

  Result<std::size_t> Step(ByteView& input, MutableByteView to) override {
    if (!ok_) return Fail(ErrorCode::kLimit, "no memory to unpack gzip");
    if (complete_) {
      if (input[0] != 0x1f) {  // padding after the last member, as gzip itself accepts it
        input = input.subspan(input.size());
        return 0;
      }
      ::inflateReset(&stream_);  // the next member
      complete_ = false;
    }
    stream_.next_in = const_cast<Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = to.data();
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(to.size(), 1u << 30));
    const uInt room = stream_.avail_out;
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    input = input.last(stream_.avail_in);
    if (status == Z_STREAM_END) complete_ = true;
    const std::size_t given = room - stream_.avail_out;
    const bool damaged = status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR;
    // What came out before the damage is given; the next step fails again.
    if (damaged && given == 0) return Fail(ErrorCode::kCorrupt, "the gzip data is damaged");
    return given;
  }
  bool complete() const override { return complete_; }

 private:
  z_stream stream_{};
  bool ok_ = false;
  bool complete_ = false;
};

class UnpackingReader::ZstdUnpacker final : public Unpacker {
 public:
  Result<std::size_t> Step(ByteView& input, MutableByteView to) override {
    if (!context_) return Fail(ErrorCode::kLimit, "no memory to unpack zstd");
    if (damage_ != nullptr) return Fail(Damaged());
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    const std::size_t status = ::ZSTD_decompressStream(context_.get(), &out, &in);
    input = input.subspan(in.pos);
    if (::ZSTD_isError(status) != 0) damage_ = ::ZSTD_getErrorName(status);
    // What came out before the damage is given; the next step fails.
    if (damage_ != nullptr && out.pos == 0) return Fail(Damaged());
    complete_ = status == 0;
    return out.pos;
  }
  bool complete() const override { return complete_; }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
  };
  Error Damaged() const { return {ErrorCode::kCorrupt, fmt::format("the zstd data is damaged ({})", damage_)}; }

  std::unique_ptr<ZSTD_DStream, Free> context_{::ZSTD_createDStream()};
  const char* damage_ = nullptr;  // ZSTD_getErrorName's, which lives for ever
  bool complete_ = false;
};

UnpackingReader::UnpackingReader(UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferBytes) {}
UnpackingReader::~UnpackingReader() = default;

Status UnpackingReader::Begin() {
  begun_ = true;
  std::size_t have = 0;  // a pipe may give the magic in pieces
  while (have < kMagicBytes) {
    const ssize_t got = ::read(fd_.get(), buffer_.data() + have, buffer_.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("cannot read");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  position_ += have;
  input_ = ByteView(buffer_).first(have);
  if (have >= 2 && input_[0] == 0x1f && input_[1] == 0x8b) {
    unpacker_ = std::make_unique<GzipUnpacker>();
  } else if (have >= kMagicBytes && std::memcmp(input_.data(), "\x28\xb5\x2f\xfd", kMagicBytes) == 0) {
    unpacker_ = std::make_unique<ZstdUnpacker>();
  }
  return {};
}

Status UnpackingReader::Refill() {
  while (input_.empty()) {
    const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("cannot read");
    position_ += static_cast<std::uint64_t>(got);
    input_ = ByteView(buffer_).first(static_cast<std::size_t>(got));
    break;
  }
  return {};
}

Result<std::size_t> UnpackingReader::Read(MutableByteView to) {
  if (!begun_) {
    if (auto status = Begin(); !status) return Fail(status.error());
  }
  while (!to.empty()) {
    if (auto status = Refill(); !status) return Fail(status.error());
    if (!unpacker_) {
      const std::size_t count = std::min(input_.size(), to.size());
      std::memcpy(to.data(), input_.data(), count);
      input_ = input_.subspan(count);
      return count;
    }
    const bool at_end = input_.empty();
    if (at_end && unpacker_->complete()) return 0;
    const auto given = unpacker_->Step(input_, to);
    if (!given || *given > 0) return given;
    if (at_end) return Fail(ErrorCode::kCorrupt, "the compressed data ends early");
  }
  return 0;
}

}  // namespace spanwatch::capture
