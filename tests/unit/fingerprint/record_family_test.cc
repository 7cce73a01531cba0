#include "fingerprint/record_family.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "fingerprint/plate_normaliser.h"
#include "fingerprint/record_fingerprint.h"
#include "support/fake_record_index.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// A random text of a pattern: L a letter, N a digit, anything else itself.
std::string Random(std::mt19937& random, std::string_view pattern) {
  std::string text;
  for (const char c : pattern) {
    text += c == 'L' ? kLetters[random() % 26] : c == 'N' ? static_cast<char>('0' + random() % 10) : c;
  }
  return text;
}

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

struct Read {
  std::string plate;
  std::string state;
  std::string time;
  int lane = 0;
};

// 105,000 made-up reads with distinct plates, registered once for all tests: mostly LLLNNNN, some of other shapes.
struct Registry {
  Registry() {
    std::mt19937 random(2019);
    std::set<std::string> plates;
    constexpr std::string_view kPatterns[] = {"LLLNNNN", "LLLNNNN", "LLLNNNN", "LLLNNNN",
                                              "NLLLNNN", "LLLLNNN", "LLLNNN",  "LLNNNNN"};
    while (reads.size() < 105000) {
      const std::string plate = Random(random, kPatterns[random() % std::size(kPatterns)]);
      if (!plates.insert(plate).second) continue;
      reads.push_back({plate, Random(random, "LL"),
                       fmt::format("2019-05-{:02}T{:02}:{:02}:{:02}Z", 1 + random() % 28, random() % 24, random() % 60,
                                   random() % 60),
                       static_cast<int>(1 + random() % 12)});
      const Read& read = reads.back();
      for (const auto& record : FingerprintRecord(tagger, PlateVariants(plate), {read.state, read.time}))
        index.Add(record);
    }
  }

  RecordKeys keys = *RecordKeys::Derive(Bytes(32, 7));
  RecordTagger tagger{keys};
  FakeRecordIndex index;
  std::vector<Read> reads;
};

const Registry& Registered() {
  static const Registry registry;
  return registry;
}

class RecordScannerTest : public testing::Test {
 protected:
  // Scans `text` whole, or in pieces of the given size.
  RecordingMatchSink Scan(std::string_view text, RecordScope scope = RecordScope::kObject, std::size_t piece = 0) {
    const RecordSearch search(Registered().index, {&Registered().tagger}, limits_, *counters_);
    RecordingMatchSink sink;
    RecordScanner scanner(search, scope, sink);
    for (std::size_t i = 0; i < text.size(); i += piece == 0 ? text.size() : piece) {
      scanner.Update(AsBytes(text.substr(i, piece == 0 ? text.size() : piece)));
    }
    scanner.Finish();
    return sink;
  }
  const Read& Of(std::size_t i) { return Registered().reads[i]; }
  // Reads of LLLNNNN, from the front.
  std::vector<Read> Common(std::size_t count) {
    std::vector<Read> common;
    for (const Read& read : Registered().reads) {
      if (common.size() < count && read.plate.size() == 7 && read.plate[2] >= 'A' && read.plate[3] <= '9')
        common.push_back(read);
    }
    return common;
  }
  static std::string Csv(std::span<const Read> reads) {
    std::string text = "timestamp,plate,score,dscore,file,box,model_make\n";
    for (const Read& read : reads) text += fmt::format("{},{},0.90,0.80,,[1 2 3 4],\n", read.time, Lower(read.plate));
    return text;
  }
  static void ExpectSame(const RecordingMatchSink& a, const RecordingMatchSink& b) {
    EXPECT_EQ(a.matches.size(), b.matches.size());
    EXPECT_EQ(a.sure(), b.sure());
    EXPECT_EQ(a.supported(), b.supported());
    EXPECT_EQ(a.evidence.distinct_plates, b.evidence.distinct_plates);
    EXPECT_EQ(a.evidence.supported_plates, b.evidence.supported_plates);
    EXPECT_EQ(a.evidence.distinct_tokens, b.evidence.distinct_tokens);
    EXPECT_EQ(a.evidence.probability, b.evidence.probability);
    EXPECT_EQ(a.structures, b.structures);
  }
  void ExpectSilent(std::string_view text) {
    const RecordingMatchSink sink = Scan(text);
    EXPECT_EQ(sink.matches.size(), 0U);
    EXPECT_EQ(sink.evidence_calls, 0);
  }

