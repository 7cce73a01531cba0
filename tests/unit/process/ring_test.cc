#include "process/ring.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <random>

namespace spanwatch::process {
namespace {

Bytes Pattern(std::size_t length, std::uint8_t first) {
  Bytes bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

struct OpenRing {
  UniqueFd fd = std::move(*MakeRing(65536));
  RingWriter writer = std::move(*RingWriter::Open(fd.get()));
  RingReader reader = std::move(*RingReader::Open(fd.get()));
};

TEST(Ring, GivesBackMessagesOfEverySizeInOrderAcrossTheWrap) {
  OpenRing ring;
  std::mt19937 random(7);
  std::uint64_t expected_sequence = 0;
  for (int round = 0; round < 5000; ++round) {
    const Bytes message = Pattern(random() % 4000, static_cast<std::uint8_t>(round));
    ASSERT_TRUE(ring.writer.TryWrite(message));
    const auto taken = ring.reader.Take();
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->payload, message);
    EXPECT_EQ(taken->sequence, ++expected_sequence);
    ring.reader.Release();
  }
  EXPECT_EQ(ring.reader.corruptions(), 0u);
}

TEST(Ring, RefusesWhatDoesNotFitAndKeepsWhatItHas) {
  OpenRing ring;
  EXPECT_FALSE(ring.writer.TryWrite(Bytes(ring.writer.max_message_bytes() + 1)));
  int written = 0;
  while (ring.writer.TryWrite(Pattern(1000, 1))) ++written;
  EXPECT_GT(written, 60);
  int taken = 0;
  while (ring.reader.Take()) ++taken;
  EXPECT_EQ(taken, written);
  EXPECT_FALSE(ring.writer.TryWrite(Pattern(1000, 1))) << "taken but not released";
  ring.reader.Release();
  EXPECT_TRUE(ring.writer.TryWrite(Pattern(1000, 1)));
}

TEST(Ring, ASuccessorReaderSeesWhatWasNotReleased) {
  OpenRing ring;
  for (std::uint8_t i = 0; i < 10; ++i) ASSERT_TRUE(ring.writer.TryWrite(Pattern(8, i)));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(ring.reader.Take());
  ring.reader.Release();
  ASSERT_TRUE(ring.reader.Take());  // the fifth is taken, never released: its reader dies here
  auto successor = std::move(*RingReader::Open(ring.fd.get()));
  const auto message = successor.Take();
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->sequence, 5u);
  EXPECT_EQ(message->payload, Pattern(8, 4));
}

TEST(Ring, AKilledWriterLosesNoCompleteMessageAndBreaksNothing) {
  auto fd = std::move(*MakeRing(1 << 20));
  auto reader = std::move(*RingReader::Open(fd.get()));
  std::uint64_t last = 0;
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto writer = std::move(*RingWriter::Open(fd.get()));
      for (std::uint8_t i = 0;; ++i) (void)writer.TryWrite(Pattern(300, i));
    }
    std::uint64_t seen = 0;
    while (seen < 200) {
      if (const auto message = reader.Take()) {
        ASSERT_GT(message->sequence, last);
        last = message->sequence;
        ASSERT_EQ(message->payload, Pattern(300, message->payload[0]));
        ++seen;
      }
      reader.Release();
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_EQ(reader.corruptions(), 0u);
}

TEST(Ring, ALyingWriterIsFoundOutAndEmptied) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    OpenRing ring;
    for (std::uint8_t i = 0; i < 5; ++i) ASSERT_TRUE(ring.writer.TryWrite(Pattern(40, i)));
    auto* memory = static_cast<std::uint64_t*>(
        ::mmap(nullptr, 65536 + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd.get(), 0));
    ASSERT_NE(memory, MAP_FAILED);
    for (int i = 0; i < 3; ++i) memory[8 + random() % 600] = random() % 4 == 0 ? random() : random() % 70000;
    ::munmap(memory, 65536 + 4096);
    for (int i = 0; i < 100000 && ring.reader.Take(); ++i) ring.reader.Release();
  }
}

TEST(Ring, RefusesMemoryThatIsNoRing) {
  UniqueFd fd(::memfd_create("no-ring", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(fd.get(), 8192), 0);
  EXPECT_FALSE(RingReader::Open(fd.get()).has_value());
}

}  // namespace
}  // namespace spanwatch::process
