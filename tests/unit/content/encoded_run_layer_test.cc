#include <gmock/gmock.h>

#include "base/hex.h"
#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string Wrap(const std::string& text, std::size_t width, const std::string& between) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += width) out += (at > 0 ? between : "") + text.substr(at, width);
  return out;
}

std::string Escape(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

struct Case {
  std::string name;
  std::string text;
  std::string step;
  bool evasive;
};

std::vector<Case> Cases() {
  const std::string jpeg = MakeJpeg(41, 5000);
  const std::string base64 = Base64(jpeg);
  const std::string hex = ToHex(AsBytes(jpeg));
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  return {
      {"JSON string", "{\"plate_crop_jpeg\": \"" + base64 + "==\", \"n\": 1}", "base64", false},
      {"JSON with escaped slashes", "{\"i\":\"" + Escape(base64, "/", "\\/") + "\"}", "base64", false},
      {"JSON with escaped lines", "{\"i\":\"" + Wrap(base64, 76, "\\r\\n") + "\"}", "base64", false},
      {"XML", "<PlateImage>" + base64 + "</PlateImage>", "base64", false},
      {"XML with indented lines", "<P>\n    " + Wrap(base64, 76, "\n    ") + "\n  </P>", "base64", false},
      {"XML with references", "<P>" + Wrap(base64, 76, "&#13;\n") + "</P>", "base64", false},
      {"form field", "a=1&image=" + Escape(Escape(base64, "+", "%2B"), "/", "%2F") + "&b=2", "base64", false},
      {"bare lines under a heading", "picture\n" + Wrap(base64, 64, "\n") + "\n\nbye\n", "base64", false},
      {"short lines", "x:" + Wrap(base64, 40, "\n") + "=\n", "base64", false},
      {"behind letters of the alphabet", "path/too/" + base64 + "=", "base64", false},
      {"URL-safe", "note " + Base64(jpeg, true) + " end", "base64url", true},
      {"hex", "note: " + hex + ";", "hex", true},
      {"upper-case hex", "note: " + upper + ";", "hex", true},
      {"xxd -p", Wrap(hex, 60, "\n") + "\n", "hex", true},
      {"hex bytes", "dump\n" + Wrap(Wrap(upper, 2, " "), 48, "\n") + "\n.", "hex", true},
      {"hex with colons", "dump=" + Wrap(hex, 2, ":") + ".", "hex", true},
      {"SQL literal", "INSERT INTO t VALUES (1, X'" + hex + "');", "hex", false},
      {"SQL number", "INSERT INTO t VALUES (1, 0x" + upper + ");", "hex", false},
  };
}

TEST(EncodedRunLayer, RunsAreFoundAndDecoded) {
  for (const Case& sample : Cases()) {
    ContentRun run;
    run.Feed({}, sample.text);
    const RecordedObject* inside = run.recorder.Find("root / " + sample.step);
    ASSERT_NE(inside, nullptr) << sample.name;
    EXPECT_EQ(inside->text(), MakeJpeg(41, 5000)) << sample.name;
    EXPECT_EQ(inside->info.evasive, sample.evasive) << sample.name;
    EXPECT_EQ(run.notes().evasive, sample.evasive) << sample.name;
    EXPECT_EQ(run.recorder.objects().size(), 2u) << sample.name;
  }
}

TEST(EncodedRunLayer, EverySplitGivesTheSameObjects) {
  for (const Case& sample : Cases()) {
    const auto splits = EverySplit({}, sample.text);
    EXPECT_THAT(splits, Each(splits.front())) << sample.name;
  }
}

TEST(EncodedRunLayer, PieceOfTextIsTriedAtEveryAlignment) {
  const std::string base64 = Base64(MakeJpeg(42, 3000), true);
  ContentRun run;
  run.Feed({.kind = ObjectKind::kText}, base64.substr(1001, 1500));
  std::size_t whole = 0;
  for (const auto& object : run.recorder.objects()) {
    whole += !object->text().empty() && MakeJpeg(42, 3000).find(object->text()) != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(run.recorder.objects().size(), 5u);
  EXPECT_EQ(whole, 1u);
}

TEST(EncodedRunLayer, OrdinaryTextHoldsNoRun) {
  const char* kTexts[] = {
      "The quick brown fox jumps over the lazy dog, again and again, until the page is full and nobody reads it any "
      "more.\n",
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  a.jpg\n",
      "aa:bb:cc:dd:ee:ff 00:11:22:33:44:55\n550e8400-e29b-41d4-a716-446655440000\n",
      "alpha\nbeta\ngamma\ndelta\nepsilon\nzeta\neta\ntheta\niota\nkappa\nlambda\nmu\nnu\nxi\nomicron\npi\nrho\nsigma"
      "\n",
  };
  for (const char* text : kTexts) {
    ContentRun run;
    std::string longer;
    for (int i = 0; i < 40; ++i) longer += text;
    run.Feed({}, longer);
    EXPECT_EQ(run.recorder.objects().size(), 1u) << text;
  }
}

TEST(EncodedRunLayer, GapEndsARunAndWhatFollowsIsTriedAtEveryAlignment) {
  ContentRun run;
  const std::string base64 = Base64(MakeJpeg(43, 6000));
  const auto consumer = run.Open({});
  ContentRun::Pass(*consumer, "\"" + base64.substr(0, 4000));
  consumer->OnGap(101);
  ContentRun::Pass(*consumer, base64.substr(4101) + "\"");
  consumer->OnEnd(ObjectEnd::kTruncated);
  EXPECT_EQ(run.recorder.Count("root / base64"), 5u);
  EXPECT_EQ(run.recorder.Find("root / base64")->end, ObjectEnd::kTruncated);
}

TEST(EncodedRunLayer, WebTokenIsNotEvasive) {
  ContentRun run;
  run.Feed({}, "Authorization: Bearer " + Base64("{\"alg\":\"RS256\"}" + std::string(80, '{'), true) + "." +
                   Base64(Noise(3).Take(200), true));
  for (const auto& object : run.recorder.objects()) EXPECT_FALSE(object->evasive);
  EXPECT_FALSE(run.notes().evasive);
}

}  // namespace
}  // namespace spanwatch::testing