  config::Limits limits_;
  std::unique_ptr<Counters> counters_ = std::make_unique<Counters>();
};

TEST_F(RecordScannerTest, CsvOfFiveThousandLowerCasePlatesIsCountedExactly) {
  const RecordingMatchSink sink = Scan(Csv(std::span(Registered().reads).first(5000)));
  EXPECT_EQ(sink.sure(), 5000U);
  EXPECT_EQ(sink.weak(), 0U);
  EXPECT_EQ(sink.evidence.distinct_plates, 5000U);
  EXPECT_EQ(sink.evidence.supported_plates, 5000U);
  EXPECT_LT(sink.evidence.probability, 1e-100);
  EXPECT_TRUE(sink.evidence.structured);
  EXPECT_EQ(sink.structures, 1);
}

TEST_F(RecordScannerTest, PlainListWithoutStructureIsSure) {
  std::string text;
  for (const Read& read : std::span(Registered().reads).first(400)) text += read.plate + "\r\n";
  const RecordingMatchSink sink = Scan(text);
  EXPECT_EQ(sink.sure(), 400U);
  EXPECT_EQ(sink.structures, 0);
}

TEST_F(RecordScannerTest, AValueOfAFieldIsWeakByItselfWhereItIsAPlateAsAWhole) {
  const std::string plate = Common(1).front().plate;
  for (const std::string& text :
       {"q=" + plate + "\n", "a=b&q=" + Lower(plate) + "&c=d", "q=" + plate.substr(0, 3) + "+" + plate.substr(3),
        "name=" + plate + "\r\n", "plate=" + plate, "={\"q\":\"" + plate + "\"}",
        "={\"a\": \"" + plate + "\", \"b\": 1}"}) {
    const RecordingMatchSink sink = Scan(text, RecordScope::kFields);
    EXPECT_EQ(sink.weak(), 1U) << text.find(plate);
    EXPECT_EQ(sink.sure(), 0U);
    ExpectSame(Scan(text, RecordScope::kFields, 1), sink);
  }
  for (const std::string& text :
       {"q=see " + plate + " at noon\n", plate + "\n", "q=" + plate + ".jpg", "=\"" + plate + "\""}) {
    EXPECT_EQ(Scan(text, RecordScope::kFields).matches.size(), 0U);
  }
  EXPECT_EQ(Scan("q=" + plate + "\n").matches.size(), 0U) << "no text of fields";
}

TEST_F(RecordScannerTest, OneValueAmongManyThatAreNoPlatesIsWhatChanceGives) {
  std::mt19937 random(11);
  std::string text = "q=" + Common(1).front().plate + "\n";
  for (int i = 0; i < 2000; ++i) text += "q=" + Random(random, "LLLNNNN") + "\n";
  EXPECT_EQ(Scan(text, RecordScope::kFields).sure(), 0U);
  EXPECT_EQ(Scan(text, RecordScope::kFields).weak(), 0U);
}

TEST_F(RecordScannerTest, EverySplitGivesTheSame) {
  const std::string text = Csv(std::span(Registered().reads).first(700));
  const RecordingMatchSink whole = Scan(text);
  EXPECT_EQ(whole.sure(), 700U);
  for (const std::size_t piece : {1, 2, 63, 64, 65, 1000}) ExpectSame(Scan(text, RecordScope::kObject, piece), whole);
  const RecordingMatchSink stream = Scan(text, RecordScope::kStream);
  ExpectSame(Scan(text, RecordScope::kStream, 7), stream);
  EXPECT_EQ(stream.evidence.distinct_plates, 700U);
}

