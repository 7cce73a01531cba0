#include <gmock/gmock.h>

#include "content/mail_head.h"
#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

const std::string kLf = "\n", kCrLf = "\r\n";

// One with a picture, with line ends as wanted.
std::string PictureMail(std::uint64_t seed, const std::string& eol, const std::string& first_fields) {
  return first_fields + "From: a@example" + eol + "Content-Type: multipart/mixed; boundary=abc" + eol + eol + "--abc" +
         eol + "Content-Type: text/plain" + eol + eol + "see below" + eol + "--abc  " + eol +
         "Content-Type: image/jpeg; name=a.jpg" + eol + "Content-Transfer-Encoding: base64" + eol + eol +
         Base64(MakeJpeg(seed, 3000), false, 61, eol) + eol + "--abc--" + eol;
}

std::string PictureOf(const std::string& text, const std::string& name = "a.eml") {
  ContentRun run;
  run.Feed({.kind = ObjectKind::kFile, .name = name}, text, 700);
  for (const auto& object : run.recorder.objects()) {
    if (object->text().starts_with("\xff\xd8")) return object->text();
  }
  return "";
}

// Who saves mail, and what it begins with then.
TEST(MailHead, SavedMailsAreReadWhateverTheyBeginWith) {
  const std::string key = "DKIM-Signature: v=1; a=rsa-sha256; d=example;\r\n\tb=" + std::string(600, 'x') + "\r\n";
  const std::string beginnings[] = {
      "",                                                                // Windows Mail
      "MIME-Version: 1.0\r\nDate: Mon, 13 May 2019 02:11:40 +0000\r\n",  // Gmail
      "X-Mozilla-Status: 0001\r\nX-Mozilla-Status2: 00800000\r\n",       // Thunderbird
      "Return-Path: <a@example>\r\nDelivered-To: b@example\r\n",         // Postfix, Dovecot
      "Received: from a\r\n by b;\r\n Mon, 13 May 2019 02:11:40 +0000\r\n",
      "X-Unsent: 1\r\n",                                         // Outlook's drafts
      "Thread-Topic: x\r\nSubject:\r\n =?utf-8?q?folded?=\r\n",  // Exchange
      "subject: lower case\r\n",
      "\r\n\r\nTo: b@example\r\n",
      "\xef\xbb\xbfTo: b@example\r\n",
      "From MAILER-DAEMON Mon May 13 02:11:40 2019\r\n",
      key,
  };
  for (const std::string& beginning : beginnings) {
    EXPECT_EQ(PictureOf(PictureMail(5, kCrLf, beginning)), MakeJpeg(5, 3000)) << beginning.substr(0, 60);
  }
  EXPECT_EQ(PictureOf(PictureMail(5, kLf, "")), MakeJpeg(5, 3000));
}

TEST(MailLayer, EncodedWordsOfItsHeaderAreRead) {
  ContentRun run;
  run.Feed({}, "From: a@example.org\nSubject: =?utf-8?B?QUJDMTIzNCxUWCwyMDE5LTA1LTAxVDE1OjQwOjM5Wg==?=\n\nSee above.\n",
           50);
  const bool found = std::ranges::any_of(run.recorder.objects(), [](const auto& object) {
    return object->info.kind == ObjectKind::kDecoded && object->text().contains("ABC1234,TX,2019-05-01T15:40:39Z");
  });
  EXPECT_TRUE(found);
}

TEST(MailHead, TextThatIsNoMailIsNone) {
  for (const char* text :
       {"From: here to there is a long way\n\nand so on", "Subject: one line of notes\n",
        "plate: AAA1234\nDate: 2019-05-13\n", "From the beginning of 10:15 on\nTo: end\n",
        "To: x\nthis line is no field\nFrom: y\n", "x-axis: 1\ny-axis: 2\n", "http://example\n", ""}) {
    EXPECT_FALSE(content::IsMailHead(AsBytes(std::string_view(text)))) << text;
  }
}

TEST(MailboxLayer, EachMailIsAChild) {
  for (const std::string& eol : {kLf, kCrLf}) {
    const std::string from = "From - Mon May 13 02:11:40 2019" + eol;
    const std::string text = from + PictureMail(1, eol, "X-Mozilla-Status: 0001" + eol) + eol + from +
                             PictureMail(2, eol, "") + eol + from + PictureMail(3, eol, "");
    ContentRun run;
    run.Feed({.kind = ObjectKind::kFile, .name = "Inbox"}, text);
    for (int i = 1; i <= 3; ++i) {
      const RecordedObject* picture =
          run.recorder.Find("root / mailbox[" + std::to_string(i) + "] / mail / multipart[2] a.jpg / base64");
      ASSERT_NE(picture, nullptr) << i;
      EXPECT_EQ(picture->text(), MakeJpeg(static_cast<std::uint64_t>(i), 3000));
    }
    EXPECT_EQ(run.recorder.Find("root / mailbox[4]"), nullptr);
    EXPECT_THAT(EverySplit({.kind = ObjectKind::kFile}, text), Each(run.recorder.Summary()));
  }
}

TEST(MailboxLayer, ALineOfABodyThatBeginsWithFromSeparatesNothing) {
  const std::string from = "From a@example Mon May 13 02:11:40 2019\n";
  ContentRun run;
  run.Feed({.kind = ObjectKind::kFile}, from + "To: b@example\nSubject: x\n\nwords\nFrom here on it is text\nmore\n");
  ASSERT_NE(run.recorder.Find("root / mailbox[1] / mail"), nullptr);
  EXPECT_EQ(run.recorder.Find("root / mailbox[1] / mail")->text(), "words\nFrom here on it is text\nmore\n");
  EXPECT_EQ(run.recorder.Find("root / mailbox[2]"), nullptr);
}

}  // namespace
}  // namespace spanwatch::testing
