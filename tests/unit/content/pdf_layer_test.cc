#include <gmock/gmock.h>

#include "base/hex.h"
#include "content/pdf_text_reader.h"
#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

std::string Ascii85(const std::string& bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 4) {
    const std::size_t here = std::min<std::size_t>(4, bytes.size() - at);
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | (i < here ? static_cast<std::uint8_t>(bytes[at + i]) : 0);
    std::string group(5, '!');
    for (std::size_t i = 5; i-- > 0; value /= 85) group[i] = static_cast<char>('!' + value % 85);
    out += here == 4 && group == "!!!!!" ? "z" : group.substr(0, here + 1);
    if (at % 60 == 56) out += "\n";
  }
  return out;
}

std::string Page() {
  return "BT\n/F1 12 Tf\n72 720 Td\n(ABC1234, TX) Tj\n0 -14 Td\n[(AB) -20 (C12) 15.5 (35) -320 (NM)] TJ\n1 0 0 1 72 "
         "600 Tm\n"
         "<41424331323336> Tj\n1 0 0 1 90 600 Tm (OK) Tj T* (\\101\\102C\\(1\\)) '\n/Span << /Lang (xx) >> BDC\nET\n";
}
const char* const kPageText = "\nABC1234, TX\nABC1235 NM\nABC1236 OK\nABC(1)";

std::string Object(int number, const std::string& dictionary, const std::string& body, const std::string& line = "\n") {
  return std::to_string(number) + " 0 obj" + line + "<<" + dictionary + ">>" + line + "stream" +
         (line == "\r" ? "\r\n" : line) + body + line + "endstream" + line + "endobj" + line;
}

// As writers of PDF make them. Each holds Page(), and a JPEG.
struct Writer {
  std::string name;
  std::string bytes;
};

std::vector<Writer> PdfWriters() {
  const std::string jpeg = MakeJpeg(71, 3000), flate = Deflate(Page(), 15), head = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
  const std::string picture = Object(8, "/Type/XObject/Subtype/Image/Width 9/Height 9/Filter/DCTDecode/Length 9", jpeg);
  std::string small_window = flate;  // as Adobe's: 4 KiB, fastest
  small_window.replace(0, 2, "H\x89");
  return {
      {"plain", head + Object(1, "/Length 9", Page()) + picture},
      {"ReportLab",
       head + Object(1, " /Filter [ /ASCII85Decode /FlateDecode ] /Length 9 ", Ascii85(flate) + "~>") + picture},
      {"Skia", head + Object(1, "/Filter /FlateDecode\n/Length 9", flate) + picture},
      {"Acrobat", "%PDF-1.6\r" + Object(1, "/Filter/FlateDecode/Length 9 0 R", small_window, "\r\n") + picture},
      {"an abbreviation", head + Object(1, "/Filter/Fl/Length 9", flate) + picture},
      {"pages under a form",
       head + Object(1, "/Type/XObject/Subtype/Form/Resources<</Filter 1/F<</A[/B]>>>>/Filter[/FlateDecode]", flate) +
           picture},
      {"hex digits", head + Object(1, "/Filter/ASCIIHexDecode", ToHex(AsBytes(Page())) + ">") + picture},
      {"a blank behind the keyword",
       head + "1 0 obj<</Filter/FlateDecode>>stream \r\n" + flate + "\r\nendstream\n" + picture},
      {"no end of a stream", head + "1 0 obj<</Filter/FlateDecode>>stream\r\n" + flate + "\nendobj\n" + picture},
      {"bytes in front", "HTTP junk\r\n" + head + Object(1, "/Filter/FlateDecode", flate) + picture},
      {"a comment with parentheses",
       head + Object(1, "/Title(a\\)/Filter/LZWDecode(b))/Filter/FlateDecode", flate) + picture},
  };
}

TEST(PdfLayer, StreamsOfAllWritersAreOpened) {
  for (const Writer& writer : PdfWriters()) {
    ContentRun run;
    run.Feed({}, writer.bytes, 1460);
    std::vector<std::string> texts;
    for (const auto& object : run.recorder.objects()) texts.push_back(object->text());
    EXPECT_THAT(texts, ::testing::IsSupersetOf({Page(), std::string(kPageText), MakeJpeg(71, 3000)})) << writer.name;
    EXPECT_EQ(run.anomalies.Count(AnomalyCode::unread_encoding), 0u) << writer.name;
    EXPECT_EQ(run.counters.Get(Counter::content_layers_broken), 0u) << writer.name;
    const auto splits = EverySplit({}, writer.bytes);
    EXPECT_THAT(splits, Each(splits.front())) << writer.name;
  }
}