TEST_F(RecordScannerTest, SqlDumpOfTheWholeRegister) {
  std::string text = "CREATE TABLE `reads` (`id` int, `plate` varchar(10));\n";
  for (std::size_t i = 0; i < Registered().reads.size(); ++i) {
    if (i % 500 == 0)
      text += fmt::format("{}INSERT INTO `reads` (`read_id`, `plate`, `state`, `read_date`, `lane`) VALUES ",
                          i == 0 ? "" : ";\n");
    text += fmt::format("{}({},'{}','{}','{}',{})", i % 500 == 0 ? "" : ",", i, Of(i).plate, Of(i).state, Of(i).time,
                        Of(i).lane);
  }
  const RecordingMatchSink sink = Scan(text);
  EXPECT_EQ(sink.sure(), 105000U);
  EXPECT_GT(sink.evidence.distinct_plates, 104500U);
  EXPECT_LE(sink.evidence.distinct_plates, 105000U);
  EXPECT_GT(sink.evidence.supported_plates, 104000U);
}

TEST_F(RecordScannerTest, JsonGroupsAndTheirValues) {
  std::string text;
  for (const Read& read : std::span(Registered().reads).first(20)) {
    text += fmt::format(
        "{{\"data_type\":\"alpr_group\",\"best_plate_number\":\"{}\",\"best_region\":\"us-{}\",\"start\":\"{}\","
        "\"candidates\":[{{\"plate\":\"QQ0QQ0\",\"confidence\":70.1}}]}}\n",
        read.plate, Lower(read.state), read.time);
  }
  const RecordingMatchSink sink = Scan(text);
  EXPECT_EQ(sink.sure(), 20U);
  EXPECT_EQ(sink.evidence.supported_plates, 20U);
  EXPECT_EQ(sink.structures, 1);
}

TEST_F(RecordScannerTest, XmlReadsWithDateAndTimeApart) {
  std::string text = "<?xml version=\"1.0\"?>\n";
  for (const Read& read : std::span(Registered().reads).first(10)) {
    std::string date = read.time.substr(0, 10);
    std::ranges::replace(date, '-', ':');
    text += fmt::format("<AutoVu><UTCDate>{}</UTCDate><UTCTime>{}</UTCTime><Plate>{}</Plate></AutoVu>\n", date,
                        read.time.substr(11, 8), read.plate);
  }
  const RecordingMatchSink sink = Scan(text);
  EXPECT_EQ(sink.sure(), 10U);
  EXPECT_EQ(sink.evidence.supported_plates, 10U);
}

// Records of one form each; %P a plate, %T its time.
std::string Fill(std::string_view form, std::span<const Read> reads, std::size_t shift) {
  std::string text;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    for (std::size_t at = 0; at < form.size(); ++at) {
      if (form[at] != '%') {
        text += form[at];
      } else {
        text += form[++at] == 'P' ? reads[i].plate : reads[(i + shift) % reads.size()].time;
      }
    }
  }
  return text;
}

TEST_F(RecordScannerTest, AValueIsBoundToThePlateOfItsOwnRecordAlone) {
  const auto reads = Common(6);
  for (const std::string_view form : {
           "%T,%P,TX\n",                                                                 // line
           "(1,'%P','%T'),",                                                             // tuple
           "{\"plate\":\"%P\",\"camera\":\"a\",\"time\":\"%T\"},",                       // object
           "{\"a\":{\"time\":\"%T\"},\"b\":{\"plate\":\"%P\",\"c\":[1,2]}}, ",           // objects around it
           "<r><plate>%P</plate><t a=\"1\"/><time>%T</time></r>",                        // element
           "<r><when><t>%T</t></when><v><plate>%P</plate><x>1</x></v><!-- > --></r>\n",  // elements around it
       }) {
    const RecordingMatchSink own = Scan(Fill(form, reads, 0));
    EXPECT_EQ(own.sure(), 6U) << form;
    EXPECT_EQ(own.supported(), 6U) << form;
    EXPECT_EQ(Scan(Fill(form, reads, 1)).supported(), 0U) << form;
    EXPECT_EQ(Scan(Fill(form, reads, 5)).supported(), 0U) << form;
  }
}

