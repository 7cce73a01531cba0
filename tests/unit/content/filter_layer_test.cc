// The layers that take one compression off with libarchive or liblzma: xz, bzip2, LZ4; and the archives of Windows: RAR
// and cabinets.
#include <gmock/gmock.h>

#include "support/content_run.h"
#include "support/zip_builder.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string Reads() {
  std::string text = "plate,state,timestamp\n";
  for (int i = 0; i < 3000; ++i) text += "AAA" + std::to_string(1000 + i) + ",TX,2019-05-13T02:11:40Z\n";
  return text;
}

struct Filter {
  std::string name, step;
};
const Filter kFilters[] = {{"xz", "xz"}, {"lzma", "xz"}, {"lzip", "xz"}, {"bzip2", "bzip2"}, {"lz4", "lz4"}};

TEST(FilterLayer, FilesOfOneCompressionAreRead) {
  for (const auto& [filter, step] : kFilters) {
    const std::string bytes = Filtered(filter, Reads());
    ContentRun run;
    run.Feed({.name = "reads.csv." + filter}, bytes);
    const RecordedObject* inside = run.recorder.Find("root / " + step);
    ASSERT_NE(inside, nullptr) << filter;
    EXPECT_EQ(inside->text(), Reads()) << filter;
    EXPECT_EQ(inside->info.name, "reads.csv") << filter;
    EXPECT_EQ(inside->end, ObjectEnd::kComplete) << filter;
    EXPECT_THAT(EverySplit({.name = "reads.csv." + filter}, bytes), Each(run.recorder.Summary())) << filter;
  }
}

TEST(FilterLayer, StreamsFollowOneAnother) {
  for (const auto& [filter, step] : kFilters) {
    if (filter == "lzma") continue;  // has no magic to go on by
    const std::string padding = filter == "xz" ? std::string(8, '\0') : "";
    ContentRun run;
    run.Feed({}, Filtered(filter, "first ") + padding + Filtered(filter, "second"));
    ASSERT_NE(run.recorder.Find("root / " + step), nullptr) << filter;
    EXPECT_EQ(run.recorder.Find("root / " + step)->text(), "first second") << filter;
  }
}

TEST(FilterLayer, WhatIsCutOffGivesWhatItHasAndArchivesNest) {
  for (const auto& [filter, step] : kFilters) {
    const std::string noise = Noise(5).Take(2000000);
    const std::string bytes = Filtered(filter, noise);
    ContentRun cut;
    cut.Feed({}, bytes.substr(0, bytes.size() * 2 / 3));
    const RecordedObject* inside = cut.recorder.Find("root / " + step);
    if (filter != "lz4") {  // whose blocks of 4 MiB come out whole or not at all
      ASSERT_NE(inside, nullptr) << filter;
      EXPECT_GT(inside->bytes.size(), 500000u) << filter;
      EXPECT_TRUE(noise.starts_with(inside->text())) << filter;
      EXPECT_EQ(inside->end, ObjectEnd::kTruncated) << filter;
    }
    ContentRun run;
    const std::string tar = MakeArchive("ustar", {{"a.jpg", MakeJpeg(1, 3000)}});
    run.Feed({}, Filtered(filter, Filtered(filter, tar)));
    const RecordedObject* picture = run.recorder.Find("root / " + step + " / " + step + " / tar a.jpg");
    ASSERT_NE(picture, nullptr) << filter;
    EXPECT_EQ(picture->text(), MakeJpeg(1, 3000)) << filter;
  }
}

TEST(FilterLayer, DecompressionBombsStayBounded) {
  config::Limits limits;
  limits.content_expansion_allowance_bytes = 1 << 20;
  limits.content_expansion_ratio = 100;
  for (const auto& [filter, step] : kFilters) {
    const std::string bomb = Filtered(filter, std::string(16 << 20, '\0'));
    ContentRun run(limits);
    run.Feed({}, bomb, 1460);
    const RecordedObject* inside = run.recorder.Find("root / " + step);
    ASSERT_NE(inside, nullptr) << filter;
    EXPECT_LE(inside->bytes.size(), (1 << 20) + 100 * bomb.size()) << filter;
  }
}

std::uint32_t Crc(const std::string& text) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

// RAR 4 (technote of WinRAR): blocks with a CRC-16 before them; a stored file. flags 4: it needs a password.
std::string Rar4(const std::string& name, const std::string& content, int flags = 0) {
  const auto block = [](const std::string& body) { return LittleEndian(Crc(body) & 0xffff, 2) + body; };
  const std::string file =
      "\x74" + LittleEndian(0x8000 | static_cast<std::uint64_t>(flags), 2) + LittleEndian(32 + name.size(), 2) +
      LittleEndian(content.size(), 4) + LittleEndian(content.size(), 4) + "\3" + LittleEndian(Crc(content), 4) +
      LittleEndian(0x4e8d1234, 4) + "\x14\x30" + LittleEndian(name.size(), 2) + LittleEndian(0100644, 4) + name;
  return std::string("Rar!\x1a\7\0", 7) +
         block("\x73" + LittleEndian(0, 2) + LittleEndian(13, 2) + LittleEndian(0, 6)) + block(file) + content +
         block("\x7b" + LittleEndian(0x4000, 2) + LittleEndian(7, 2));
}

