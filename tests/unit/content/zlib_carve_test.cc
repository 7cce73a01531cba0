#include <gmock/gmock.h>

#include "content/zlib_probe.h"
#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string Reads(int count) {
  std::string text = "plate,state,timestamp\n";
  for (int i = 0; i < count; ++i) text += "BCD" + std::to_string(1000 + i * 7 % 9000) + ",TX,2019-05-13T02:11:40Z\n";
  return text;
}

std::string Zlib(const std::string& text, int level = 6) {
  std::string out(compressBound(text.size()), '\0');
  uLongf size = out.size();
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size(),
            level);
  out.resize(size);
  return out;
}

std::string BigEndian(std::size_t number, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
  return out;
}

// An object of a git pack: its kind and length, seven bits at a time, then the zlib stream (gitformat-pack).
std::string PackObject(int kind, const std::string& content) {
  std::size_t left = content.size() >> 4;
  std::string head(1, static_cast<char>(kind << 4 | static_cast<int>(content.size() & 15)));
  for (; left > 0; left >>= 7) {
    head.back() = static_cast<char>(head.back() | 0x80);
    head += static_cast<char>(left & 0x7f);
  }
  return head + Zlib(content);
}

std::string PngChunk(const std::string& type, const std::string& body) {
  return BigEndian(body.size(), 4) + type + body + std::string(4, '\x11');
}

struct Holder {
  std::string name;
  std::string bytes;
};

// Who holds zlib streams of Reads(40) and Reads(400), each in the way of its format.
std::vector<Holder> Holders() {
  const std::string few = Reads(40), many = Reads(400);
  return {
      {"PDF without a beginning", "<< /Length 99 /Filter /FlateDecode >>\nstream\n" + Zlib(few) +
                                      "\nendstream\nendobj\n3 0 obj\n<<>>\nstream\r\n" + Zlib(many) +
                                      "\r\nendstream\n"},
      {"git pack", "PACK" + BigEndian(2, 4) + BigEndian(3, 4) + PackObject(1, "tree 1\nauthor a\n") +
                       PackObject(3, few) + PackObject(3, many) + std::string(20, '\x22')},
      {"PNG with texts", "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", std::string("\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13)) +
                             PngChunk("zTXt", std::string("Comment\0\0", 9) + Zlib(few)) +
                             PngChunk("iTXt", std::string("XML\0\1\0\0\0", 8) + Zlib(many)) + PngChunk("IEND", "")},
      {"records of a message queue",
       BigEndian(1, 4) + Zlib(few, 1) + BigEndian(2, 4) + Zlib(many, 9) + BigEndian(3, 4)},
      {"level 3 and stored", "x" + Zlib(few, 3) + "y" + Zlib(many, 0) + "z"},
  };
}

std::vector<std::string> Inflated(const ContentRun& run) {
  std::vector<std::string> texts;
  for (const auto& object : run.recorder.objects()) {
    if (object->info.step == "deflate") texts.push_back(object->text());
  }
  return texts;
}

TEST(CarveLayer, ZlibStreamsAreFoundInWhatHoldsThem) {
  for (const Holder& holder : Holders()) {
    for (const ObjectKind kind : {ObjectKind::kStream, ObjectKind::kMessage}) {
      ContentRun run;
      run.Feed({.kind = kind}, holder.bytes, 1460);
      EXPECT_THAT(Inflated(run), ::testing::IsSupersetOf({Reads(40), Reads(400)})) << holder.name;
      EXPECT_EQ(run.counters.Get(Counter::content_layers_broken), 0u) << holder.name;
    }
    const auto splits = EverySplit({.kind = ObjectKind::kStream}, holder.bytes);
    EXPECT_THAT(splits, Each(splits.front())) << holder.name;
  }
}

TEST(CarveLayer, CompressedFlashIsOpened) {
  ContentRun run;
  run.Feed({}, std::string("CWS\x0a\0\1\0\0", 8) + Zlib(Reads(400)));
  EXPECT_THAT(Inflated(run), ::testing::ElementsAre(Reads(400)));
}

TEST(CarveLayer, PixelsOfPngAreNotInflated) {
  const std::string png = "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", std::string("\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13)) +
                          PngChunk("IDAT", Zlib(std::string(4000, 'x'))) + PngChunk("IEND", "");
  for (const std::size_t piece : {0, 1, 3}) {
    ContentRun run;
    run.Feed({}, png, piece);
    EXPECT_EQ(run.recorder.objects().size(), 1u);
  }
}

// One header of zlib in 16 KiB, and never a stream.
TEST(CarveLayer, NoiseHoldsNoZlib) {
  ContentRun run;
  run.Feed({.kind = ObjectKind::kStream}, Noise(11).Take(40 << 20), 1460);
  EXPECT_THAT(Inflated(run), ::testing::IsEmpty());
  EXPECT_EQ(run.counters.Get(Counter::content_layers_broken), 0u);
  EXPECT_EQ(run.counters.Get(Counter::content_limited_trials), 0u);
}

TEST(CarveLayer, FailedTrialsAreBounded) {
  // Thirty bytes of a good stream, again and again, that break off.
  const std::string decoy = Zlib(Reads(400)).substr(0, 60);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += decoy.substr(0, 58) + std::string(12, '\xff');
  ContentRun run;
  run.Feed({.kind = ObjectKind::kStream}, text);
  EXPECT_GT(run.counters.Get(Counter::content_limited_trials), 1000u);
  EXPECT_TRUE(run.notes().limit_reached);
}

TEST(ZlibProbe, TheGlancePassesWhatInflates) {
  Noise noise(17);
  for (int i = 0; i < 400; ++i) {
    const std::string text = i % 2 == 0 ? Reads(1 + i / 8) : noise.Take(1 + noise.Next() % 300) + Reads(2);
    const std::string zlib = Zlib(text, i % 10);
    EXPECT_TRUE(content::MayBeZlib(AsBytes(zlib))) << i;
    EXPECT_TRUE(content::InflatesAsZlib(AsBytes(zlib))) << i;
  }
  int glanced = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = "x\x9c" + noise.Take(content::kZlibHeadBytes);
    glanced += content::MayBeZlib(AsBytes(text)) ? 1 : 0;
    EXPECT_FALSE(content::InflatesAsZlib(AsBytes(text)));
  }
  EXPECT_LT(glanced, 400);
}

}  // namespace
}  // namespace spanwatch::testing