TEST_F(RecordScannerTest, ValuesBeyondTheOptionsReachAreNotBound) {
  const auto reads = Common(4);
  const std::string text = Fill("%P " + std::string(100, '-') + ",%T\n", reads, 0);
  EXPECT_EQ(Scan(text).supported(), 4U);
  limits_.record_row_bytes = 64;
  EXPECT_EQ(Scan(text).supported(), 0U);
  EXPECT_EQ(Scan(text).sure(), 4U);
}

TEST_F(RecordScannerTest, BoundRecordsAreSureAmongThousandsOfPartNumbers) {
  std::mt19937 random(15);
  const auto reads = Common(5);
  std::string text;
  for (int i = 0; i < 10000; ++i) {
    if (i % 2000 == 0) text += Fill("%P,%T\n", std::span(reads).subspan(static_cast<std::size_t>(i / 2000), 1), 0);
    text += Random(random, "LLLNNNN,bearing\n");
  }
  const RecordingMatchSink sink = Scan(text);
  // A part number that is registered by chance is told with the others of its object.
  EXPECT_GE(sink.sure(), 5U);
  EXPECT_LE(sink.sure(), 7U);
  EXPECT_EQ(sink.supported(), 5U);
}

TEST_F(RecordScannerTest, Utf16InBothOrders) {
  const std::string text = Csv(std::span(Registered().reads).first(50));
  std::string little;
  std::string big;
  for (const char c : text) {
    (little += c) += '\0';
    (big += '\0') += c;
  }
  EXPECT_EQ(Scan(little).sure(), 50U);
  EXPECT_EQ(Scan(big).sure(), 50U);
  ExpectSame(Scan(little, RecordScope::kObject, 3), Scan(little));
}

TEST_F(RecordScannerTest, PlatesAmongBinaryBytes) {
  std::mt19937 random(5);
  std::string text;
  const auto noise = [&](int length) {
    for (int i = 0; i < length; ++i) text += static_cast<char>(random() % 32);
  };
  for (const Read& read : std::span(Registered().reads).first(20)) {
    noise(static_cast<int>(random() % 100));
    text += '\x07' + read.plate;
    noise(3);
  }
  const RecordingMatchSink whole = Scan(text);
  EXPECT_EQ(whole.sure(), 20U);
  ExpectSame(Scan(text, RecordScope::kStream, 1), Scan(text, RecordScope::kStream));
}

// A string as a binary form writes it: `head` of its length before it, and what comes behind it.
using BinaryForm = std::string (*)(const Read&);
std::string String(char head, std::string_view text) {
  return static_cast<char>(head + static_cast<char>(text.size())) + std::string(text);
}
constexpr std::pair<std::string_view, BinaryForm> kBinaryForms[] = {
    {"CBOR",
     [](const Read& r) {
       return "\xA3"
              "eplate" +
              String('\x60', r.plate) + "bts" + String('\x60', r.time);
     }},
    {"list of CBOR", [](const Read& r) { return String('\x60', r.plate); }},
    {"property list", [](const Read& r) { return String('\x50', r.plate) + "_\x10\x14" + r.time; }},
    {"MessagePack", [](const Read& r) { return String('\xA0', r.plate) + String('\xA0', r.time.substr(0, 19)); }},
    {"MessagePack, date", [](const Read& r) { return String('\xA0', r.plate) + String('\xA0', r.time.substr(0, 10)); }},
    {"protocol buffers", [](const Read& r) { return '\x0A' + String('\0', r.plate) + '2' + String('\0', r.state); }},
    {"pickle", [](const Read& r) { return String('\0', r.plate).insert(1, 3, '\0').insert(0, "X") + "q\x05"; }},
    {"Avro",
     [](const Read& r) {
       return static_cast<char>(2 * r.plate.size()) + r.plate + "0" + r.time.substr(0, 19) + ".000Z";
     }},
    {"rows of PostgreSQL",
     [](const Read& r) {
       return static_cast<char>(2 * r.plate.size() + 3) + r.plate + "3" + r.time.substr(0, 19) + ".000Z";
     }},
};

