// The owner's first session (design.md section 7), through the command line's own parser.
#include <gtest/gtest.h>
#include <jpeglib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/file.h"
#include "base/key_file.h"
#include "cli/command.h"
#include "hashset/snapshot.h"

namespace spanwatch::cli {
namespace {

// A picture of random blocks, different for each seed.
void WritePicture(const std::filesystem::path& path, unsigned seed) {
  constexpr unsigned kSide = 640, kBlock = 40;
  std::mt19937 random(seed);
  std::vector<std::uint8_t> grey(kSide / kBlock * (kSide / kBlock));
  for (auto& value : grey) value = static_cast<std::uint8_t>(random());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = jpeg.image_height = kSide;
  jpeg.input_components = 1;
  jpeg.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<std::uint8_t> line(kSide);
  for (unsigned y = 0; y < kSide; ++y) {
    for (unsigned x = 0; x < kSide; ++x) {
      line[x] = static_cast<std::uint8_t>(grey[y / kBlock * (kSide / kBlock) + x / kBlock] / 2 + random() % 32);
    }
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::fclose(file);
}

class FirstSession : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "spanwatch-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    std::filesystem::create_directory("pictures");
    for (unsigned i = 0; i < 4; ++i) WritePicture(fmt::format("pictures/{}.jpg", i), i);
    std::ofstream("reads.csv") << "plate,state,timestamp,lane\nAAA1234,TX,2019-05-13T02:00:00Z,3\n"
                                  "BBB5678,NM,2019-05-13T02:01:00Z,4\n";
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  // The exit status of a command line; what it printed on standard output is in output_.
  int Run(const std::string& line) {
    CLI::App app;
    app.require_subcommand(1);
    int exit_status = kExitDone;
    AddKeygenCommand(app, exit_status);
    AddRegisterCommand(app, exit_status);
    AddHashsetCommand(app, exit_status);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
      app.parse(line);
    } catch (const CLI::ParseError& error) {
      exit_status = app.exit(error) == 0 ? kExitDone : kExitUsage;
    }
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return exit_status;
  }
  void RunSession() {
    for (const char* line :
         {"keygen --out owner", "register init --register R.db --owner \"Agency\" --record-key record.key",
          "register add images  --register R.db --collection lanes pictures/",
          "register add records --register R.db --collection reads --plate plate --support state,timestamp,lane "
          "reads.csv",
          "register build --register R.db --sign owner.key --out agency.swset"}) {
      ASSERT_EQ(Run(line), kExitDone) << line << "\n" << errors_;
    }
  }

