#include "capture/pcapng_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <algorithm>

#include "base/file.h"
#include "capture/pcap_packets.h"
#include "support/memory_file.h"
#include "support/pcapng_builder.h"
#include "support/shared_captures.h"

namespace spanwatch::capture {
namespace {

using test::MemoryFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PcapngBuilder;

struct SeenFrame {
  std::int64_t nanoseconds = 0;
  int link_type = 0;
  std::uint32_t original_length = 0;
  Bytes bytes;
  friend bool operator==(const SeenFrame&, const SeenFrame&) = default;
};

class FrameList final : public CapturedPacketConsumer {
 public:
  void OnCaptured(const CapturedPacket& packet) noexcept override {
    frames.push_back({Nanoseconds(packet.time),
                      packet.link_type,
                      packet.original_length,
                      {packet.bytes.begin(), packet.bytes.end()}});
    interfaces.push_back(packet.interface_index);
  }
  std::vector<SeenFrame> frames;
  std::vector<std::uint16_t> interfaces;
};

struct Read {
  FrameList list;
  std::string error;  // empty when the file was read whole
  std::uint64_t lost = 0;
  std::vector<int> link_types;
};

Read ReadFrom(UniqueFd fd) {
  Read read;
  auto file = OpenCaptureFile(std::move(fd), "a.pcapng");
  if (!file) {
    read.error = file.error().message;
    return read;
  }
  while (true) {
    const auto state = (*file)->Deliver(read.list, 3);
    if (!state) read.error = state.error().message;
    if (!state || *state == PacketSource::State::kEnd) break;
  }
  read.lost = (*file)->lost_frames();
  read.link_types.assign((*file)->link_types().begin(), (*file)->link_types().end());
  return read;
}
Read ReadFrom(const PcapngBuilder& builder) { return ReadFrom(MemoryFile(builder.bytes())); }

Bytes FilledFrame(std::size_t length, std::uint8_t fill = 0x45) { return Bytes(length, fill); }

TEST(PcapngFile, EachInterfaceHasItsOwnLinkTypeSnapLengthAndClock) {
  PcapngBuilder builder;
  builder.Section().Describe({1, 65535, 9, 0}).Describe({101, 262144, -1, 0}).Describe({113, 96, 0x80 + 10, -3600});
  builder.Enhanced(0, 1'000'000'007, FilledFrame(60)).Enhanced(1, 2'000'005, FilledFrame(41), 1500);
  builder.Enhanced(2, std::uint64_t{5000} << 10 | 512, FilledFrame(77));
  const Read read = ReadFrom(builder);
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.list.frames, ElementsAre(SeenFrame{1'000'000'007, 1, 60, FilledFrame(60)},
                                            SeenFrame{2'000'005'000, DLT_RAW, 1500, FilledFrame(41)},
                                            SeenFrame{1400'500'000'000, 113, 77, FilledFrame(77)}));
  EXPECT_THAT(read.list.interfaces, ElementsAre(0, 1, 2));
  EXPECT_THAT(read.link_types, ElementsAre(1, DLT_RAW, 113));
}

TEST(PcapngFile, SectionsMayDifferInByteOrderAndHaveTheirOwnInterfaces) {
  PcapngBuilder builder;
  builder.Section().Describe({1, 0, -1, 0}).Describe({101, 0, -1, 0}).Enhanced(1, 1, FilledFrame(20));
  builder.ByteOrder(true).Section().Describe({113, 0, 9, 0}).Enhanced(0, 2, FilledFrame(21)).Statistics(0, 7);
  builder.ByteOrder(false).Section().Describe({1, 0, 3, 0}).Enhanced(0, 3, FilledFrame(22)).Statistics(0, 5);
  const Read read = ReadFrom(builder);
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.list.frames,
              ElementsAre(SeenFrame{1000, DLT_RAW, 20, FilledFrame(20)}, SeenFrame{2, 113, 21, FilledFrame(21)},
                          SeenFrame{3'000'000, 1, 22, FilledFrame(22)}));
  EXPECT_EQ(read.lost, 12u);
}

TEST(PcapngFile, SimpleAndObsoletePacketsAreReadAndOtherBlocksPassedOver) {
  PcapngBuilder builder;
  builder.Section().Block(0xbad, FilledFrame(333)).Describe({1, 40, -1, 0});
  builder.Obsolete(0, 5, FilledFrame(33), 99)
      .Block(4, FilledFrame(10))
      .Simple(FilledFrame(40), 1500)
      .Block(0x40000bad, FilledFrame(1'000'000));
  builder.Block(10, FilledFrame(5)).Simple(FilledFrame(13), 13).Statistics(0, 3).Statistics(0, 4);
  const Read read = ReadFrom(builder);
  EXPECT_EQ(read.error, "");
  EXPECT_THAT(read.list.frames,
              ElementsAre(SeenFrame{5000, 1, 99, FilledFrame(33)}, SeenFrame{5000, 1, 1500, FilledFrame(40)},
                          SeenFrame{5000, 1, 13, FilledFrame(13)}));
  EXPECT_EQ(read.lost, 4u);
}

TEST(PcapngFile, EveryResolutionBecomesNanoseconds) {
  struct Case {
    int resolution;
    std::uint64_t units;
    std::int64_t nanoseconds;
  };
  for (const Case& one :
       {Case{0, 7, 7'000'000'000}, Case{3, 1501, 1'501'000'000}, Case{6, 1'500'001, 1'500'001'000},
        Case{9, 1'500'000'001, 1'500'000'001}, Case{12, 1'500'000'001'999, 1'500'000'001},
        Case{19, 15'000'000'000'000'000'000u, 1'500'000'000}, Case{20, 15'000'000'000'000'000'000u, 150'000'000},
        Case{30, UINT64_MAX, 0}, Case{127, UINT64_MAX, 0}, Case{0x80, 3, 3'000'000'000},
        Case{0x80 + 34, std::uint64_t{3} << 33, 1'500'000'000}, Case{0x80 + 63, std::uint64_t{3} << 62, 1'500'000'000},
        Case{0x80 + 64, UINT64_MAX / 2 + 1, 500'000'000}, Case{0xff, UINT64_MAX, 0}}) {
    PcapngBuilder builder;
    builder.Section().Describe({1, 0, one.resolution, 0}).Enhanced(0, one.units, FilledFrame(14));
    const Read read = ReadFrom(builder);
    ASSERT_EQ(read.list.frames.size(), 1u);
    EXPECT_EQ(read.list.frames[0].nanoseconds, one.nanoseconds) << one.resolution;
  }
}

TEST(PcapngFile, LengthsWithoutTheirPaddingAreRead) {
  Bytes file = PcapngBuilder().Section().Describe({1, 0, -1, 0}).bytes();
  const std::size_t first = file.size();
  const Bytes block = PcapngBuilder().Enhanced(0, 1, FilledFrame(61)).bytes();
  file.insert(file.end(), block.begin(), block.end());
  file[first + 4] = file[file.size() - 4] = static_cast<std::uint8_t>(block.size() - 3);
  const Bytes next = PcapngBuilder().Enhanced(0, 2, FilledFrame(62)).bytes();
  file.insert(file.end(), next.begin(), next.end());
  const Read read = ReadFrom(MemoryFile(file));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.list.frames.size(), 2u);
}

TEST(PcapngFile, CutAnywhereGivesEveryWholeFrameAndOneLine) {
  PcapngBuilder builder;
  builder.Section().Describe({1, 0, -1, 0});
  std::vector<std::size_t> ends;
  for (std::uint8_t i = 0; i < 5; ++i) ends.push_back(builder.Enhanced(0, i, FilledFrame(60 + i, i)).bytes().size());
  const Bytes whole = builder.bytes();
  for (std::size_t length = 1; length < whole.size(); ++length) {
    const Read read = ReadFrom(MemoryFile(ByteView(whole).first(length)));
    const auto frames = static_cast<std::size_t>(std::ranges::upper_bound(ends, length) - ends.begin());
    EXPECT_EQ(read.list.frames.size(), frames) << length;
    const bool between = length == 28 || length == 52 || std::ranges::find(ends, length) != ends.end();
    EXPECT_EQ(read.error.empty(), between) << length;
    EXPECT_EQ(read.error.find('\n'), std::string::npos);
  }
}

TEST(PcapngFile, FramesBehindDamageAreFound) {
  PcapngBuilder builder;
  builder.Section().Describe({1, 0, -1, 0}).Enhanced(0, 1, FilledFrame(60));
  const std::size_t damaged = builder.bytes().size();
  builder.Enhanced(0, 2, FilledFrame(200)).Enhanced(0, 3, FilledFrame(61)).Enhanced(0, 4, FilledFrame(62));
  for (const std::uint32_t length : {0u, 11u, 60u, 4000u, 0x00ffff00u, 0xffffffffu}) {
    Bytes file = builder.bytes();
    ByteWriter word;
    word.Le(length);
    std::ranges::copy(word.bytes(), file.begin() + static_cast<std::ptrdiff_t>(damaged + 4));
    const Read read = ReadFrom(MemoryFile(file));
    EXPECT_THAT(read.error, HasSubstr(fmt::format("damaged at byte {}; 232 bytes", damaged))) << length;
    EXPECT_EQ(read.list.frames.size(), 3u) << length;
  }
}

TEST(PcapngFile, WhatContradictsItselfIsToldAndTheRestRead) {
  PcapngBuilder builder;
  builder.Section()
      .Enhanced(0, 1, FilledFrame(60))
      .Describe({1, 0, -1, 0})
      .Enhanced(1, 1, FilledFrame(60))
      .Enhanced(0, 1, FilledFrame(60));
  const Read read = ReadFrom(builder);
  EXPECT_THAT(read.error, HasSubstr("an interface that is not described"));
  EXPECT_EQ(read.list.frames.size(), 1u);

  ByteWriter body;  // says that it holds 500 bytes, and holds 60
  for (const std::uint32_t word : {0u, 0u, 1u, 500u, 500u}) body.Le(word);
  body.Raw(FilledFrame(60));
  PcapngBuilder longer;
  longer.Section().Describe({1, 0, -1, 0}).Block(6, body.bytes()).Enhanced(0, 2, FilledFrame(61));
  const Read rest = ReadFrom(longer);
  EXPECT_THAT(rest.error, HasSubstr("longer than its block"));
  ASSERT_EQ(rest.list.frames.size(), 2u);
  EXPECT_EQ(rest.list.frames[0].original_length, 500u);
}

TEST(PcapngFile, BeginningsThatCannotBeAreErrors) {
  Bytes version = PcapngBuilder().Section().bytes();
  version[12] = 9;
  Bytes order = PcapngBuilder().Section().bytes();
  order[8] = 0;
  EXPECT_THAT(ReadFrom(MemoryFile(version)).error, HasSubstr("version 9.0"));
  EXPECT_THAT(ReadFrom(MemoryFile(order)).error, HasSubstr("damaged"));
}

// Nothing when libpcap does not read the file whole.
std::optional<std::vector<SeenFrame>> ReadByLibpcap(const std::filesystem::path& path) {
  char words[PCAP_ERRBUF_SIZE];
  pcap_t* pcap = ::pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, words);
  if (pcap == nullptr) return std::nullopt;
  std::vector<SeenFrame> frames;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  int result = 0;
  while ((result = ::pcap_next_ex(pcap, &header, &bytes)) == 1) {
    frames.push_back({Nanoseconds(BoundedTime(header->ts.tv_sec, header->ts.tv_usec)),
                      ::pcap_datalink(pcap),
                      std::max(header->len, header->caplen),
                      {bytes, bytes + header->caplen}});
  }
  ::pcap_close(pcap);
  if (result != PCAP_ERROR_BREAK) return std::nullopt;
  return frames;
}

TEST(PcapngFile, GivesWhatLibpcapGivesOfRealCaptures) {
  const auto folder = testing::SharedCaptures();
  if (!folder) GTEST_SKIP() << "no shared captures: set SPANWATCH_SHARED";
  std::size_t compared = 0, frames = 0;
  for (const auto& line : testing::ReadJsonLines(*folder / "captures.jsonl")) {
    const std::filesystem::path path = *folder / line["capture"].get<std::string>();
    if (path.extension() != ".pcapng") continue;
    auto expected = ReadByLibpcap(path);
    if (!expected) continue;
    auto fd = OpenForReading(path);
    ASSERT_TRUE(fd.has_value());
    Read read = ReadFrom(std::move(*fd));
    EXPECT_EQ(read.error, "") << path;
    ASSERT_EQ(read.list.frames.size(), expected->size()) << path;
    for (std::size_t i = 0; i < expected->size(); ++i) {
      if ((*expected)[i].nanoseconds == 0) read.list.frames[i].nanoseconds = 0;  // a simple packet block
      ASSERT_EQ(read.list.frames[i], (*expected)[i]) << path << " frame " << i;
    }
    ++compared;
    frames += expected->size();
  }
  std::cout << compared << " files, " << frames << " frames agree\n";
  EXPECT_GT(compared, 50u);
}

}  // namespace
}  // namespace spanwatch::capture
