#include <gmock/gmock.h>

#include "content/inflate64_codec.h"
#include "support/content_run.h"
#include "support/plain_zip.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

// The whole members that came out, by name.
std::map<std::string, std::string> WholeMembers(const std::string& text, std::size_t piece = 1460) {
  ContentRun run;
  run.Feed({}, text, piece);
  std::map<std::string, std::string> members;
  for (const auto& object : run.recorder.objects()) {
    const bool whole = object->info.kind == ObjectKind::kMember && object->end == ObjectEnd::kComplete;
    if (whole && !object->bytes.empty()) members[object->info.name] = object->text();
  }
  return members;
}

struct Lie {
  const char* what;
  void (*tell)(PlainZip::Entry&);
};

// What a reader of the directory never looks at.
constexpr Lie kLies[] = {
    {"truth", [](PlainZip::Entry&) {}},
    {"sizes of zero",
     [](PlainZip::Entry& entry) {
       PlainZip::Lie(entry.local, PlainZip::kCrc, 0, 4);
       PlainZip::Lie(entry.local, PlainZip::kPacked, 0, 8);
     }},
    {"packed size of zero", [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kPacked, 0, 4); }},
    {"stored", [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kMethod, 0, 2); }},
    {"unknown method", [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kMethod, 97, 2); }},
    {"encrypted in the local header",
     [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kFlags, 1, 2); }},
    {"encrypted in both",
     [](PlainZip::Entry& entry) {
       PlainZip::Lie(entry.local, PlainZip::kFlags, 1, 2);
       PlainZip::Lie(entry.central, PlainZip::kFlags + 2, 1, 2);
     }},
    {"sizes of 4 GiB without zip64",
     [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kPacked, UINT64_MAX, 8); }},
    {"a descriptor without signature",
     [](PlainZip::Entry& entry) {
       entry.behind = entry.local.substr(PlainZip::kCrc, 12);
       PlainZip::Lie(entry.local, PlainZip::kFlags, 8, 2);
       PlainZip::Lie(entry.local, PlainZip::kCrc, 0, 12);
     }},
    {"a version that nobody knows", [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, 4, 0xFFFF, 2); }},
    {"a method that nobody knows",
     [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kMethod, 0x0800, 2); }},
    {"another checksum", [](PlainZip::Entry& entry) { PlainZip::Lie(entry.local, PlainZip::kCrc, 0x12345678, 4); }},
};

TEST(ZipRest, MembersThatLocalHeadersHideAreReadByTheDirectory) {
  const std::map<std::string, std::string> members = {
      {"a.jpg", MakeJpeg(1, 5000)}, {"b.csv", "plate,state\nAAA1234,TX\n"}, {"c.jpg", MakeJpeg(2, 9000)}};
  for (const Lie& lie : kLies) {
    for (const int method : {0, 8}) {
      // Nobody can tell by the bytes where a stored member of unknown length ends.
      if (method == 0 && std::string_view(lie.what).starts_with("a descriptor")) continue;
      PlainZip zip;
      for (const auto& [name, content] : members) lie.tell(zip.Add(name, content, method));
      // Where no local header leads on, a zip behind other bytes is carved no further; and which pictures are carved
      // beside the members depends on how the bytes came.
      const bool leads_on = !std::string_view(lie.what).contains("of zero");
      EXPECT_EQ(WholeMembers(zip.Whole("", "a comment")), members) << lie.what << method;
      EXPECT_EQ(WholeMembers(zip.Whole("", "a comment"), 1), members) << lie.what << method;
      if (!leads_on) continue;
      for (const std::string before : {"", "MZ a program that unpacks"}) {
        const std::string text = zip.Whole(before, "a comment");
        EXPECT_EQ(WholeMembers(text), members) << lie.what << method << before;
        EXPECT_THAT(EverySplit({}, text), Each(EverySplit({}, text).front())) << lie.what << method;
      }
    }
  }
}

// A transfer that is cut before the directory, of a writer that leaves out what its headers promise.
TEST(ZipRest, MembersWithoutDescriptorsAreReadWithoutADirectory) {
  const std::map<std::string, std::string> members = {
      {"a.jpg", MakeJpeg(1, 5000)}, {"b.csv", "plate,state\nAAA1234,TX\n"}, {"c.jpg", MakeJpeg(2, 9000)}};
  for (const std::string descriptor : {"", "PK\7\x08", "twelve bytes"}) {
    std::string text;
    PlainZip zip;
    for (const auto& [name, content] : members) {
      auto& entry = zip.Add(name, content);
      PlainZip::Lie(entry.local, PlainZip::kFlags, 8, 2);
      PlainZip::Lie(entry.local, PlainZip::kCrc, 0, 12);
      text += entry.local + entry.data + descriptor;
    }
    for (const std::size_t piece : {1, 1460}) {
      const auto found = WholeMembers(text, piece);
      for (const auto& [name, content] : members) {
        ASSERT_TRUE(found.contains(name)) << name << " before " << descriptor;
        EXPECT_EQ(found.at(name), content);
      }
    }
  }
}

