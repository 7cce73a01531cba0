#include "supervisor/rule_history.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace spanwatch::supervisor {
namespace {

namespace fs = std::filesystem;

class RuleHistoryTest : public testing::Test {
 protected:
  RuleHistoryTest() {
    std::string name = (fs::temp_directory_path() / "history-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    facts_.detections = 5;
    facts_.correlations = 2;
    facts_.all_signed = true;
    facts_.signer = "aa";
    facts_.serial = 7;
    facts_.digest = "one";
  }
  ~RuleHistoryTest() override { fs::remove_all(folder_); }

  // A sensor that starts, or reloads, with these facts.
  std::string Enter() {
    auto history = RuleHistory::Open(folder_);
    EXPECT_TRUE(history.has_value());
    if (!history->Admit(facts_, "rules")) return "refused";
    std::string told;
    for (const RuleChange change : history->Enter(facts_))
      told += std::string(told.empty() ? "" : " ") + std::string(ToString(change));
    if (keeps_) {
      EXPECT_TRUE(history->Keep());
    }
    return told;
  }

  fs::path folder_;
  policy::PolicyFacts facts_;
  bool keeps_ = true;
};

TEST_F(RuleHistoryTest, TellsFewerOtherAndUnsignedRulesOverARestart) {
  EXPECT_EQ(Enter(), "");
  EXPECT_EQ(Enter(), "");
  facts_.digest = "two";
  facts_.serial = 8;
  EXPECT_EQ(Enter(), "other");
  facts_.detections = 4;
  EXPECT_EQ(Enter(), "fewer");
  facts_.correlations = 1;
  EXPECT_EQ(Enter(), "fewer");
  facts_.all_signed = false;
  EXPECT_EQ(Enter(), "unsigned");
  EXPECT_EQ(Enter(), "");
}

TEST_F(RuleHistoryTest, RefusesAnOlderSignatureOfTheSameOwner) {
  EXPECT_EQ(Enter(), "");
  facts_.serial = 6;
  EXPECT_EQ(Enter(), "refused");
  facts_.signer = "bb";
  EXPECT_EQ(Enter(), "") << "serials of two owners have nothing to do with one another";
  facts_.signer = "";
  facts_.serial = 0;
  facts_.all_signed = false;
  EXPECT_EQ(Enter(), "unsigned");
  facts_.signer = "aa";
  facts_.serial = 6;
  EXPECT_EQ(Enter(), "refused") << "also when unsigned rules were in force meanwhile";
}

TEST_F(RuleHistoryTest, WhatCouldNotBeKeptIsToldAgain) {
  EXPECT_EQ(Enter(), "");
  facts_.detections = 4;
  keeps_ = false;
  EXPECT_EQ(Enter(), "fewer");
  keeps_ = true;
  EXPECT_EQ(Enter(), "fewer");
  EXPECT_EQ(Enter(), "");
}

TEST_F(RuleHistoryTest, ADamagedFileIsNoFirstTime) {
  EXPECT_EQ(Enter(), "");
  std::ofstream(folder_ / "rules.json") << "{";
  EXPECT_FALSE(RuleHistory::Open(folder_).has_value());
}

TEST_F(RuleHistoryTest, WithoutAFolderItRemembersWhileItLives) {
  auto history = RuleHistory::Open("");
  ASSERT_TRUE(history.has_value());
  EXPECT_TRUE(history->Enter(facts_).empty());
  facts_.digest = "two";
  EXPECT_EQ(history->Enter(facts_).size(), 1u);
}

}  // namespace
}  // namespace spanwatch::supervisor
