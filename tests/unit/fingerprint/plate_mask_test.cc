#include "fingerprint/plate_mask.h"

#include <gtest/gtest.h>

#include <string>

namespace spanwatch::fingerprint {
namespace {

TEST(MaskPlates, LettersAndDigitsOfPlateShapesAreMasked) {
  EXPECT_EQ(MaskPlates("lane3/BCD1234_0017.jpg"), "lane3/AAA9999_0017.jpg");
  EXPECT_EQ(MaskPlates("bcd-1234.JPG"), "AAA-9999.JPG");
  EXPECT_EQ(MaskPlates("20190513-021140_cam3_7BCD123.jpg"), "20190513-999999_cam3_9AAA999.jpg");
  EXPECT_EQ(MaskPlates("zip IMG_20190513.png"), "zip IMG_20190513.png");
  EXPECT_EQ(MaskPlates("\uFF22\uFF23\uFF24\uFF11\uFF12\uFF13\uFF14.tif"), "AAA9999.tif");
}

TEST(MaskPlates, OrdinaryNamesAndBytesThatAreNoTextStay) {
  for (const std::string name : {"http POST /up", "multipart[2] a.zip", "report.docx", "\xFF\xFE\xC3", ""}) {
    EXPECT_EQ(MaskPlates(name), name);
  }
}

TEST(MaskPlates, MaskingTwiceChangesNothing) {
  for (const char* name : {"BCD 12 34/7BCD123.jpg", "BCD1234-BCD1235", "b.c.d.1.2.3"}) {
    EXPECT_EQ(MaskPlates(MaskPlates(name)), MaskPlates(name));
  }
}

TEST(MaskPlates, GluedToOtherLettersAndDigits) {
  EXPECT_TRUE(MaskPlates("20190513BCD1234").ends_with("AAA9999"));
  for (const std::string around : {"img", "photo", "Img", "PLATE"}) {
    for (const std::string plate : {"BCD1234", "bcd1234", "7BCD123", "BCD-1234"}) {
      const std::string masked = MaskPlates(around + plate + ".jpg");
      EXPECT_EQ(masked.find(plate.substr(plate.size() - 3)), std::string::npos) << around + plate << " " << masked;
      EXPECT_TRUE(masked.ends_with(".jpg")) << masked;
    }
  }
  const std::string both = MaskPlates("20190513BCD-1234front.png");
  EXPECT_TRUE(both.contains("AAA-9999") && both.ends_with(".png")) << both;
  EXPECT_EQ(MaskPlates("BCD12340017").substr(0, 7), "AAA9999");
}

TEST(MaskPlates, WhatCutsARunOfLettersOrDigitsIsMaskedWhereItIsRegistered) {
  const auto registered = [](std::string_view plate) { return plate == "BCD1234" || plate == "HERCAR"; };
  for (const auto& [name, masked] : {std::pair("xbcd12340017", "xAAA99990017"),
                                     {"gate/hercar.jpg", "gate/AAAAAA.jpg"},
                                     {"gate/HERCAR_1.jpg", "gate/AAAAAA_1.jpg"}}) {
    EXPECT_EQ(MaskPlates(name, registered), masked);
    EXPECT_EQ(MaskPlates(name), name);
  }
  EXPECT_EQ(MaskPlates("hercars.jpg", registered), "hercars.jpg") << "a part of a word of letters is none";
}

TEST(MaskPlates, EscapesAndWordsBesideDigitsStayReadable) {
  for (const std::string name : {"te%3A%5C357chunked", "%28lf%29Transfer-Encoding%3Achunked", "space-200",
                                 "ubuntu-22.04.3-desktop", "gosearch15.png"}) {
    EXPECT_EQ(MaskPlates(name), name);
  }
}

TEST(MaskPlates, PartedCharacterByCharacter) {
  EXPECT_EQ(MaskPlates("B_C_D_1_2_3_4"), "A_A_A_9_9_9_9");
  EXPECT_EQ(MaskPlates("B C D 1 2 3 4"), "A A A 9 9 9 9");
  EXPECT_EQ(MaskPlates("B.C.D.1.2.3.4.jpg"), "A.A.A.9.9.9.9.jpg");
  EXPECT_EQ(MaskPlates("BCD - 12 34"), "AAA - 99 99");
  EXPECT_EQ(MaskPlates("1234.BCD"), "9999.AAA");
  EXPECT_EQ(MaskPlates("0017.jpg?lane=3"), "0017.jpg?lane=3") << "an extension is no part of a plate";
}

TEST(MaskPlates, InDigitsAndLettersOfEveryScript) {
  EXPECT_EQ(MaskPlates("BCD\u0661\u0662\u0663\u0664"), "AAA9999");  // Arabic-Indic
  EXPECT_EQ(MaskPlates("BCD\u0967\u0968\u0969\u096A"), "AAA9999");  // Devanagari
  EXPECT_EQ(MaskPlates("\u0412\u0421D1234"), "AAA9999");            // Cyrillic
}

TEST(MaskPlates, InShapesOfOtherContinents) {
  EXPECT_EQ(MaskPlates("BD51 SMR"), "AA99 AAA");
  EXPECT_EQ(MaskPlates("AB-123-CD"), "AA-999-AA");
}

TEST(MaskPlates, InEveryEscapeOfALetterOrDigit) {
  EXPECT_EQ(MaskPlates("/up/BCD%31234"), "/up/AAA9999");
  EXPECT_EQ(MaskPlates("/up/%42%43%44%31%32%33%34.jpg"), "/up/AAA9999.jpg");
  EXPECT_EQ(MaskPlates("/up/%2542CD1234"), "/up/AAA9999") << "escaped twice";
  EXPECT_EQ(MaskPlates("BCD%D9%A1%D9%A2%D9%A3%D9%A4"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD%u0031234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD\\u0031234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD\\x31234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD&#49;234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD&#x31;234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD&#xFF11;234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD&#x1D7CF;234"), "AAA9999");
  EXPECT_EQ(MaskPlates("BCD=31234"), "AAA9999");
  EXPECT_TRUE(MaskPlates("?p=BCD%2D1234&x=1").ends_with("=AAA%2D9999&x=1")) << "a separator stays as it was written";
}

TEST(MaskPlates, HostsAndBannersStayReadable) {
  for (const std::string text : {"www.example.com", "mail.agency.example", "curl/8.5.0", "Mozilla/5.0 (X11; Linux)",
                                 "Chrome/120.0.0.0 Safari/537.36", "OpenSSH_9.2p1", "POST /up HTTP/1.1", "10.20.0.9"}) {
    EXPECT_EQ(MaskPlates(text), text);
  }
}

}  // namespace
}  // namespace spanwatch::fingerprint