TEST(ZipRest, OnlyOneOfManyLies) {
  PlainZip zip;
  std::map<std::string, std::string> members;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i) + ".jpg";
    members[name] = MakeJpeg(static_cast<std::uint64_t>(i), 3000);
    PlainZip::Entry& entry = zip.Add(name, members[name]);
    if (i == 7) PlainZip::Lie(entry.local, PlainZip::kPacked, 0, 8);
  }
  EXPECT_EQ(WholeMembers(zip.Whole()), members);
}

// Its readers begin at the last end record.
TEST(ZipRest, AnArchiveInWhatAnotherCallsItsCommentIsRead) {
  PlainZip first, second;
  first.Add("x.txt", "hello");
  second.Add("b.csv", "plate,state\nAAA1234,TX\n", 8);
  std::string text = first.Whole();
  text.replace(text.size() - 2, 2, "\xFF\xFF");
  text += "a comment" + second.Whole();
  EXPECT_EQ(WholeMembers(text).at("b.csv"), "plate,state\nAAA1234,TX\n");
}

TEST(ZipRest, DirectoryAndMembersMayDiffer) {
  PlainZip zip;
  zip.Add("a.txt", "listed and there");
  zip.Add("b.txt", "deleted from the directory").listed = false;
  zip.Add("c.txt", "listed and lost").in_row = false;
  const std::map<std::string, std::string> there = {{"a.txt", "listed and there"},
                                                    {"b.txt", "deleted from the directory"}};
  EXPECT_EQ(WholeMembers(zip.Whole()), there);
}

TEST(ZipRest, WhatIsEncryptedIsNotTakenForPlain) {
  for (const int method : {0, 8}) {
    PlainZip zip;
    PlainZip::Entry& entry = zip.Add("a.jpg", MakeJpeg(1, 5000), method);
    entry.data = Noise(1).Take(entry.data.size());
    PlainZip::Lie(entry.local, PlainZip::kFlags, 1, 2);
    PlainZip::Lie(entry.central, PlainZip::kFlags + 2, 1, 2);
    ContentRun run;
    run.Feed({}, zip.Whole());
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::unread_encrypted), 1u);
    EXPECT_TRUE(WholeMembers(zip.Whole()).empty());
  }
}

TEST(ZipRest, BeyondWhatIsHeldIsTold) {
  config::Limits limits;
  limits.content_held_bytes = 65536;
  ContentRun run(limits);
  PlainZip zip;
  for (int i = 0; i < 3; ++i) {
    PlainZip::Entry& entry = zip.Add(std::to_string(i) + ".jpg", MakeJpeg(static_cast<std::uint64_t>(i), 50000), 0);
    PlainZip::Lie(entry.local, PlainZip::kPacked, 0, 8);
  }
  run.Feed({}, zip.Whole(), 1460);
  EXPECT_GE(run.anomalies.Count(AnomalyCode::unread_not_held), 1u);
}

// Entries that lie over one another, as a bomb has them, cost no more than a few times what they hold.
TEST(ZipRest, EntriesThatOverlapStayBounded) {
  PlainZip zip;
  PlainZip::Entry& first = zip.Add("0", std::string(1 << 20, 'a'));
  PlainZip::Lie(first.local, PlainZip::kPacked, 0, 8);
  const std::string data = first.data;
  for (int i = 1; i < 500; ++i) {
    PlainZip::Entry& entry = zip.Add(std::to_string(i), std::string(1 << 20, 'a'), 8, data);
    entry.in_row = false;
    PlainZip::Lie(entry.central, PlainZip::kCrc + 2, static_cast<std::uint64_t>(i), 4);
  }
  config::Limits limits;
  limits.content_expansion_allowance_bytes = 16 << 20;
  limits.content_expansion_ratio = 16;
  ContentRun run(limits);
  run.Feed({}, zip.Whole());
  EXPECT_LE(run.counters.Get(Counter::content_bytes_out), (17u << 20) + 16 * zip.Whole().size());
}

