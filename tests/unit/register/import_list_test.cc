#include "register/import_list.h"

#include <algorithm>

#include "base/hex.h"
#include "register_support.h"

namespace spanwatch::enrolment {
namespace {

const std::string kDigestA(64, 'a');
const std::string kDigestB = "00" + std::string(62, 'B');
const std::string kMd5A(32, 'c');
const std::string kMd5B(32, 'd');
const std::string kPdq = "8000000000000000" + std::string(47, '0') + "1";

class ImportListTest : public RegisterTest {
 protected:
  Result<ImportSummary> Import(const std::string& content, std::optional<DigestKind> kind = std::nullopt) {
    return ImportFile(Write("list", content), kind);
  }
  Result<ImportSummary> ImportFile(const std::string& file, std::optional<DigestKind> kind) {
    observer_.problems.clear();
    return ImportList(*database_, {"lanes", file, {kind, *ParseRfc3339("2026-01-01T00:00:00Z")}}, observer_);
  }
  // Every item, by its strongest name.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const ItemEntry& item : Items()) {
      const auto md5 = *database_->ImportedMd5(item);
      const auto picture = *database_->ImportedPicture(item);
      names.push_back(item.sha256 ? "sha256 " + ToHex(*item.sha256)
                      : md5       ? "md5 " + ToHex(*md5)
                      : picture   ? "pdq " + std::to_string(picture->quality)
                                  : "nothing");
    }
    std::ranges::sort(names);
    return names;
  }
  // The lines of which something was refused.
  std::vector<std::string> RefusedLines() const {
    std::vector<std::string> lines;
    for (const std::string& problem : observer_.problems) {
      const std::size_t begin = problem.find("list:") + 5;
      lines.push_back(problem.substr(begin, problem.find(':', begin) - begin));
    }
    return lines;
  }
  using Texts = std::vector<std::string>;

  RecordingObserver observer_;
};

const std::string kNamedA = "sha256 " + kDigestA;
const std::string kNamedB = "sha256 00" + std::string(62, 'b');

TEST_F(ImportListTest, TakesPlainListsSha256sumAndBsdOutput) {
  const std::string third(64, '3'), fourth(64, '4');
  const std::string list = "# what we know\n" + kDigestA + "\r\n\n" + kDigestB + "  pictures/0017.jpg\n" + third +
                           " *b.jpg\nSHA256 (" + kDigestA + ".jpg) = " + fourth + "\n" + kDigestA + "\n";
  const auto summary = Import(list, DigestKind::kSha256);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 4u);
  EXPECT_EQ(summary->problems, 0u);
  const auto items = Items();
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(ToHex(*items[0].sha256), kDigestA);
  EXPECT_EQ(ToHex(*items[3].sha256), fourth);
  EXPECT_EQ(items[0].kind, ItemKind::kFile);
  EXPECT_EQ(items[0].size, 0u);
  EXPECT_EQ(ImportFile((folder_ / "list").string(), DigestKind::kSha256)->known, 5u);
}

TEST_F(ImportListTest, NamesLinesWithoutADigestAndGoesOn) {
  const auto summary =
      Import("md5 d41d8cd98f00b204e9800998ecf8427e\n" + kDigestA + "0\n" + kDigestA + "\n", DigestKind::kSha256);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(summary->problems, 2u);
  EXPECT_EQ(RefusedLines(), (Texts{"1", "2"}));
  EXPECT_FALSE(ImportList(*database_, {"lanes", (folder_ / "nothing").string(), {}}, observer_));
}

TEST_F(ImportListTest, ReadsPdqInTheReferencesOrder) {
  ASSERT_EQ(Import(kPdq + ",84,a.jpg\n" + std::string(64, '5') + "\n", DigestKind::kPdq)->added, 2u);
  const auto picture = *database_->ImportedPicture(Items()[0]);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->hash, (PdqHash{{1, 0, 0, 0x8000000000000000}})) << "bit 0 last, bit 255 first";
  EXPECT_EQ(picture->quality, 84);
}