TEST(PdfLayer, WhatIsNotReadIsTold) {
  const std::string size = "/Subtype/Image/Width 640/Height 480/BitsPerComponent 8";
  const std::vector<std::pair<std::string, AnomalyCode>> cases = {
      {Object(1, "/Filter/LZWDecode", "\x80\x0b"), AnomalyCode::unread_encoding},
      {Object(1, size + "/Filter/FlateDecode", Deflate(std::string(900, 'x'), 15)), AnomalyCode::unread_picture},
      {Object(1, "/Subtype/Image/Width 640/Height 480/BitsPerComponent 1/Filter[/CCITTFaxDecode]", "x"),
       AnomalyCode::unread_picture},
      {Object(1, "/Filter/FlateDecode", Noise(4).Take(900)) + "trailer\n<</Root 2 0 R/Encrypt 3 0 R>>\n",
       AnomalyCode::unread_encrypted},
      {Object(1, "/Type/XRef/Encrypt 3 0 R", "x"), AnomalyCode::unread_encrypted},
  };
  for (const auto& [bytes, code] : cases) {
    ContentRun run;
    run.Feed({}, "%PDF-1.5\n" + bytes);
    EXPECT_EQ(run.anomalies.Count(code), 1u) << bytes.substr(0, 60);
  }
  ContentRun icon;
  icon.Feed({}, "%PDF-1.5\n" + Object(1, "/Subtype/Image/Width 32/Height 32/BitsPerComponent 8/Filter/FlateDecode",
                                      Deflate("x", 15)));
  EXPECT_EQ(icon.anomalies.Count(AnomalyCode::unread_picture), 0u);
}

TEST(PdfContentLayer, GapLosesNoOtherStream) {
  const std::string flate = Deflate(Page(), 15),
                    text = "%PDF-1.7\n" + Object(1, "/Length 9", Page()) + Object(2, "/Filter/FlateDecode", flate);
  ContentRun run;
  const auto consumer = run.Open({});
  ContentRun::Pass(*consumer, text.substr(0, 100));
  consumer->OnGap(20);
  ContentRun::Pass(*consumer, text.substr(120));
  consumer->OnEnd(ObjectEnd::kComplete);
  EXPECT_THAT(run.recorder.objects().back()->text(), HasSubstr("ABC1235 NM"));
}

TEST(PdfTextReader, WordsAreWhole) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"(A) Tj 7 0 Td (B) Tj 7 0 Td (1) Tj", "AB1"},
      {"(AB) Tj 70 0 Td (C1) Tj", "AB C1"},
      {"[<0041><00420043>] TJ", "ABC"},
      {"[(A)-500(B)]TJ", "A B"},
      {"(a (b) c) Tj", "a (b) c"},
      {"(one\\\ntwo) Tj", "onetwo"},
      {"BI /W 1 ID (x) Tj EI (y) Tj", "y"},
      {"% (x) Tj\n(y) Tj", "y"},
  };
  for (const auto& [content, wanted] : cases) {
    content::PdfTextReader reader;
    std::string out;
    for (const char c : content + "\n") reader.Add(static_cast<std::uint8_t>(c), out);
    EXPECT_EQ(out, wanted) << content;
  }
}

TEST(Ascii85Layer, IsFoundBetweenItsMarks) {
  const std::string jpeg = MakeJpeg(72, 3000), text = Ascii85(jpeg);
  for (const std::string& around : {"<~" + text + "~>\n", "%!PS\n/data <~" + text + "~> def\n"}) {
    ContentRun run;
    run.Feed({}, around, 1460);
    EXPECT_EQ(run.recorder.objects().back()->text(), jpeg);
    const auto splits = EverySplit({}, around);
    EXPECT_THAT(splits, Each(splits.front()));
  }
}

TEST(Ascii85Layer, WhatOnlyBeginsLikeItIsNone) {
  for (const std::string& text :
       {std::string("<~ see above, and look at the other page {of this book} ~>"),
        "<~" + std::string("uuuuu uuuuu uuuuu uuuuu uuuuu uuuuu uuuuu uuuuu"), std::string("a<~b")}) {
    ContentRun run;
    run.Feed({}, text);
    run.Feed({}, "x " + text);
    EXPECT_EQ(run.recorder.objects().size(), 2u) << text;
  }
}

TEST(AsciiHexLayer, EndsAtItsMark) {
  ContentRun run;
  run.Feed({.encodings = {"asciihex"}}, "41 4243\n4>zz");
  ASSERT_EQ(run.recorder.objects().size(), 2u);
  EXPECT_EQ(run.recorder.objects().back()->text(), "ABC@");
}

}  // namespace
}  // namespace spanwatch::testing
