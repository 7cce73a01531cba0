#include "capture/capture_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <zlib.h>
#include <zstd.h>

#include <thread>

#include "base/byte_writer.h"
#include "support/memory_file.h"
#include "support/packet_builder.h"
#include "support/syscall_filter.h"

namespace spanwatch::capture {
namespace {

using test::MemoryFile;
using ::testing::HasSubstr;
using testing::PcapFile;
using testing::TimedFrame;

class FileRecorder final : public CapturedPacketConsumer {
 public:
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    frames.push_back({packet.time, Bytes(packet.bytes.begin(), packet.bytes.end()), packet.original_length});
    link_types.push_back(packet.link_type);
  }
  std::vector<TimedFrame> frames;
  std::vector<int> link_types;
};

// Empty when the whole capture was read.
std::string ReadAll(UniqueFd fd, FileRecorder& recorder, std::size_t batch = 7) {
  auto source = OpenCaptureFile(std::move(fd), "a.pcap");
  if (!source) return source.error().message;
  while (true) {
    const auto state = (*source)->Deliver(recorder, batch);
    if (!state) return state.error().message;
    if (*state == PacketSource::State::kEnd) return "";
  }
}

std::vector<TimedFrame> Frames(std::size_t count) {
  std::vector<TimedFrame> frames;
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back({PacketTimeFromNanoseconds(static_cast<std::int64_t>(1'557'713'500'000'000'001 + i * 1'000'003)),
                      Bytes(60 + i % 1400, static_cast<std::uint8_t>(i)), 0});
  }
  return frames;
}

void ExpectFrames(const FileRecorder& recorder, const std::vector<TimedFrame>& frames) {
  ASSERT_EQ(recorder.frames.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(recorder.frames[i].time, frames[i].time);
    EXPECT_EQ(recorder.frames[i].bytes, frames[i].bytes);
    EXPECT_EQ(recorder.link_types[i], 1);
  }
}