TEST(ZipRest, MethodsThatLibarchiveDoesNotKnowAreRead) {
  const std::string csv = "plate,state\nAAA1234,TX\nBBB1234,TX\n";
  PlainZip zip;
  zip.Add("a.csv", csv, 93, Zstd(csv));
  zip.Add("b.csv", csv + "1", 9, Deflate(csv + "1", -15));  // the same bits as long as no match is of 258 bytes
  const std::map<std::string, std::string> members = {{"a.csv", csv}, {"b.csv", csv + "1"}};
  EXPECT_EQ(WholeMembers(zip.Whole()), members);
}

// Bits as RFC 1951 packs them.
class BitWriter {
 public:
  void Bits(std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) Bit(value >> i & 1);
  }
  void Code(std::uint32_t value, int count) {
    for (int i = count - 1; i >= 0; --i) Bit(value >> i & 1);
  }
  void Stored(const std::string& text) {
    Bits(0, 3);
    filled_ = 0;
    text_ += LittleEndian(text.size(), 2) + LittleEndian(~text.size(), 2) + text;
  }
  const std::string& text() const { return text_; }

 private:
  void Bit(std::uint32_t bit) {
    if (filled_ == 0) text_ += '\0';
    if (bit != 0) text_.back() = static_cast<char>(text_.back() | 1 << filled_);
    filled_ = (filled_ + 1) % 8;
  }
  std::string text_;
  int filled_ = 0;
};

std::string Inflate64(const std::string& text, std::size_t piece) {
  content::Inflate64Codec codec;
  std::string out;
  std::uint8_t output[1000];
  for (std::size_t at = 0; at < text.size();) {
    const Bytes part(text.begin() + static_cast<std::ptrdiff_t>(at),
                     text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), at + piece)));
    ByteView rest(part);
    for (;;) {
      const content::CodecStep step = codec.Decode(rest, output);
      out.append(reinterpret_cast<const char*>(output), step.made);
      rest = rest.subspan(step.taken);
      if (step.state != content::LayerState::kMore) return out + (step.state == content::LayerState::kDone ? "" : "!");
      if (rest.empty() && step.made < sizeof(output)) break;
    }
    at += part.size();
  }
  return out + "?";
}

TEST(Inflate64Codec, TheLongMatchAndTheFarDistancesAreRead) {
  const std::string noise = Noise(3).Take(65530);
  BitWriter bits;
  bits.Stored(noise);
  bits.Bits(0b011, 3);  // the last block, with the fixed codes
  std::string expected = noise;
  const auto match = [&](std::uint32_t length_extra, std::uint32_t distance_code, std::uint32_t distance_extra) {
    bits.Code(0b11000101, 8);  // 285
    bits.Bits(length_extra, 16);
    bits.Code(distance_code, 5);
    bits.Bits(distance_extra, 14);
    const std::size_t distance = (distance_code == 30 ? 32769 : 49153) + distance_extra;
    for (std::size_t i = 0; i < length_extra + 3; ++i) expected += expected[expected.size() - distance];
  };
  match(0, 30, 0);
  match(65535, 30, 16000);
  match(7, 31, 16383);
  bits.Code(0, 7);  // 256
  for (const std::size_t piece : {1ul, 7ul, 1460ul, bits.text().size()}) {
    EXPECT_EQ(Inflate64(bits.text(), piece) == expected, true) << piece;
  }
}

TEST(Inflate64Codec, OrdinaryBlocksAreReadAndNonsenseIsRefused) {
  std::string csv;
  for (int i = 0; i < 3000; ++i) csv += "AAA" + std::to_string(1000 + i) + ",TX,2019-05-13T02:11:40Z\n";
  const std::string packed = Deflate(csv, -15);
  for (const std::size_t piece : {1ul, 100ul, packed.size()}) EXPECT_TRUE(Inflate64(packed, piece) == csv) << piece;
  EXPECT_EQ(Inflate64(packed.substr(0, packed.size() / 2), 100).back(), '?');
  EXPECT_EQ(Inflate64("\x07 reserved type of block", 1), "!");
  EXPECT_EQ(Inflate64(std::string("\1\5\0\0\0hello", 10), 3), "!");
  BitWriter bits;  // a match before anything came out
  bits.Bits(0b011, 3);
  bits.Code(1, 7);
  bits.Code(0, 5);
  bits.Bits(0, 16);
  EXPECT_EQ(Inflate64(bits.text(), 1), "!");
}

}  // namespace
}  // namespace spanwatch::testing