TEST_F(ImportListTest, TakesMd5sumOutputAndSaysThatItIsMd5) {
  const auto summary = Import(kMd5A + "  a.jpg\nMD5 (" + kMd5A + ".jpg) = " + kMd5B + "\n" + kDigestA + "  b.jpg\n");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->md5, 2u);
  EXPECT_EQ(Names(), (Texts{"md5 " + kMd5A, "md5 " + kMd5B, kNamedA}));
}

TEST_F(ImportListTest, OfAKindThatWasAskedForNothingElseIsTaken) {
  const auto summary = Import(kMd5A + "\n" + kDigestA + "\n", DigestKind::kMd5);
  EXPECT_EQ(summary->added, 1u);
  EXPECT_EQ(RefusedLines(), (Texts{"2"}));
}

TEST_F(ImportListTest, ReadsTheNamedColumnsOfACsv) {
  const auto summary = Import("\xef\xbb\xbfname;SHA-256;md5;pdq_hash;quality\r\n\"a;1.jpg\";" + kDigestA + ";" + kMd5A +
                              ";;\r\nb.jpg;;" + kMd5B + ";;\r\nc.jpg;xyz;;;\r\nd.jpg;;;" + kPdq + ";70\r\n");
  ASSERT_TRUE(summary);
  EXPECT_EQ(Names(), (Texts{"md5 " + kMd5B, "pdq 70", kNamedA})) << "the strongest of each row";
  EXPECT_EQ(RefusedLines(), (Texts{"4"}));
}

TEST_F(ImportListTest, ReadsACsvOfValuesAndTypes) {
  Import("type,indicator,added\nHASH_SHA256," + kDigestA + ",2025\nHASH_MD5," + kMd5A + ",2025\nHASH_PDQ," + kPdq +
         ",2025\nDOMAIN,example.org,2025\n");
  EXPECT_EQ(Names(), (Texts{"md5 " + kMd5A, "pdq 100", kNamedA}));
  EXPECT_EQ(RefusedLines(), (Texts{"5"}));
}

TEST_F(ImportListTest, ReadsThreatExchangeIndicators) {
  Import(R"({"data": [
  {"id": "1", "indicator": {"id": "7", "indicator": ")" +
         kDigestA + R"(", "type": "HASH_SHA256"}, "tags": [{"a": 1}]},
  {"id": "2", "raw_indicator": ")" +
         kMd5A + R"(", "type": "HASH_MD5"},
  {"id": "3", "indicator": "example.org", "type": "DOMAIN"},
  {"id": "4", "indicator": ")" +
         kPdq + R"(", "type": "HASH_PDQ"}
], "paging": {"next": "https://graph.example/?data=[{"}})");
  EXPECT_EQ(Names(), (Texts{"md5 " + kMd5A, "pdq 100", kNamedA}));
  EXPECT_EQ(RefusedLines(), (Texts{"4"}));
}

TEST_F(ImportListTest, ReadsHasherMatcherActionerSignals) {
  const std::string array = R"([{"signal_type": "pdq", "signal_value": ")" + kPdq + R"("},
{"id": 2, "signals": {"pdq": ")" +
                            std::string(64, '1') + R"(", "video_md5": ")" + kMd5A + "\"}}]";
  Import(array);
  EXPECT_EQ(Names(), (Texts{"md5 " + kMd5A, "pdq 100", "pdq 100"}));
  const std::string lines =
      R"({"sha256": ")" + kDigestA + "\"}\n{\"sha256\": \"12\"}\n{\"sha256\": \"" + kDigestB + "\"}\n";
  EXPECT_EQ(Import(lines)->added, 2u);
  EXPECT_EQ(RefusedLines(), (Texts{"2"}));
}

std::string Indicator(const std::string& pattern, const std::string& more = "") {
  return R"({"type": "indicator", "spec_version": "2.1", "id": "indicator--1", "pattern_type": "stix", "pattern": ")" +
         pattern + "\"" + more + R"(, "external_references": [{"source_name": "x"}]})";
}

