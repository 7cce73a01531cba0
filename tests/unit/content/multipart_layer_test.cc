#include <gmock/gmock.h>

#include "support/content_run.h"

namespace spanwatch::testing {
namespace {

using ::testing::Each;

std::string FormData(const std::string& dash_boundary) {
  return "preamble\r\n" + dash_boundary +
         "\r\nContent-Disposition: form-data; name=\"anpr.xml\"; filename=\"anpr.xml\"\r\nContent-Type: "
         "text/xml\r\n\r\n"
         "<licensePlate>AAA1234</licensePlate>\r\n" +
         dash_boundary +
         "\r\nContent-Disposition: form-data; name=\"empty.jpg\"\r\nContent-Type: image/pjpeg\r\n\r\n\r\n" +
         dash_boundary +
         "\r\nContent-Disposition: form-data; name=\"p\";\r\n filename*=UTF-8''detection%20Picture.jpg\r\n"
         "Content-Type: image/jpeg\r\n\r\n" +
         MakeJpeg(31, 9000) + "\r\n" + dash_boundary + "--\r\nepilogue";
}

void ExpectFormData(const ContentRun& run) {
  ASSERT_NE(run.recorder.Find("root / multipart[1] anpr.xml"), nullptr);
  EXPECT_EQ(run.recorder.Find("multipart[1] anpr.xml")->text(), "<licensePlate>AAA1234</licensePlate>");
  EXPECT_EQ(run.recorder.Find("multipart[1] anpr.xml")->info.media_type, "text/xml");
  ASSERT_NE(run.recorder.Find("multipart[2] empty.jpg"), nullptr);
  EXPECT_TRUE(run.recorder.Find("multipart[2] empty.jpg")->bytes.empty());
  const RecordedObject* picture = run.recorder.Find("multipart[3] detection Picture.jpg");
  ASSERT_NE(picture, nullptr);
  EXPECT_EQ(picture->text(), MakeJpeg(31, 9000));
  EXPECT_EQ(picture->end, ObjectEnd::kComplete);
  EXPECT_TRUE(picture->verbatim);
}

TEST(MultipartLayer, PartsAreObjectsWithNameAndType) {
  ContentRun run;
  run.Feed({.media_type = "multipart/form-data", .boundary = "xyz"}, FormData("--xyz"));
  ExpectFormData(run);
}

TEST(MultipartLayer, APartWithoutAFileNameIsTheValueOfItsField) {
  ContentRun run;
  run.Feed({.media_type = "multipart/form-data", .boundary = "b"},
           "--b\r\nContent-Disposition: form-data; name=\"plate\"\r\n\r\nAAA1234\r\n"
           "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nAAA1234\r\n--b--");
  ASSERT_NE(run.recorder.Find("multipart[1] plate"), nullptr);
  EXPECT_EQ(run.recorder.Find("multipart[1] plate")->info.field, "plate");
  ASSERT_NE(run.recorder.Find("multipart[2] a.txt"), nullptr);
  EXPECT_EQ(run.recorder.Find("multipart[2] a.txt")->info.field, "");
}

TEST(MultipartLayer, BoundaryThatBeginsWithDashesMayHaveLostTwo) {
  for (const char* written : {"--myboundary", "----myboundary"}) {
    ContentRun run;
    run.Feed({.media_type = "multipart/x-mixed-replace", .boundary = "--myboundary"}, FormData(written), 600);
    ExpectFormData(run);
  }
}

TEST(MultipartLayer, BoundaryIsTakenFromTheFirstLine) {
  ContentRun run;
  run.Feed({}, FormData("--1a2b").substr(10));
  ExpectFormData(run);
}

TEST(MultipartLayer, PartsNestAndTransferEncodingsAreTakenOff) {
  const std::string inner =
      "--b\r\nContent-Type: image/jpeg; name=\"a.jpg\"\r\nContent-Transfer-Encoding: BASE64\r\n\r\n" +
      Base64(MakeJpeg(5, 4000), false, 76) +
      "\r\n--b\r\nContent-Type: text/plain\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nAAA=31234=\r\n soft=3D\r\n--b--\r\n";
  const std::string mail =
      "From: a@example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"b\"\r\n\r\n" + inner;
  const std::string outer = "--o\r\nContent-Type: message/rfc822\r\n\r\n" + mail + "\r\n--o--";
  ContentRun run;
  const ObjectInfo info{.media_type = "multipart/mixed", .boundary = "o"};
  run.Feed(info, outer);
  const RecordedObject* picture = run.recorder.Find("root / multipart[1] / mail / multipart[1] a.jpg / base64");
  ASSERT_NE(picture, nullptr);
  EXPECT_EQ(picture->text(), MakeJpeg(5, 4000));
  ASSERT_NE(run.recorder.Find("multipart[2] / quoted-printable"), nullptr);
  EXPECT_EQ(run.recorder.Find("multipart[2] / quoted-printable")->text(), "AAA1234 soft=");
  EXPECT_THAT(EverySplit(info, outer), Each(run.recorder.Summary()));
}

// Mailers nest parts whose boundaries differ in what stands behind; RFC 2046 section 5.1.1 wants the whole one.
TEST(MultipartLayer, BoundariesThatBeginAlikeAreTwo) {
  for (const std::string inner : {"abc1", "abc--1", "abc-", "abc."}) {
    const std::string text = "--abc\r\nContent-Type: multipart/related; boundary=\"" + inner + "\"\r\n\r\n--" + inner +
                             "\r\nContent-Type: image/jpeg; name=a.jpg\r\n\r\n" + MakeJpeg(5, 4000) + "\r\n--" + inner +
                             "--\r\n\r\n--abc \t\r\nContent-Type: text/plain; name=b.txt\r\n\r\nlast\r\n--abc--\r\n";
    const ObjectInfo info{.media_type = "multipart/mixed", .boundary = "abc"};
    ContentRun run;
    run.Feed(info, text);
    const RecordedObject* picture = run.recorder.Find("root / multipart[1] / multipart[1] a.jpg");
    ASSERT_NE(picture, nullptr) << inner;
    EXPECT_EQ(picture->text(), MakeJpeg(5, 4000)) << inner;
    ASSERT_NE(run.recorder.Find("root / multipart[2] b.txt"), nullptr) << inner;
    EXPECT_EQ(run.recorder.Find("root / multipart[2] b.txt")->text(), "last") << inner;
    EXPECT_THAT(EverySplit(info, text), Each(run.recorder.Summary()));
  }
}

TEST(MultipartLayer, ABoundaryIsFoundWhereverAWriterPutIt) {
  const std::string parts =
      "This is a multi-part message in MIME format.\n\n--abc\nContent-Type: image/jpeg; name=a.jpg\n"
      "Content-Transfer-Encoding: \"base64\"; x\n\n" +
      Base64(MakeJpeg(6, 900), false, 76, "\n") + "\n";  // and no delimiter behind
  for (const char* type : {"multipart/mixed; boundary=abc", "Multipart/Mixed;\n boundary = \"abc\"",
                           "multipart/mixed; boundary=\"abc \"", "multipart/mixed; boundary*0=a; boundary*1=bc",
                           "multipart/mixed; boundary*=us-ascii'en'abc", "multipart/mixed"}) {
    ContentRun run;
    run.Feed({.kind = ObjectKind::kFile},
             "To: a@example\nMIME-Version: 1.0\nContent-Type: " + std::string(type) + "\n\n" + parts);
    const RecordedObject* picture = run.recorder.Find("root / mail / multipart[1] a.jpg / base64");
    ASSERT_NE(picture, nullptr) << type;
    EXPECT_EQ(picture->text(), MakeJpeg(6, 900)) << type;
  }
}

TEST(MultipartLayer, EverySplitGivesTheSameObjects) {
  const std::string tricky = FormData("--xyz") + "\r\n--xyzz\r\n--xy";
  for (const auto& text : {FormData("--xyz"), tricky, FormData("--xyz").substr(0, 5000)}) {
    const auto splits = EverySplit({.media_type = "multipart/form-data", .boundary = "xyz"}, text);
    EXPECT_THAT(splits, Each(splits.front()));
  }
}

TEST(MultipartLayer, GapIsToldToThePartAndTheNextPartIsFound) {
  ContentRun run;
  const std::string text = FormData("--xyz") + "\r\n--xyz\r\n\r\nlast\r\n--xyz--";
  const auto consumer = run.Open({.media_type = "multipart/form-data", .boundary = "xyz"});
  ContentRun::Pass(*consumer, text.substr(0, 3000));
  consumer->OnGap(1000);
  ContentRun::Pass(*consumer, text.substr(4000));
  consumer->OnEnd(ObjectEnd::kTruncated);
  const RecordedObject* picture = run.recorder.Find("multipart[3] detection Picture.jpg");
  ASSERT_NE(picture, nullptr);
  EXPECT_EQ(picture->gap_bytes, 1000u);
  EXPECT_EQ(picture->end, ObjectEnd::kTruncated);
  ASSERT_NE(run.recorder.Find("root / multipart[4]"), nullptr);
  EXPECT_EQ(run.recorder.Find("root / multipart[4]")->text(), "last");
}

}  // namespace
}  // namespace spanwatch::testing