TEST_F(RecordScannerTest, PlatesGluedToWhatABinaryFormWritesBesideThem) {
  for (const auto& [name, form] : kBinaryForms) {
    SCOPED_TRACE(name);
    std::string text = "\x01";
    for (const Read& read : std::span(Registered().reads).first(60)) text += form(read);
    const RecordingMatchSink whole = Scan(text);
    EXPECT_EQ(whole.sure(), 60U);
    for (const std::size_t piece : {1, 7, 64}) ExpectSame(Scan(text, RecordScope::kObject, piece), whole);
  }
}

TEST_F(RecordScannerTest, UnregisteredPlatesInBinaryFormsAreSilent) {
  std::mt19937 random(31);
  for (const auto& [name, form] : kBinaryForms) {
    SCOPED_TRACE(name);
    std::string text = "\x01";
    for (int i = 0; i < 2000; ++i) text += form({Random(random, "LLLNNNN"), "TX", "2019-05-12T08:30:00Z"});
    ExpectSilent(text);
  }
}

TEST_F(RecordScannerTest, DigestsAndBase64HaveNoGluedPlates) {
  std::mt19937 random(37);
  std::string digests, base64;
  for (int i = 0; i < 300'000; ++i) {
    digests += "0123456789abcdef"[random() % 16];
    base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random() % 64];
    if (i % 64 == 63) digests += "  a.out\n";
    if (i % 76 == 75) base64 += "\r\n";
  }
  ExpectSilent(digests);
  ExpectSilent(base64);
}

TEST_F(RecordScannerTest, SeparatorsEscapesAndSwappedCharacters) {
  std::string spaced;
  std::string swapped;
  std::string form = "text=";
  std::string escaped = "{\"t\":\"";
  for (const Read& read : Common(400)) {
    const std::string& plate = read.plate;
    spaced += fmt::format("{} {}-{} {}\n", plate.substr(0, 2), plate[2], plate.substr(3, 2), plate.substr(5));
    std::string other = plate;
    std::ranges::replace(other, '0', 'O');
    swapped += other + ",\n";
    form += fmt::format("{}+{}%0D%0A", plate.substr(0, 3), plate.substr(3));
    escaped += fmt::format("{}\\u00{:02X}{}\\n", plate.substr(0, 1), static_cast<int>(plate[1]), plate.substr(2));
  }
  EXPECT_EQ(Scan(spaced).sure(), 400U);
  EXPECT_EQ(Scan(swapped).sure(), 400U);
  EXPECT_EQ(Scan(form).sure(), 400U);
  EXPECT_EQ(Scan(escaped).sure(), 400U);
}

TEST_F(RecordScannerTest, FileListWithFortyRegisteredNames) {
  std::mt19937 random(9);
  std::string text;
  for (std::size_t i = 0; i < 60; ++i) {
    text += fmt::format("20190513-0211{:02}_cam3_{}.jpg\n", i, i < 40 ? Of(i).plate : Random(random, "LLLNNNN"));
  }
  EXPECT_EQ(Scan(text).evidence.distinct_plates, 40U);
}

TEST_F(RecordScannerTest, OnePlateInAFormIsWeak) {
  const std::string text = fmt::format("name=a&plate={}&floor=2", Of(0).plate);
  const RecordingMatchSink sink = Scan(text);
  EXPECT_EQ(sink.weak(), 1U);
  EXPECT_EQ(sink.sure(), 0U);
  EXPECT_EQ(sink.evidence.distinct_plates, 1U);
}

TEST_F(RecordScannerTest, OnePlateWithItsTimeIsWeakWithoutStructure) {
  const RecordingMatchSink sink = Scan(fmt::format("{} {} seen\n", Of(0).time, Of(0).plate));
  EXPECT_EQ(sink.weak(), 1U);
  EXPECT_EQ(sink.supported(), 1U);
}

TEST_F(RecordScannerTest, TwoPlatesInProseAreSilent) {
  ExpectSilent(fmt::format("We saw {} behind {} yesterday.", Of(0).plate, Of(1).plate));
}