TEST_F(ImportListTest, ReadsStixIndicators) {
  const std::string other(64, '5');
  Import("{\"type\": \"bundle\", \"id\": \"bundle--1\", \"objects\": [\n" +
         Indicator("[file:hashes.'SHA-256' = '" + kDigestA + "' OR file:hashes.MD5 = '" + kMd5A + "']") + ",\n" +
         Indicator("[file:hashes.MD5 IN ('" + kMd5B + "')] AND [file:hashes.'SHA-256' = '" + kDigestB + "']") + ",\n" +
         R"({"type": "identity", "spec_version": "2.1", "name": "Agency"},)" + "\n" +
         Indicator("[domain-name:value = 'example.org']") + ",\n" +
         Indicator("[NOT file:hashes.'SHA-256' = '" + other + "']") + ",\n" +
         Indicator("[file:hashes.'SHA-256' = '" + other + "']", R"(, "revoked": true)") + ",\n" +
         Indicator("[file:hashes.'SHA-256' = '" + other + "']", R"(, "valid_until": "2020-01-01T00:00:00Z")") + ",\n" +
         Indicator("[file:hashes.'SHA-256' = '77']") + "\n]}");
  EXPECT_EQ(Names(), (Texts{"md5 " + kMd5B, kNamedB, kNamedA}));
  auto refused = RefusedLines();
  std::ranges::sort(refused);
  EXPECT_EQ(refused, (Texts{"5", "6", "7", "8", "9"}));
}

TEST_F(ImportListTest, ReadsOneIndicatorAlone) {
  Import(Indicator("[file:hashes.'SHA-256' = '" + kDigestA + "']") + "\n" +
         Indicator("[file:hashes.\\\"SHA-256\\\" = '" + kDigestB + "']"));
  EXPECT_EQ(Names(), (Texts{kNamedB, kNamedA}));
}

TEST_F(ImportListTest, ADocumentThatBreaksOffKeepsWhatStoodBefore) {
  const auto summary = Import("[{\"sha256\": \"" + kDigestA + "\"},\n{\"sha256\": \"" + kDigestB);
  EXPECT_FALSE(summary);
  EXPECT_EQ(Names(), (Texts{kNamedA}));
}

TEST_F(ImportListTest, HostileDocumentsAreFollowedWithoutRecursion) {
  EXPECT_FALSE(Import(std::string(100000, '[')));
  EXPECT_FALSE(Import("{\"data\": [" + std::string(70, '{')));
  EXPECT_TRUE(Import("[1, \"{\", {}]")) << "a text that is no digest and an object without anything are refused";
  EXPECT_EQ(RefusedLines(), (Texts{"1", "1"}));
}

