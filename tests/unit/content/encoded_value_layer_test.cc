#include <gmock/gmock.h>

#include "base/hex.h"
#include "content/value_scan.h"
#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

constexpr const char* kRow = "ABC1234,TX,2019-05-13T02:11:40Z";

std::string WideText(const std::string& text) {
  std::string out;
  for (const char c : text) out += {c, '\0'};
  return out;
}

struct ShortValue {
  std::string name;
  std::string text;
  std::string held;
};

// Who writes short values so.
std::vector<ShortValue> ShortValues() {
  const std::string row = Base64(kRow), plate = Base64("ABC1234"), hex = ToHex(AsBytes(std::string(kRow)));
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  const std::string json = R"({"plate":"ABC1234","state":"TX"})";
  return {
      {"Kinesis", "{\"Data\":\"" + row + "=\",\"PartitionKey\":\"1\"}", kRow},
      {"Kinesis, a plate", "{\"Data\":\"" + plate + "==\"}", "ABC1234"},
      {"mysqldump --hex-blob", "INSERT INTO `t` VALUES (1,0x" + ToHex(AsBytes(std::string("ABC1234"))) + ",NULL);",
       "ABC1234"},
      {"SQL Server", "VALUES (0x" + ToHex(AsBytes(WideText("ABC1234"))) + ")", "ABC1234"},
      {"sqlite3 .dump", "VALUES(1,X'" + hex + "');", kRow},
      {"pg_dump", "1\t\\\\x" + hex + "\tx", kRow},
      {"a token", "Authorization: Bearer " + Base64(R"({"alg":"none"})", true) + "." + Base64(json, true) + ".", json},
      {"basic authentication", "Authorization: Basic " + Base64("gate:ABC1234") + "\r\n", "gate:ABC1234"},
      {"a cookie", "Cookie: a=b; last=" + plate + "%3D%3D; c=d\r\n", "ABC1234"},
      {"a data URL", "<a href=\"data:text/csv;base64," + row + "\">", kRow},
      {"a path", "GET /api/v1/vehicles/" + plate + " HTTP/1.1\r\n", "ABC1234"},
      {"upper-case hex", "id=" + upper + "&x=1", kRow},
      {"LDIF", "description:: " + row + "=\n", kRow},
  };
}

std::string Gathered(const ContentRun& run) {
  const RecordedObject* values = run.recorder.Find("encoded values");
  return values == nullptr ? std::string() : values->text();
}

TEST(EncodedValueLayer, TextInShortValuesIsGathered) {
  for (const ShortValue& value : ShortValues()) {
    ContentRun run;
    run.Feed({}, value.text);
    EXPECT_THAT(Gathered(run), ::testing::HasSubstr("=" + value.held + "\n")) << value.name;
    const auto splits = EverySplit({}, "some words first, " + value.text + " and " + value.text + " after them");
    EXPECT_THAT(splits, Each(splits.front())) << value.name;
  }
}

TEST(EncodedValueLayer, ManyValuesMakeOneChild) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "{\"Data\":\"" + Base64("ABC" + std::to_string(1000 + i) + ",TX") + "\"},";
  ContentRun run;
  run.Feed({}, text, 100);
  EXPECT_EQ(run.recorder.objects().size(), 2u);
  EXPECT_EQ(std::ranges::count(Gathered(run), '\n'), 200);
  EXPECT_EQ(run.recorder.objects().back()->info.fields, true);
}

TEST(EncodedValueLayer, IdentifiersAndWordsHoldNoText) {
  Noise noise(91);
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    const std::string bytes = noise.Take(9 + noise.Next() % 24);
    text += i % 3 == 0 ? Base64(bytes, true) : i % 3 == 1 ? ToHex(AsBytes(bytes)) : std::to_string(noise.Next());
    text += " InternationalizationOfAbbreviations applicationController aaaaaaaaaaaaaaaa\n";
  }
  ContentRun run;
  run.Feed({}, text);
  EXPECT_EQ(Gathered(run), "");
}

TEST(EncodedValueLayer, ValueCutByAGapIsNone) {
  ContentRun run;
  const auto consumer = run.Open({});
  ContentRun::Pass(*consumer, "{\"Data\":\"" + Base64(kRow).substr(0, 20));
  consumer->OnGap(4);
  ContentRun::Pass(*consumer, Base64(kRow).substr(24) + "\"},{\"Data\":\"" + Base64("BCD1234"));
  consumer->OnEnd(ObjectEnd::kComplete);
  EXPECT_EQ(Gathered(run), "=BCD1234\n");
}

TEST(ValueScan, FastAndPlainScanAgree) {
  Noise noise(92);
  std::string text;
  while (text.size() < 100000) text += std::string(noise.Next() % 24, 'k') + (noise.Next() % 3 == 0 ? "Z9" : "-\x80");
  const ByteView bytes = AsBytes(text);
  std::size_t found = 0;
  for (std::size_t at = 0; at < bytes.size(); ++found) {
    const std::size_t fast = content::FindLongWord(bytes, at);
    ASSERT_EQ(fast, content::FindLongWordPlain(bytes, at));
    at = fast + 3;
  }
  EXPECT_GT(found, 1000u);
}

}  // namespace
}  // namespace spanwatch::testing