TEST_F(RecordScannerTest, PartNumbersAndOtherLookAlikesAreSilent) {
  std::mt19937 random(11);
  const auto lines = [&](std::string_view pattern, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += Random(random, pattern) + "\n";
    return text;
  };
  ExpectSilent(lines("LLLNNNN", 10000));
  ExpectSilent(lines("LLL-NNN", 10000));
  ExpectSilent(lines("LLNNNN", 5000));
  ExpectSilent(lines("NNNNN", 5000));
  ExpectSilent(lines("19NNNN,NNNNNN,NNN-NNN-NNNN", 5000));
  ExpectSilent(lines("CVE-2019-NNNN KBNNNNNNN", 5000));
  ExpectSilent(lines("LH NNNN LL", 5000));
  ExpectSilent(lines("LLLUNNNNNNN 1HGCMNNNNNLNNNNNN", 5000));
}

TEST_F(RecordScannerTest, PartNumbersInAWiderTableAreSilent) {
  std::mt19937 random(12);
  std::string text = "part,bin,price\n";
  for (int i = 0; i < 10000; ++i) text += Random(random, "LLLNNNN") + Random(random, ",LNN,NN.NN\n");
  ExpectSilent(text);
}

TEST_F(RecordScannerTest, PermitListOfUnregisteredPlatesIsSilent) {
  std::mt19937 random(14);
  std::string text = "name,plate,state\n";
  for (int i = 0; i < 80; ++i) text += "A B," + Random(random, "NNLLNN") + ",TX\n";  // none of this shape is registered
  const RecordingMatchSink sink = Scan(text);
  EXPECT_EQ(sink.matches.size(), 0U);
  EXPECT_EQ(sink.structures, 0);
}

TEST_F(RecordScannerTest, RandomTokensAreNoise) {
  std::mt19937 random(13);
  std::string base64;
  std::string uuids;
  std::string keys;
  for (int i = 0; i < 200000; ++i) {
    base64 += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random() % 64];
    if (i % 76 == 75) base64 += '\n';
  }
  for (int i = 0; i < 3000; ++i) {
    uuids += fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:08x}{:04x}\n", random(), random() % 65536, random() % 4096,
                         random() % 4096, random(), random() % 65536);
    keys += Random(random, "LLNLL-LNLNL-LLLNN-NNLLL-LNNLN\n");
  }
  for (const std::string& text : {base64, uuids, keys}) ExpectSilent(text);
  // Some characters happen to tell the length of what follows: those strings are looked up, and counted by themselves.
  EXPECT_LT(counters_->Get(Counter::record_tokens), (base64.size() + uuids.size() + keys.size()) / 500);
}

TEST_F(RecordScannerTest, GapCutsATokenInTwo) {
  const RecordSearch search(Registered().index, {&Registered().tagger}, limits_, *counters_);
  RecordingMatchSink sink;
  RecordScanner scanner(search, RecordScope::kObject, sink);
  const std::string text = Csv(std::span(Registered().reads).first(10));
  const std::size_t cut = text.size() - 30;  // inside the last plate
  scanner.Update(AsBytes(text.substr(0, cut)));
  scanner.Gap(3);
  scanner.Update(AsBytes(text.substr(cut + 3)));
  scanner.Finish();
  EXPECT_EQ(sink.sure(), 9U);
}

TEST_F(RecordScannerTest, WithoutKeyNothingIsSearchedButStructureIsSeen) {
  const RecordSearch search(Registered().index, {nullptr}, limits_, *counters_);
  EXPECT_FALSE(search.active());
  RecordingMatchSink sink;
  RecordScanner scanner(search, RecordScope::kObject, sink);
  scanner.Update(AsBytes(Csv(std::span(Registered().reads).first(10))));
  scanner.Finish();
  EXPECT_TRUE(sink.matches.empty());
  EXPECT_EQ(sink.structures, 1);
}