Bytes Gzip(ByteView plain) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}
Bytes Zstd(ByteView plain) {
  Bytes packed(ZSTD_compressBound(plain.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
  return packed;
}
Bytes Joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// The same frames as little-endian pcap with microseconds, and as pcapng.
Bytes LittleEndianPcap(const std::vector<TimedFrame>& frames) {
  ByteWriter file;
  file.Le(0xa1b2c3d4u);
  file.Le(std::uint16_t{2});
  file.Le(std::uint16_t{4});
  file.Le(std::uint64_t{0});
  file.Le(262144u);
  file.Le(1u);
  for (const TimedFrame& frame : frames) {
    const std::int64_t microseconds = Nanoseconds(frame.time) / 1000;
    file.Le(static_cast<std::uint32_t>(microseconds / 1'000'000));
    file.Le(static_cast<std::uint32_t>(microseconds % 1'000'000));
    file.Le(static_cast<std::uint32_t>(frame.bytes.size()));
    file.Le(static_cast<std::uint32_t>(frame.bytes.size()));
    file.Raw(frame.bytes);
  }
  return file.Release();
}
Bytes Pcapng(const std::vector<TimedFrame>& frames) {
  ByteWriter file;
  for (const std::uint32_t word : {0x0a0d0d0au, 28u, 0x1a2b3c4du, 1u, 0xffffffffu, 0xffffffffu, 28u}) file.Le(word);
  // Ethernet, snap length 262144, option 9: times in units of 10^-9 seconds
  for (const std::uint32_t word : {1u, 32u, 1u, 262144u, 9u | 1u << 16, 9u, 0u, 32u}) file.Le(word);
  for (const TimedFrame& frame : frames) {
    const auto size = static_cast<std::uint32_t>(frame.bytes.size());
    const std::uint32_t padded = (size + 3) / 4 * 4;
    const auto time = static_cast<std::uint64_t>(Nanoseconds(frame.time));
    for (const std::uint32_t word :
         {6u, 32 + padded, 0u, static_cast<std::uint32_t>(time >> 32), static_cast<std::uint32_t>(time), size, size}) {
      file.Le(word);
    }
    file.Raw(frame.bytes);
    file.Raw(Bytes(padded - size));
    file.Le(32 + padded);
  }
  return file.Release();
}

TEST(CaptureFile, EveryFormatAndPackingGivesTheSameFrames) {
  const auto frames = Frames(3000);
  const Bytes pcap = PcapFile(frames);
  const Bytes pcapng = Pcapng(frames);
  const Bytes first_half(pcap.begin(), pcap.begin() + 1'000'000);
  const Bytes second_half(pcap.begin() + 1'000'000, pcap.end());
  for (const Bytes& content :
       {pcap, pcapng, Gzip(pcap), Zstd(pcap), Gzip(pcapng), Zstd(pcapng), Joined(Gzip(first_half), Gzip(second_half)),
        Joined(Zstd(first_half), Zstd(second_half)), Joined(Gzip(pcap), Bytes(100, 0))}) {
    FileRecorder recorder;
    EXPECT_EQ(ReadAll(MemoryFile(content), recorder), "");
    ExpectFrames(recorder, frames);
  }
}

TEST(CaptureFile, MicrosecondsOfTheOtherByteOrderBecomeNanoseconds) {
  auto frames = Frames(10);
  FileRecorder recorder;
  EXPECT_EQ(ReadAll(MemoryFile(LittleEndianPcap(frames)), recorder), "");
  for (auto& frame : frames) frame.time = PacketTimeFromNanoseconds(Nanoseconds(frame.time) / 1000 * 1000);
  ExpectFrames(recorder, frames);
}

// Linux 2.3's libpcap wrote eight bytes more with each frame.
TEST(CaptureFile, ModifiedPcapIsRead) {
  auto frames = Frames(10);
  ByteWriter file;
  for (const std::uint32_t word : {0xa1b2cd34u, 2u | 4u << 16, 0u, 0u, 65535u, 1u}) file.Le(word);
  for (auto& frame : frames) {
    frame.time = PacketTimeFromNanoseconds(Nanoseconds(frame.time) / 1000 * 1000);
    const std::int64_t microseconds = Nanoseconds(frame.time) / 1000;
    file.Le(static_cast<std::uint32_t>(microseconds / 1'000'000));
    file.Le(static_cast<std::uint32_t>(microseconds % 1'000'000));
    file.Le(static_cast<std::uint32_t>(frame.bytes.size()));
    file.Le(static_cast<std::uint32_t>(frame.bytes.size()));
    file.Le(std::uint64_t{0});
    file.Raw(frame.bytes);
  }
  FileRecorder recorder;
  EXPECT_EQ(ReadAll(MemoryFile(file.bytes()), recorder), "");
  ExpectFrames(recorder, frames);
}

TEST(CaptureFile, PackedCapturesGiveWhatComesBeforeTheDamage) {
  const auto frames = Frames(3000);
  for (const Bytes& capture : {PcapFile(frames), Pcapng(frames)}) {
    for (Bytes packed : {Gzip(capture), Zstd(capture)}) {
      Bytes cut(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(packed.size() / 2));
      FileRecorder recorder;
      EXPECT_NE(ReadAll(MemoryFile(cut), recorder), "");
      EXPECT_GT(recorder.frames.size(), 200u);
    }
  }
}

TEST(CaptureFile, PipesAreReadAsTheyCome) {
  const auto frames = Frames(500);
  for (const Bytes& content : {PcapFile(frames), Gzip(PcapFile(frames)), Zstd(Pcapng(frames))}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    UniqueFd write_end(ends[1]);
    std::thread writer([&] {
      std::size_t written = 0;
      while (written < content.size()) {  // first byte by byte, across the magic
        const std::size_t piece = std::min<std::size_t>(content.size() - written, written < 50 ? 1 : 9001);
        if (::write(write_end.get(), content.data() + written, piece) < 0) break;
        written += piece;
      }
      write_end.reset();
    });
    FileRecorder recorder;
    EXPECT_EQ(ReadAll(UniqueFd(ends[0]), recorder), "");
    writer.join();
    ExpectFrames(recorder, frames);
  }
}

TEST(CaptureFile, ProgressReachesTheTotal) {
  const Bytes content = Gzip(PcapFile(Frames(2000)));
  auto source = OpenCaptureFile(MemoryFile(content), "a.pcap.gz");
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ((*source)->progress().total, content.size());
  EXPECT_EQ((*source)->poll_fd(), -1);
  FileRecorder recorder;
  while (*(*source)->Deliver(recorder, 100) != PacketSource::State::kEnd) EXPECT_EQ(recorder.frames.size() % 100, 0u);
  EXPECT_EQ((*source)->progress().position, content.size());
}

TEST(CaptureFile, SnapLengthIsTold) {
  std::vector<TimedFrame> frames = Frames(1);
  frames[0].original_length = 1500;
  FileRecorder recorder;
  EXPECT_EQ(ReadAll(MemoryFile(PcapFile(frames)), recorder), "");
  ASSERT_EQ(recorder.frames.size(), 1u);
  EXPECT_EQ(recorder.frames[0].bytes.size(), 60u);
  EXPECT_EQ(recorder.frames[0].original_length, 1500u);
}

TEST(CaptureFile, WhatCannotBeReadIsOneClearLine) {
  const Bytes pcap = PcapFile(Frames(100));
  Bytes damaged = Gzip(pcap);
  std::fill(damaged.begin() + 100, damaged.begin() + 200, 0xff);
  struct Case {
    Bytes content;
    std::string message;
  };
  const Bytes gzip = Gzip(pcap);
  const Bytes zstd = Zstd(pcap);
  for (const Case& one :
       {Case{{}, "a.pcap: "}, Case{Bytes(100, 'x'), "unknown file format"},
        Case{Bytes(gzip.begin(), gzip.begin() + 300), "the compressed data ends early"},
        Case{Bytes(zstd.begin(), zstd.begin() + 100), "the compressed data ends early"},
        Case{Bytes(pcap.begin(), pcap.end() - 10), "truncated"}, Case{damaged, "the gzip data is damaged"}}) {
    FileRecorder recorder;
    const std::string error = ReadAll(MemoryFile(one.content), recorder);
    EXPECT_THAT(error, ::testing::StartsWith("a.pcap: "));
    EXPECT_THAT(error, HasSubstr(one.message));
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST(CaptureFile, FramesBeforeTheDamageAreDelivered) {
  const auto frames = Frames(100);
  Bytes pcap = PcapFile(frames);
  pcap.resize(pcap.size() - 10);
  FileRecorder recorder;
  EXPECT_NE(ReadAll(MemoryFile(pcap), recorder), "");
  EXPECT_EQ(recorder.frames.size(), 99u);
}

TEST(CaptureFile, NeedsNothingButReadFromOpeningToTheEnd) {
  if (!testing::kCanFilterCalls) GTEST_SKIP() << "a sanitizer makes calls of its own";
  const auto frames = Frames(2000);
  const Bytes pcap = PcapFile(frames);
  for (const Bytes& content : {pcap, Pcapng(frames), Gzip(pcap), Zstd(pcap)}) {
    UniqueFd fd = MemoryFile(content);
    const auto read_all = [&] {
      FileRecorder recorder;
      return ReadAll(std::move(fd), recorder).empty() && recorder.frames.size() == frames.size() ? 0 : 1;
    };
    constexpr int kAllowed[] = {SYS_read, SYS_fstat, SYS_newfstatat, SYS_close};
    EXPECT_EQ(testing::RunAllowing(kAllowed, read_all), 0);
  }
}

TEST(CaptureFile, ClosedDescriptorIsAnError) {
  FileRecorder recorder;
  EXPECT_THAT(ReadAll(UniqueFd(-1), recorder), HasSubstr("a.pcap: "));
}

}  // namespace
}  // namespace spanwatch::capture
