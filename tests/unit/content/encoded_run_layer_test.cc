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

std::string Base32(const std::string& bytes, const std::string& alphabet) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits & 0xff) << 8 | static_cast<std::uint8_t>(c);
    for (count += 8; count >= 5; count -= 5) out += alphabet[bits >> (count - 5) & 31];
  }
  if (count > 0) out += alphabet[bits << (5 - count) & 31];
  return out;
}

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
      {"JSON list of lines", "{\"i\": [\"" + Wrap(base64, 76, "\", \"") + "\"]}", "base64", false},
      {"JSON list of lines below one another", "[\n  \"" + Wrap(base64, 64, "\",\n  \"") + "\"\n]", "base64", false},
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
      {"base32", "note " + Base32(jpeg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") + "=== end", "base32", true},
      {"base32 in lines", "note\n" + Wrap(Base32(jpeg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 76, "\n") + "\n", "base32",
       true},
      {"base32 in small letters", "{\"d\":\"" + Base32(jpeg, "abcdefghijklmnopqrstuvwxyz234567") + "\"}", "base32",
       true},
      {"base32hex", "a/b?d=" + Base32(jpeg, "0123456789ABCDEFGHIJKLMNOPQRSTUV") + "&x", "base32hex", true},
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

// Every byte as `format` of printf writes it; what `plain` holds as it is.
std::string Every(const std::string& bytes, const char* format, const std::string& plain = "") {
  std::string out;
  char text[16];
  for (const char c : bytes) {
    std::snprintf(text, sizeof(text), format, static_cast<unsigned>(static_cast<std::uint8_t>(c)));
    out += plain.find(c) != std::string::npos ? std::string(1, c) : std::string(text);
  }
  return out;
}

const std::string kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

// A document as a string of another one.
std::string Quoted(const std::string& text) { return Escape(Escape(text, "\\", "\\\\"), "\"", "\\\""); }

// The first line shorter by what stands before it, as vCard (RFC 6350 section 3.2), iCalendar and LDIF (RFC 2849) fold.
std::string Folded(const std::string& name, const std::string& text, std::size_t width, const std::string& end) {
  const std::size_t first = width - name.size();
  return name + text.substr(0, first) + end + " " + Wrap(text.substr(first), width - 1, end + " ") + end;
}

// MySQL's own escapes of a string literal; everything else stands as it is.
std::string MySqlEscaped(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const std::string_view escaped("\0\n\r\x1a\"\'\\", 7), as("0nrZ\"\'\\");
    const std::size_t at = escaped.find(c);
    out += at == std::string_view::npos ? std::string(1, c) : std::string("\\") + as[at];
  }
  return out;
}

// As hex dumps print bytes: an offset, bytes in groups, and the same as text.
std::string Dump(const std::string& bytes, const char* offset, std::size_t group, const char* middle,
                 const char* text) {
  std::string out;
  char number[24];
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    std::snprintf(number, sizeof(number), offset, at);
    out += number;
    const std::string line = bytes.substr(at, 16);
    for (std::size_t i = 0; i < 16; ++i) {
      if (i > 0 && i % group == 0) out += i == 8 ? middle : " ";
      out += i < line.size() ? ToHex(AsBytes(line.substr(i, 1))) : "  ";
    }
    out += text;
    if (*text != 0) {
      for (const char c : line) out += c > ' ' && c < 0x7f ? c : '.';
    }
    out += '\n';
  }
  return out;
}

// What stands for the same bytes in what programs write. Each has the name of one that writes it so.
std::vector<Case> Writers() {
  const std::string jpeg = MakeJpeg(44, 1500);
  const std::string base64 = Base64(jpeg), url = Base64(jpeg, true), hex = ToHex(AsBytes(jpeg));
  const std::string slashes = Escape(base64, "/", "\\/"), lines = Wrap(base64, 76, "\n");
  const std::string percent = Escape(Escape(base64, "+", "%2B"), "/", "%2F");
  const std::string json = "{\"to\":\"a\",\"img\":\"" + slashes + "\"}";
  const std::string mime = "{\"img\":\"" + Wrap(base64, 76, "\\r\\n") + "\"}";
  const std::string octal = Every(jpeg, "\\%03o", kAlphanumeric);
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  return {
      {"jQuery, data URL in a form", "id=1&img=data%3Aimage%2Fjpeg%3Bbase64%2C" + percent + "&x=1", "base64", false},
      {"jQuery, JSON in a form", "json=%7B%22img%22%3A+%22" + percent + "%22%7D", "base64", false},
      {"SOAP in a form", "xml=%3Ca%3E%3Cimg%3E" + percent + "%3C%2Fimg%3E%3C%2Fa%3E", "base64", false},
      {"a form in a form", "b=img%253D" + Escape(percent, "%", "%25") + "%2526c", "base64", false},
      {"a form of lines",
       "b=" + Escape(Escape(Escape(Wrap(base64, 76, "\r\n"), "+", "%2B"), "/", "%2F"), "\r\n", "%0D%0A") + "&c=1",
       "base64", false},
      {"data URL in HTML", "<img alt='' src=\"data:image/jpeg;base64," + base64 + "\">", "base64", false},
      {"data URL in CSS", "a{background:url(data:image/jpeg;base64," + base64 + ")}", "base64", false},
      {"Amazon SNS", "{\"Message\":\"" + Quoted(json) + "\"}", "base64", false},
      {"SNS to SQS", "{\"Body\":\"" + Quoted("{\"Message\":\"" + Quoted(json) + "\"}") + "\"}", "base64", false},
      {"SNS of lines", "{\"Message\":\"" + Quoted(mime) + "\"}", "base64", false},
      {"SQS of lines", "{\"B\":\"" + Quoted("{\"M\":\"" + Quoted(mime) + "\"}") + "\"}", "base64", false},
      {"gson", "{\"i\":\"" + Escape(base64, "+", "\\u002b") + "\\u003d\"}", "base64", false},
      {".NET, inside a string", "{\"i\":\"" + Escape(base64, "+", "\\\\u002B") + "\"}", "base64", false},
      {"JSON in XML", "<a>{&quot;i&quot;:&quot;" + base64 + "&quot;}</a>", "base64", false},
      {"JAXB", "<P>" + Wrap(base64, 76, "&#xD;\n") + "</P>", "base64", false},
      {"attribute of XML", "<P v=\"" + Wrap(base64, 76, "&#10;") + "\"/>", "base64", false},
      {"XML in XML", "<P>" + Wrap(base64, 76, "&amp;#xA;") + "</P>", "base64", false},
      {"CDATA", "<P><![CDATA[" + lines + "]]></P>", "base64", false},
      {"vCard 3", Folded("PHOTO;ENCODING=b;TYPE=JPEG:", base64, 75, "\r\n") + "END:VCARD\r\n", "base64", false},
      {"vCard of Outlook", "PHOTO;TYPE=JPEG;ENCODING=BASE64:\r\n " + Wrap(base64, 72, "\r\n ") + "\r\n\r\n", "base64",
       false},
      {"vCard 4", Folded("PHOTO:data:image/jpeg;base64,", base64, 75, "\r\n") + "END:VCARD\r\n", "base64", false},
      {"iCalendar", Folded("ATTACH;VALUE=BINARY:", base64, 75, "\r\n\t") + "END:VEVENT\r\n", "base64", false},
      {"ldapsearch", "cn: a\n" + Folded("jpegPhoto:: ", base64, 76, "\n") + "sn: b\n", "base64", false},
      {"ldapsearch, a long name", Folded("thumbnailPhoto;binary:: ", base64, 76, "\n") + "sn: b\n", "base64", false},
      {"YAML", "photo: !!binary |\n  " + Wrap(base64, 70, "\n  ") + "\nname: a\n", "base64", false},
      {"Kubernetes", "data:\n  a.jpg: " + base64 + "\nkind: Secret\n", "base64", false},
      {"PEM", "-----BEGIN JPEG-----\n" + Wrap(base64, 64, "\n") + "\n-----END JPEG-----\n", "base64", false},
      {"quoted mail", "> Hello\n> \n> " + Wrap(base64, 76, "\n> ") + "\n> bye\n", "base64", false},
      {"quoted-printable", "x=3D" + base64.substr(0, 71) + "=\r\n" + Wrap(base64.substr(71), 75, "=\r\n") + "\r\n",
       "base64", false},
      {"Python", "x = (\"" + Wrap(base64, 60, "\"\n     \"") + "\")\n", "base64", false},
      {"Java", "String x = \"" + Wrap(base64, 60, "\" +\n    \"") + "\";\n", "base64", false},
      {"PHP", "$x = '" + Wrap(base64, 60, "'.\n    '") + "';\n", "base64", false},
      {"C", "char x[] = \"" + Wrap(base64, 60, "\\n\"\n    \"") + "\";\n", "base64", false},
      {"PowerShell", "$x = @'\r\n" + Wrap(base64, 76, "\r\n") + "\r\n'@\r\n", "base64", false},
      {"shell", "base64 -d <<E\n" + lines + "\nE\n", "base64", false},
      {"MongoDB", "{\"d\":{\"$binary\":{\"base64\":\"" + base64 + "\",\"subType\":\"00\"}}}", "base64", false},
      {"cells of CSV", "1,\"" + base64 + "\",\"x\"\n", "base64", false},
      {"cells of lines", "1,\"" + lines + "\",\"x\"\n", "base64", false},
      {"path of a URL", "GET /api/v1/upload/photo/" + url + "/done HTTP/1.1\r\n", "base64url", true},
      {"query of a URL", "GET /u?a-b=1&img=" + url + "&x=1 HTTP/1.1\r\n", "base64url", true},
      {"bytea of pg_dump", "COPY t FROM stdin;\n1\t\\\\x" + hex + "\n\\.\n", "hex", false},
      {"bytea of an INSERT", "INSERT INTO t VALUES (1, '\\x" + hex + "');\n", "hex", false},
      {"bytea in JSON", "{\"d\":\"\\\\x" + hex + "\"}", "hex", false},
      {"mysqldump --hex-blob", "INSERT INTO `t` VALUES (1,0x" + upper + "),(2,NULL);\n", "hex", false},
      {"sqlite3 .dump", "INSERT INTO t VALUES(1,X'" + hex + "');\n", "hex", false},
      {"Cassandra", "INSERT INTO t (a, b) VALUES (1, 0x" + hex + ");\n", "hex", false},
      {"Wireshark", "Data: " + Wrap(hex, 2, ":") + "\n", "hex", true},
      {"xxd", "$ xxd a.jpg\n" + Dump(jpeg, "%08zx: ", 2, " ", "  ") + "$ \n", "hex", true},
      {"hexdump -C", Dump(jpeg, "%08zx  ", 1, "  ", "  |") + "000013a0\n", "hex", true},
      {"od -t x1", Dump(jpeg, "%07zo ", 1, " ", ""), "hex", true},
      {"tcpdump -X", "12:00:00 IP a > b\n" + Dump(jpeg, "\t0x%04zx:  ", 2, " ", "  "), "hex", true},
      {"Wireshark's bytes", Dump(jpeg, "%04zx   ", 1, " ", "   "), "hex", true},
      {"C array", "x[] = {" + Wrap(Every(jpeg, "0x%02x, "), 72, "\n  ") + "};", "hex", false},
      {"Windows registry", "\"a\"=hex:" + Wrap(Wrap(hex, 2, ","), 75, "\\\r\n  ") + "\r\n", "hex", false},
      {"JSON array", "{\"d\":[" + Every(jpeg, "%u,") + "0]}", "numbers", false},
      {"bytes of Python", "x = b'" + Every(jpeg, "\\x%02x", kAlphanumeric) + "'\n", "escaped", false},
      {"JSON escapes", "{\"d\":\"" + Every(jpeg, "\\u%04x", kAlphanumeric) + "\"}", "escaped", false},
      {"bytea of old servers", "1\t" + Escape(octal, "\\", "\\\\") + "\tx\n", "escaped", false},
      {"C, octal", "x = \"" + octal + "\";", "escaped", false},
      {"encodeURIComponent of bytes", "a=1&d=" + Every(jpeg, "%%%02X", kAlphanumeric) + "&b=2", "escaped", false},
      {"mysqldump", "INSERT INTO `t` VALUES (1,_binary '" + MySqlEscaped(jpeg) + "','x');\n", "escaped", false},
  };
}

TEST(EncodedRunLayer, WhatProgramsWriteIsFound) {
  for (const Case& sample : Writers()) {
    ContentRun run;
    run.Feed({}, sample.text);
    const RecordedObject* inside = run.recorder.Find("root / " + sample.step);
    EXPECT_NE(inside, nullptr) << sample.name;
    if (inside == nullptr) continue;
    const std::string jpeg = MakeJpeg(44, 1500);
    EXPECT_EQ(inside->text().substr(0, jpeg.size()), jpeg) << sample.name;
    EXPECT_LE(inside->bytes.size(), jpeg.size() + 1) << sample.name;
    EXPECT_EQ(run.notes().evasive, sample.evasive) << sample.name;
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