// What was registered since the last whole set is in a delta of its own.
TEST_F(RecordScannerTest, AWholeSetAndItsDeltaAreJudgedAsOne) {
  const RecordTagger& tagger = Registered().tagger;
  const std::vector<Read> reads = Common(4000);
  FakeRecordIndex index(2);
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const auto set = static_cast<std::uint16_t>(i % 40 == 0 ? 1 : 0);
    for (const auto& record : FingerprintRecord(tagger, PlateVariants(reads[i].plate), {reads[i].time}))
      index.Add(record, set);
  }
  std::string text;  // a plain list: two of the delta's, which alone would prove nothing, among ten of the whole set's
  for (const std::size_t i : {0, 1, 2, 3, 4, 5, 40, 6, 7, 8, 9, 10}) text += reads[i].plate + "\n";
  const auto scan = [&](std::vector<const RecordTagger*> taggers) {
    const RecordSearch search(index, std::move(taggers), limits_, *counters_);
    RecordingMatchSink sink;
    RecordScanner scanner(search, RecordScope::kObject, sink);
    scanner.Update(AsBytes(text));
    scanner.Finish();
    return sink;
  };
  const RecordingMatchSink together = scan({&tagger, &tagger});
  EXPECT_EQ(together.sure(), 12U);
  EXPECT_EQ(together.evidence.distinct_plates, 12U);
  // Another register's set with the same plates is judged by itself.
  const RecordTagger other{Registered().keys};
  EXPECT_EQ(scan({&tagger, &other}).sure(), 10U);
}

// What no register knows is counted once for all; what only some know counts for each as it would alone.
TEST_F(RecordScannerTest, RegistersOfDifferentKeysJudgeTogetherAsEachDoesAlone) {
  const RecordKeys other_keys = *RecordKeys::Derive(Bytes(32, 9));
  const RecordTagger other(other_keys);
  const RecordTagger& own = Registered().tagger;
  FakeRecordIndex index(2);
  const auto add = [&](const RecordTagger& tagger, std::size_t from, std::size_t to, std::uint16_t set) {
    for (std::size_t i = from; i < to; ++i) {
      for (const auto& record : FingerprintRecord(tagger, PlateVariants(Of(i).plate), {Of(i).time}))
        index.Add(record, set);
    }
  };
  add(own, 0, 3000, 0);
  add(other, 2000, 5000, 1);
  const auto scan = [&](std::string_view text, RecordScope scope, std::vector<const RecordTagger*> taggers) {
    const RecordSearch search(index, std::move(taggers), limits_, *counters_);
    RecordingMatchSink sink;
    RecordScanner scanner(search, scope, sink);
    scanner.Update(AsBytes(text));
    scanner.Finish();
    return sink;
  };
  std::mt19937 random(4);
  std::string text;
  for (std::size_t i = 0; i < 6000; ++i) {
    text += i % 3 == 0 ? Of(1500 + i / 3).plate : Random(random, i % 3 == 1 ? "LLLNNNN" : "NLLLNNN");
    text += i % 50 == 0 ? " " + Of(1500 + i / 3).time + "\n" : "\n";
  }
  for (const RecordScope scope : {RecordScope::kObject, RecordScope::kStream}) {
    const RecordingMatchSink first = scan(text, scope, {&own, nullptr});
    const RecordingMatchSink second = scan(text, scope, {nullptr, &other});
    const RecordingMatchSink both = scan(text, scope, {&own, &other});
    EXPECT_GT(first.sure(), 1000u);
    EXPECT_GT(second.sure(), 1000u);
    EXPECT_EQ(both.sure(), first.sure() + second.sure());
    EXPECT_EQ(both.weak(), first.weak() + second.weak());
    EXPECT_EQ(both.supported(), first.supported() + second.supported());
    EXPECT_EQ(both.evidence.distinct_plates, first.evidence.distinct_plates + second.evidence.distinct_plates);
    EXPECT_EQ(both.evidence.distinct_tokens, first.evidence.distinct_tokens + second.evidence.distinct_tokens);
    EXPECT_DOUBLE_EQ(both.evidence.probability, std::min(first.evidence.probability, second.evidence.probability));
  }
}

TEST_F(RecordScannerTest, ManyRowsKeepMemoryBounded) {
  limits_.record_waiting_items = 64;
  limits_.record_exact_tokens = 1024;
  const RecordingMatchSink sink = Scan(Csv(std::span(Registered().reads).first(5000)));
  EXPECT_GT(sink.sure(), 4000U);
  EXPECT_LE(sink.evidence.distinct_plates, 5000U);
}

}  // namespace
}  // namespace spanwatch::fingerprint
