// uuencode, yEnc and patches of git: encodings that a mark of their own begins in any text.
#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

struct UuStyle {
  char zero = '`';       // or a blank
  bool trimmed = false;  // blanks at the end of a line are gone
  bool checksums = false;
  std::string line_end = "\n";
};

std::string Uuencoded(const std::string& bytes, const UuStyle& style = {}) {
  std::string out = "begin 644 gate 1.jpg" + style.line_end;
  const auto digit = [&](unsigned value) { return value == 0 ? style.zero : static_cast<char>(' ' + value); };
  for (std::size_t at = 0; at < bytes.size(); at += 45) {
    const std::string line = bytes.substr(at, 45);
    std::string text;
    for (std::size_t i = 0; i < line.size(); i += 3) {
      unsigned bits = 0;
      for (std::size_t k = 0; k < 3; ++k)
        bits = bits << 8 | (i + k < line.size() ? static_cast<std::uint8_t>(line[i + k]) : 0);
      for (int shift = 18; shift >= 0; shift -= 6) text += digit(bits >> shift & 63);
    }
    if (style.trimmed) text.resize(text.find_last_not_of(' ') + 1);
    out += digit(static_cast<unsigned>(line.size())) + text + (style.checksums ? "A" : "") + style.line_end;
  }
  return out + std::string(1, style.zero) + style.line_end + "end" + style.line_end;
}

std::string YencLines(const std::string& bytes) {
  std::string out;
  std::size_t column = 0;
  for (const char byte : bytes) {
    char c = static_cast<char>(byte + 42);
    if (c == 0 || c == '\n' || c == '\r' || c == '=') {
      out += '=';
      c = static_cast<char>(c + 64);
      ++column;
    }
    out += c;
    if (++column >= 128) {
      out += "\r\n";
      column = 0;
    }
  }
  return out + "\r\n";
}

std::string Rfc1924Lines(const std::string& bytes) {
  const std::string alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 52) {
    const std::string line = bytes.substr(at, 52);
    out += static_cast<char>(line.size() <= 26 ? 'A' + line.size() - 1 : 'a' + line.size() - 27);
    for (std::size_t i = 0; i < line.size(); i += 4) {
      std::uint32_t value = 0;
      for (std::size_t k = 0; k < 4; ++k)
        value = value << 8 | (i + k < line.size() ? static_cast<std::uint8_t>(line[i + k]) : 0);
      std::string group(5, '0');
      for (std::size_t k = 5; k-- > 0; value /= 85) group[k] = alphabet[value % 85];
      out += group;
    }
    out += '\n';
  }
  return out;
}

std::string GitPatch(const std::string& file) {
  const std::string packed = Deflate(file, 15);
  return "diff --git a/gate.jpg b/gate.jpg\nnew file mode 100644\nindex 0000000..9daeafb\nGIT binary patch\nliteral " +
         std::to_string(file.size()) + "\n" + Rfc1924Lines(packed) +
         "\nliteral 0\nHcmV?d00001\n\ndiff --git a/b b/b\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-a\n+b\n";
}

struct Armoured {
  std::string name;
  std::vector<std::string> declared;
  std::string text;
};

std::vector<Armoured> Armour(const std::string& file) {
  const std::string half = file.substr(0, file.size() / 2);
  const std::string yenc = "=ybegin line=128 size=" + std::to_string(file.size()) + " name=gate 1.jpg\r\n" +
                           YencLines(file) + "=yend size=9\r\n";
  std::string stuffed = yenc;
  for (std::size_t at = stuffed.find("\n."); at != std::string::npos; at = stuffed.find("\n.", at + 3))
    stuffed.insert(at + 1, ".");
  return {
      {"uuencode of GNU sharutils", {}, Uuencoded(file)},
      {"uuencode with blanks", {}, "Hello,\nhere it is:\n\n" + Uuencoded(file, {.zero = ' '}) + "\nbye\n"},
      {"uuencode with trimmed blanks",
       {},
       "a\r\n" + Uuencoded(file, {.zero = ' ', .trimmed = true, .line_end = "\r\n"}) + "\r\nb\r\n"},
      {"uuencode with checksums", {}, "x\n" + Uuencoded(file, {.checksums = true})},
      {"mail of Outlook Express", {"x-uuencode"}, "\r\n" + Uuencoded(file, {.line_end = "\r\n"})},
      {"yEnc", {}, "Subject: gate\r\n\r\n" + yenc},
      {"yEnc alone", {}, yenc},
      {"yEnc by NNTP", {}, "POST\r\n" + stuffed},
      {"yEnc of one part",
       {},
       "x\r\n=ybegin part=1 total=1 line=128 size=6000 name=a\r\n=ypart begin=1 end=9\r\n" + YencLines(file) +
           "=yend size=9 part=1\r\n"},
      {"git diff --binary", {}, "See:\n---\n" + GitPatch(file)},
  };
}

TEST(TextArmour, FilesAreFound) {
  const std::string jpeg = MakeJpeg(81, 5000);
  for (const Armoured& sample : Armour(jpeg)) {
    ContentRun run;
    run.Feed({.encodings = sample.declared}, sample.text, 1460);
    std::vector<std::string> texts;
    for (const auto& object : run.recorder.objects()) texts.push_back(object->text());
    EXPECT_THAT(texts, ::testing::Contains(jpeg)) << sample.name;
    EXPECT_EQ(run.counters.Get(Counter::content_layers_broken), 0u) << sample.name;
    const auto splits = EverySplit({.encodings = sample.declared}, sample.text);
    EXPECT_THAT(splits, Each(splits.front())) << sample.name;
  }
}

TEST(TextArmour, UuencodeLayerYencLayerAndGitPatchLayerGoOnBehindOne) {
  const std::string first = MakeJpeg(82, 900), second = MakeJpeg(83, 900);
  for (std::size_t i = 0; i < Armour(first).size(); ++i) {
    const Armoured one = Armour(first)[i], other = Armour(second)[i];
    if (!one.declared.empty()) continue;
    ContentRun run;
    run.Feed({}, one.text + "between\n" + other.text);
    std::vector<std::string> texts;
    for (const auto& object : run.recorder.objects()) texts.push_back(object->text());
    EXPECT_THAT(texts, ::testing::IsSupersetOf({first, second})) << one.name;
  }
}

TEST(TextArmour, WhatOnlyBeginsLikeItIsNone) {
  for (const char* text : {"We\nbegin 644 is a mode\n", "SQL\nbegin transaction;\nbegin\n  x := 1;\nend;\n",
                           "x=y&a=ybegin\n", "=ybegin is its first line", "GIT binary patches\nGIF89a",
                           "Binary files a/x and b/x differ\n", "\nbegin 1234567 a\n"}) {
    ContentRun run;
    run.Feed({}, text);
    for (const auto& object : run.recorder.objects()) EXPECT_NE(object->info.kind, ObjectKind::kDecoded) << text;
  }
}

}  // namespace
}  // namespace spanwatch::testing
