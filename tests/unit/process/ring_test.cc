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
  EXPECT_FALSE(ring.reader.corrupt());
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
  EXPECT_FALSE(reader.corrupt());
}

// What a writer in the hands of an attacker writes into the header, of which each word lies on a line of its own.
class LyingWriter {
 public:
  explicit LyingWriter(const UniqueFd& ring)
      : memory_(static_cast<std::uint64_t*>(
            ::mmap(nullptr, 65536 + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.get(), 0))) {}
  ~LyingWriter() { ::munmap(memory_, 65536 + 4096); }
  std::uint64_t& magic() { return memory_[0]; }
  std::uint64_t& write_index() { return memory_[8]; }
  std::uint64_t& read_index() { return memory_[16]; }
  std::uint64_t& sequence() { return memory_[24]; }

 private:
  std::uint64_t* memory_;
};

TEST(Ring, EightBytesOfTheHeaderAreEnoughToBeFoundOut) {
  const auto found_out = [](const auto& lie) {
    OpenRing ring;
    for (std::uint8_t i = 0; i < 3; ++i) EXPECT_TRUE(ring.writer.TryWrite(Pattern(40, i)));
    EXPECT_TRUE(ring.reader.Take().has_value());
    LyingWriter writer(ring.fd);
    lie(ring, writer);
    while (ring.reader.Take()) {
    }
    const bool corrupt = ring.reader.corrupt();
    (void)ring.writer.TryWrite(Pattern(40, 9));
    EXPECT_FALSE(corrupt && ring.reader.Take()) << "nothing comes out any more";
    return corrupt;
  };
  EXPECT_TRUE(found_out([](auto&, LyingWriter& writer) { writer.write_index() = 1 << 20; }));
  EXPECT_TRUE(found_out([](auto&, LyingWriter& writer) { writer.write_index() = 8; })) << "it goes back";
  EXPECT_TRUE(found_out([](auto&, LyingWriter& writer) { writer.write_index() += 8; }));
  EXPECT_TRUE(found_out([](auto&, LyingWriter& writer) { writer.write_index() += 800; }))
      << "nothing was written there";
  EXPECT_TRUE(found_out([](auto&, LyingWriter& writer) { writer.write_index() += 3; }));
  EXPECT_TRUE(found_out([](auto&, LyingWriter& writer) { writer.magic() = 0; }));
  EXPECT_TRUE(found_out([](OpenRing& ring, LyingWriter& writer) {
    writer.sequence() = 0;  // its successors would be taken for repeats
    (void)ring.writer.TryWrite(Pattern(40, 5));
  }));
  EXPECT_TRUE(found_out([](OpenRing& ring, LyingWriter& writer) {
    writer.sequence() = 1ull << 63;
    (void)ring.writer.TryWrite(Pattern(40, 5));
  }));
  EXPECT_FALSE(found_out([](auto&, LyingWriter&) {}));
}

TEST(Ring, ALyingWriterDoesNoHarm) {
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
  ASSERT_EQ(::ftruncate(fd.get(), 5000), 0);
  EXPECT_FALSE(RingReader::Open(fd.get()).has_value());
  auto ring = std::move(*MakeRing(4096));
  const std::uint64_t other = 7;
  ASSERT_EQ(::pwrite(ring.get(), &other, sizeof(other), 0), 8);
  EXPECT_FALSE(RingWriter::Open(ring.get()).has_value());
  auto reader = RingReader::Open(ring.get());
  ASSERT_TRUE(reader.has_value()) << "a supervisor begins all the same";
  EXPECT_FALSE(reader->Take().has_value());
  EXPECT_TRUE(reader->corrupt());
}

}  // namespace
}  // namespace spanwatch::process