// RAR 5: headers of variable-length numbers with a CRC-32 before them; a stored file.
std::string Rar5(const std::string& name, const std::string& content) {
  const auto number = [](std::uint64_t value) {
    std::string text;
    for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
    return text + static_cast<char>(value);
  };
  const auto header = [&](const std::string& body) {
    const std::string sized = number(body.size()) + body;
    return LittleEndian(Crc(sized), 4) + sized;
  };
  const std::string file = number(2) + number(2) + number(content.size()) + number(4) + number(content.size()) +
                           number(0100644) + LittleEndian(Crc(content), 4) + number(0) + number(1) +
                           number(name.size()) + name;
  return std::string("Rar!\x1a\7\1\0", 8) + header(number(1) + number(0) + number(0)) + header(file) + content +
         header(number(5) + number(0) + number(0));
}

// [MS-CAB]: one folder of stored blocks, one file.
std::string Cabinet(const std::string& name, const std::string& content) {
  const std::string file = LittleEndian(content.size(), 4) + LittleEndian(0, 4) + LittleEndian(0, 2) +
                           LittleEndian(0x4e8d1234, 4) + LittleEndian(0x20, 2) + name + std::string(1, '\0');
  std::string data;
  std::uint64_t blocks = 0;
  for (std::size_t at = 0; at < content.size(); at += 32768, ++blocks) {
    const std::string part = content.substr(at, 32768);
    data += LittleEndian(0, 4) + LittleEndian(part.size(), 2) + LittleEndian(part.size(), 2) + part;
  }
  const std::uint64_t begins = 36 + 8 + file.size();
  return "MSCF" + LittleEndian(0, 4) + LittleEndian(begins + data.size(), 4) + LittleEndian(0, 4) +
         LittleEndian(36 + 8, 4) + LittleEndian(0, 4) + "\3\1" + LittleEndian(1, 2) + LittleEndian(1, 2) +
         LittleEndian(0, 6) + LittleEndian(begins, 4) + LittleEndian(blocks, 2) + LittleEndian(0, 2) + file + data;
}

TEST(RarLayer, MembersOfBothVersionsAreRead) {
  const std::string jpeg = MakeJpeg(4, 40000);
  for (const std::string& bytes : {Rar4("a.jpg", jpeg), Rar5("a.jpg", jpeg)}) {
    ContentRun run;
    run.Feed({}, bytes);
    const RecordedObject* member = run.recorder.Find("root / rar a.jpg");
    ASSERT_NE(member, nullptr);
    EXPECT_EQ(member->text(), jpeg);
    EXPECT_EQ(member->end, ObjectEnd::kComplete);
    EXPECT_THAT(EverySplit({}, bytes), Each(run.recorder.Summary()));
  }
  ContentRun locked;
  locked.Feed({}, Rar4("a.jpg", jpeg, 4));
  EXPECT_EQ(locked.anomalies.Count(AnomalyCode::unread_encrypted), 1u);
}

TEST(CabinetLayer, MembersAreRead) {
  const std::string jpeg = MakeJpeg(4, 70000);
  ContentRun run;
  run.Feed({}, Cabinet("a.jpg", jpeg));
  const RecordedObject* member = run.recorder.Find("root / cab a.jpg");
  ASSERT_NE(member, nullptr);
  EXPECT_EQ(member->text(), jpeg);
  EXPECT_THAT(EverySplit({}, Cabinet("a.jpg", jpeg)), Each(run.recorder.Summary()));
}

TEST(Unopened, KindsThatAreNotReadAreToldAndSearched) {
  const std::pair<std::string, AnomalyCode> kinds[] = {
      {"\x1f\x9d\x90", AnomalyCode::unread_container},
      {"\x12\x34-lh5-", AnomalyCode::unread_container},
      {std::string("\0\0\0\x18"
                   "ftypheic\0\0\0\0mif1heic",
                   24),
       AnomalyCode::unread_picture},
      {std::string("\0\0\0\x1c"
                   "ftypmif1\0\0\0\0mif1avifmiaf",
                   28),
       AnomalyCode::unread_picture},
      {std::string("\0\0\0\x0cJXL \r\n\x87\n", 12), AnomalyCode::unread_picture},
      {std::string("\0\0\0\x0cjP  \r\n\x87\n", 12), AnomalyCode::unread_picture},
      {"1234567**ACE**", AnomalyCode::unread_container},
      {"Salted__12345678", AnomalyCode::unread_encrypted},
      {"-----BEGIN PGP MESSAGE-----\n", AnomalyCode::unread_encrypted},
  };
  for (const auto& [magic, reason] : kinds) {
    ContentRun run;
    run.Feed({}, magic + std::string(600, 'x') + MakeJpeg(1, 2000));
    EXPECT_EQ(run.anomalies.Count(reason), 1u) << magic;
    EXPECT_NE(run.recorder.Find("root / carved jpeg"), nullptr) << magic;
  }
  ContentRun run;
  run.Feed({}, "plain text");
  EXPECT_EQ(run.counters.Get(Counter::content_unread), 0u);
}

}  // namespace
}  // namespace spanwatch::testing