TEST_F(ImportListTest, FollowsHowLongIndicatorsAreValidAndTheirRevocation) {
  const auto indicator = [](const std::string& id, const std::string& digest, const std::string& more) {
    return R"({"type":"indicator","spec_version":"2.1","pattern_type":"stix","id":"indicator--)" + id +
           R"(","pattern":"[file:hashes.'SHA-256' = ')" + digest + R"(']")" + more + "}";
  };
  const auto bundle = [](const std::vector<std::string>& objects) {
    return fmt::format(R"({{"type":"bundle","objects":[{}]}})", fmt::join(objects, ",\n"));
  };
  const std::string until = R"(,"valid_until":"2026-06-01T00:00:00Z")",
                    over = R"(,"valid_until":"2025-06-01T00:00:00Z")";
  const std::string later = R"(,"valid_from":"2026-06-01T00:00:00Z")", revoked = R"(,"revoked":true)";
  const auto modified = [](const char* when) { return fmt::format(R"(,"modified":"{}")", when); };
  ASSERT_EQ(Import(bundle({indicator("1", kDigestA, until), indicator("2", kDigestB, later)}))->problems, 1u);
  ASSERT_EQ(Names(), Texts{kNamedA});
  EXPECT_EQ(Items()[0].expires, *ParseRfc3339("2026-06-01T00:00:00Z"));
  EXPECT_NE(observer_.problems[0].find("valid only from"), std::string::npos);
  // A later version ends it, whichever stands first.
  ASSERT_EQ(Import(bundle({indicator("1", kDigestA, over + modified("2026-01-02T00:00:00Z")),
                           indicator("1", kDigestA, until + modified("2026-01-01T00:00:00Z"))}))
                ->problems,
            1u);
  EXPECT_EQ(Items()[0].expires, *ParseRfc3339("2025-06-01T00:00:00Z"));
  // Of two indicators of one digest the valid one counts.
  ASSERT_EQ(Import(bundle({indicator("3", kDigestA, until), indicator("1", kDigestA, revoked)}))->problems, 1u);
  EXPECT_EQ(Items()[0].expires, *ParseRfc3339("2026-06-01T00:00:00Z"));
  ASSERT_EQ(Import(bundle({indicator("1", kDigestA, revoked)}))->problems, 1u);
  EXPECT_TRUE(Names().empty());
  EXPECT_NE(observer_.problems[0].find("no longer looked for"), std::string::npos);
  // The owner's own file is not the list's to take back.
  FileFingerprint file = MadeUpFile(1);
  ASSERT_TRUE(database_->AddFile(*database_->CollectionRow("lanes"), {.path = "/own"}, file));
  ASSERT_TRUE(Import(bundle({indicator("4", ToHex(file.sha256), revoked), indicator("5", kDigestB, over)})));
  EXPECT_EQ(Items().size(), 1u);
  EXPECT_EQ(Items()[0].expires, PacketTime::max());
}

TEST_F(ImportListTest, TakesMispEventsFilesOfStixAndArraysOfDigests) {
  const std::string third(64, '3');
  const std::string attribute = R"("category":"Payload delivery","to_ids":true,)";
  ASSERT_EQ(
      Import(R"({"response":[{"Event":{"info":"x","Attribute":[{)" + attribute +
             R"("type":"filename|sha256","value":"a.jpg|)" + kDigestA + "\"},\n{" + attribute +
             R"("type":"ip-dst","value":"192.0.2.1","Tag":[{"name":"x"}]},{)" + attribute +
             R"("type":"sha1","value":")" + std::string(40, '1') + R"("}],"Object":[{"name":"file","Attribute":[{)" +
             attribute + R"("type":"md5","value":")" + kMd5A + "\"}]}]}}]}")
          ->added,
      2u);
  EXPECT_EQ(observer_.problems.size(), 1u) << "of the SHA-1 alone";
  ASSERT_EQ(Import(R"({"type":"bundle","objects":[{"type":"file","id":"file--1","hashes":{"SHA-256":")" + kDigestB +
                   R"("}}]})")
                ->added,
            1u);
  EXPECT_TRUE(observer_.problems.empty());
  ASSERT_EQ(Import("[\"" + third + "\",\n\"" + kMd5B + "\", \"nothing\"]")->added, 2u);
  EXPECT_EQ(RefusedLines(), Texts{"2"});
}

TEST_F(ImportListTest, RefusesWhatIsTheDigestOfNothing) {
  EXPECT_EQ(
      Import("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nd41d8cd98f00b204e9800998ecf8427e\n" +
             std::string(64, '0') + "\n" + kDigestA + "\n")
          ->added,
      1u);
  EXPECT_EQ(RefusedLines(), (Texts{"1", "2", "3"}));
  EXPECT_EQ(Import("pdq,quality\n" + kPdq + ",49\n" + std::string(64, 'f') + ",100\n" + kPdq + ",50\n")->added, 1u);
  EXPECT_EQ(RefusedLines(), (Texts{"2", "3"}));
}

}  // namespace
}  // namespace spanwatch::enrolment