  std::filesystem::path folder_, before_;
  std::string output_, errors_;
};

TEST_F(FirstSession, ANegativeBankAndADeltaByTheCommandLine) {
  RunSession();
  std::filesystem::create_directory("logos");
  WritePicture("logos/logo.jpg", 50);
  EXPECT_EQ(Run("register add images --register R.db --collection lanes --negative logos/"), kExitUsage);
  EXPECT_NE(errors_.find("no negative bank"), std::string::npos) << errors_;
  ASSERT_EQ(Run("register add images --register R.db --collection logos --negative logos/"), kExitDone) << errors_;
  EXPECT_EQ(Run("register add images --register R.db --collection logos pictures/"), kExitUsage);
  EXPECT_EQ(Run("register add records --register R.db --collection logos --plate plate reads.csv"), kExitUsage);
  ASSERT_EQ(Run("register build --register R.db --sign owner.key --delta-from agency.swset --out delta.swset"),
            kExitDone)
      << errors_;
  EXPECT_NE(errors_.find("a delta to serial "), std::string::npos) << errors_;
  ASSERT_EQ(Run("hashset info delta.swset"), kExitDone);
  EXPECT_NE(output_.find("delta to      serial "), std::string::npos) << output_;
  EXPECT_NE(output_.find("a negative bank"), std::string::npos) << output_;
  EXPECT_EQ(Run("register build --register R.db --sign owner.key --delta-from delta.swset --out x.swset"), kExitUsage);
}

TEST_F(FirstSession, NamesThatATerminalWouldObeyAreShownNotObeyed) {
  RunSession();
  std::ofstream("pictures/a\x1b[2J.jpg") << "no picture";
  EXPECT_EQ(Run("register add images --register R.db --collection lanes pictures/"), kExitFailed);
  EXPECT_NE(errors_.find("a\\x1b[2J.jpg cannot be read as a picture"), std::string::npos) << errors_;
  ASSERT_EQ(Run("register list --register R.db"), kExitDone);
  EXPECT_NE(output_.find("a\\x1b[2J.jpg"), std::string::npos) << output_;
  EXPECT_EQ((output_ + errors_).find('\x1b'), std::string::npos);
  EXPECT_EQ(Run("register add images --register R.db --collection \"a\x1b[2J\" pictures/"), kExitUsage);
  EXPECT_EQ(errors_.find('\x1b'), std::string::npos);
}

TEST_F(FirstSession, MakesASignedSetOfEverythingThatWasAdded) {
  RunSession();
  const std::vector<Bytes> trusted{*ReadKeyFile("owner.pub", KeyKind::kPublic)};
  const auto set = hashset::MappedHashSet::Open("agency.swset", trusted);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_TRUE((*set)->VerifyChecksums());
  EXPECT_EQ((*set)->item_count(), 6u);
  EXPECT_GE((*set)->pictures().size(), 4u);
  EXPECT_GT((*set)->fragments().size(), 4u);
  EXPECT_EQ((*set)->plates().size(), 2u);
  EXPECT_EQ((*set)->pairs().size(), 6u);
  EXPECT_EQ((*set)->manifest().record_key_id, hashset::RecordKeyIdOf(*ReadKeyFile("record.key", KeyKind::kRecord)));
  struct stat status{};
  for (const char* secret : {"owner.key", "record.key", "R.db"}) {
    ASSERT_EQ(::stat(secret, &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << secret;
  }
}

TEST_F(FirstSession, ACompactRegisterKeepsLittleAndIsBuiltAsThat) {
  for (const char* line : {"keygen --out owner", "register init --register R.db --owner Agency --profile compact",
                           "register add images --register R.db --collection lanes pictures/",
                           "register build --register R.db --sign owner.key --out agency.swset"}) {
    ASSERT_EQ(Run(line), kExitDone) << line << "\n" << errors_;
  }
  const auto set = *hashset::MappedHashSet::OpenUnverified("agency.swset");
  EXPECT_EQ(set->manifest().profile, "compact");
  EXPECT_EQ(set->pictures().size(), 4u);
  EXPECT_EQ(set->fragments().size(), 4 * 16u);
  EXPECT_EQ(Run("register add images --register R.db --collection lanes --views few pictures/"), kExitUsage);
  EXPECT_NE(errors_.find("profile compact"), std::string::npos) << errors_;
  EXPECT_EQ(Run("register build --register R.db --sign owner.key --profile full --out x.swset"), kExitUsage);
  EXPECT_NE(errors_.find("profile compact"), std::string::npos) << errors_;
  EXPECT_EQ(Run("register init --register S.db --owner Agency --profile small"), kExitUsage);
}

TEST_F(FirstSession, ListsALineAnItem) {
  RunSession();
  ASSERT_EQ(Run("register list --register R.db --json"), kExitDone);
  std::istringstream lines(output_);
  std::size_t images = 0, records = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto item = nlohmann::json::parse(line);
    for (const char* key : {"id", "collection", "kind", "source", "size", "sha256", "added", "expires"}) {
      EXPECT_TRUE(item.contains(key)) << key;
    }
    EXPECT_EQ(item["id"].get<std::string>().size(), 32u);
    images += item["kind"] == "image";
    records += item["kind"] == "record";
  }
  EXPECT_EQ(images, 4u);
  EXPECT_EQ(records, 2u);
}

TEST_F(FirstSession, CanBeRepeatedWithoutAddingAnything) {
  RunSession();
  EXPECT_EQ(Run("register add images --register R.db --collection lanes pictures/"), kExitDone);
  EXPECT_NE(errors_.find("0 new items, 0 further sources, 4 known already"), std::string::npos) << errors_;
  EXPECT_EQ(Run("keygen --out owner"), kExitFailed) << "a key is never replaced";
  EXPECT_EQ(Run("register init --register R.db --owner Agency"), kExitFailed);
}

TEST_F(FirstSession, TellsByExitStatusWhatCouldNotBeRead) {
  RunSession();
  std::ofstream("pictures/broken.jpg") << "no picture at all";
  EXPECT_EQ(Run("register add images --register R.db --collection lanes pictures/"), kExitFailed);
  EXPECT_NE(errors_.find("broken.jpg"), std::string::npos);
  EXPECT_EQ(Run("register add records --register R.db --collection reads --plate nothing reads.csv"), kExitFailed);
}

TEST_F(FirstSession, TakesTheRegisterFromTheEnvironment) {
  RunSession();
  EXPECT_EQ(Run("register list"), kExitUsage);
  ::setenv("SPANWATCH_REGISTER", "R.db", 1);
  EXPECT_EQ(Run("register list"), kExitDone);
  ::unsetenv("SPANWATCH_REGISTER");
}

TEST_F(FirstSession, ShowsAndVerifiesTheSet) {
  RunSession();
  EXPECT_EQ(Run("hashset info agency.swset"), kExitDone);
  EXPECT_NE(output_.find("Agency"), std::string::npos);
  EXPECT_EQ(Run("hashset verify --trust owner.pub agency.swset"), kExitDone);
  EXPECT_EQ(Run("keygen --out other"), kExitDone);
  EXPECT_EQ(Run("hashset verify --trust other.pub agency.swset"), kExitFailed);
  Bytes bytes = *ReadFile("agency.swset", 1u << 30);
  bytes[bytes.size() - 100] ^= 1;
  ASSERT_TRUE(WriteFileAtomically("agency.swset", bytes, 0600));
  EXPECT_EQ(Run("hashset verify --trust owner.pub agency.swset"), kExitFailed);
}

TEST_F(FirstSession, ImportsListsAndNamesTheLinesThatItRefuses) {
  RunSession();
  const std::string digest(64, 'a'), md5(32, 'b');
  std::ofstream("list.csv") << "name,sha256,md5\na.jpg," << digest << ",\nb.jpg,,\nc.jpg,," << md5 << "\n";
  EXPECT_EQ(Run("register import --register R.db --collection known --list list.csv"), kExitFailed);
  EXPECT_NE(errors_.find("list.csv:3: "), std::string::npos) << errors_;
  EXPECT_NE(errors_.find("2 new items"), std::string::npos) << errors_;
  EXPECT_NE(errors_.find("compute the MD5 of every object"), std::string::npos) << errors_;
  EXPECT_EQ(Run("register build --register R.db --sign owner.key --out agency.swset"), kExitDone);
  EXPECT_NE(errors_.find("1 items are known by MD5 alone"), std::string::npos) << errors_;
  EXPECT_EQ(Run("hashset info agency.swset"), kExitDone);
  EXPECT_NE(output_.find("bare MD5"), std::string::npos);
  EXPECT_EQ(Run("register import --register R.db --collection known --list list.csv --md5 list.csv"), kExitUsage);
}

TEST_F(FirstSession, ShowsHowTwoSetsDiffer) {
  RunSession();
  std::filesystem::copy_file("agency.swset", "before.swset");
  ASSERT_EQ(Run("register remove --register R.db --collection lanes --source pictures/0.jpg"), kExitDone);
  std::ofstream("more.txt") << std::string(64, 'a') << "\n";
  ASSERT_EQ(Run("register import --register R.db --collection known --sha256 more.txt"), kExitDone);
  ASSERT_EQ(Run("register build --register R.db --sign owner.key --out agency.swset"), kExitDone);
  EXPECT_EQ(Run("hashset diff --trust owner.pub before.swset agency.swset"), kExitDone);
  EXPECT_NE(output_.find("1 items added, 1 removed, 0 changed"), std::string::npos) << output_;
  EXPECT_NE(output_.find("serial "), std::string::npos) << output_;
  EXPECT_EQ(Run("hashset diff --json before.swset agency.swset"), kExitDone);
  std::istringstream lines(output_);
  std::vector<nlohmann::json> documents;
  for (std::string line; std::getline(lines, line);) documents.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(documents.size(), 3u) << output_;
  EXPECT_GT(documents[0]["after"]["serial"], documents[0]["before"]["serial"]);
  EXPECT_EQ(documents[0]["added"], 1);
  EXPECT_NE(documents[1]["change"], documents[2]["change"]);
  EXPECT_EQ(Run("hashset diff before.swset before.swset"), kExitDone);
  EXPECT_EQ(output_, "0 items added, 0 removed, 0 changed\n");
}

TEST_F(FirstSession, EveryHelpShowsAnExample) {
  for (const char* command :
       {"keygen", "register", "register init", "register add", "register add images", "register add records",
        "register import", "register list", "register remove", "register expire", "register build", "hashset",
        "hashset info", "hashset verify", "hashset diff"}) {
    EXPECT_EQ(Run(std::string(command) + " --help"), kExitDone);
    EXPECT_NE(output_.find("Example: spanwatch "), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace spanwatch::cli
