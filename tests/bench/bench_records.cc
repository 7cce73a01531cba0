// bench_records [MEGABYTES] [PLATES] [TEXT]: the scan of text for registered plates (filter, decode, tokenise, tag,
// look up, count) over text in which nothing is registered, beside memcpy and Vectorscan in the same run. Prints a
// Markdown table; each figure is the median of seven repetitions in CPU time of the thread, GB of text a second. TEXT:
// only the kinds whose name begins so.
//
// Vectorscan gets one pattern for each shape that the register has: the same characters, an optional separator between
// any two, word boundaries, any case. It counts matches and does not tag or look anything up.
#include <hs.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "fingerprint/plate_shapes.h"
#include "fingerprint/record_family.h"
#include "fingerprint/record_fingerprint.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"

namespace spanwatch {
namespace {

using fingerprint::RecordScanner;

constexpr int kRepetitions = 7;

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double ThreadSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// GB of `bytes` a second that `work` gets through.
double Rate(std::size_t bytes, const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int i = 0; i < kRepetitions; ++i) {
    const double began = ThreadSeconds();
    work();
    seconds.push_back(ThreadSeconds() - began);
  }
  return static_cast<double>(bytes) / Median(seconds) / 1e9;
}

std::string Random(std::mt19937& random, std::string_view pattern) {
  std::string text;
  for (const char c : pattern) {
    text += c == 'L' ? static_cast<char>('A' + random() % 26) : c == 'N' ? static_cast<char>('0' + random() % 10) : c;
  }
  return text;
}

std::string Repeated(std::size_t bytes, const std::function<std::string()>& line) {
  std::string text;
  while (text.size() < bytes) text += line();
  return text;
}

// Everything of a folder of the machine, up to so many bytes.
std::string FilesOf(const std::string& command, std::size_t bytes) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  std::vector<char> buffer(1 << 16);
  while (text.size() < bytes) {
    const std::size_t read = ::fread(buffer.data(), 1, buffer.size(), pipe);
    if (read == 0) break;
    text.append(buffer.data(), read);
  }
  ::pclose(pipe);
  return text;
}

struct Text {
  std::string name;
  std::string content;
};

// Those whose name begins with `wanted`.
std::vector<Text> Texts(std::size_t bytes, std::string_view wanted) {
  std::mt19937 random(44);
  int number = 0;
  std::vector<Text> texts;
  const auto add = [&](const std::string& name, const std::function<std::string()>& make) {
    if (name.starts_with(wanted)) texts.push_back({name, make()});
  };
  add("prose (Debian's copyright files)", [&] { return FilesOf("cat /usr/share/doc/*/copyright", bytes); });
  add("C (headers of /usr/include)",
      [&] { return FilesOf("find /usr/include -name '*.h' -exec cat {} + 2>/dev/null", bytes); });
  add("web server log", [&] {
    return Repeated(bytes, [&] {
      return fmt::format(
          "10.20.{}.{} - - [13/May/2019:02:{:02}:{:02} +0000] \"GET /static/js/app.{:08x}.js HTTP/1.1\" "
          "200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Firefox/66.0\"\n",
          random() % 256, random() % 256, random() % 60, random() % 60, random(), random() % 90000);
    });
  });
  add("JSON of a shop", [&] {
    return Repeated(bytes, [&] {
      return fmt::format(
          "{{\"order\":{},\"sku\":\"{}\",\"title\":\"Steel bolt M{}\",\"price\":{}.50,\"currency\":\"USD\","
          "\"created\":\"2019-05-13T02:11:40Z\"}}\n",
          number++, Random(random, "LLL-NNN"), random() % 20, random() % 900);
    });
  });
  add("part list, LLLNNNN a row", [&] {
    return Repeated(bytes, [&] {
      return fmt::format("{},bearing,{},{}.50\n", Random(random, "LLLNNNN"), random() % 90, random() % 700);
    });
  });
  add("CSV of plate reads, none registered", [&] {
    return "timestamp,plate,score,dscore,file,box,model_make\n" + Repeated(bytes, [&] {
             return fmt::format("2019-05-13T02:{:02}:{:02}Z,{},0.9{},0.8{},lane{}-{}.jpg,\"[10, 20, 110, 60]\",\n",
                                random() % 60, random() % 60, Random(random, "LLLNNNN"), random() % 10, random() % 10,
                                random() % 8, number++);
           });
  });
  add("base64", [&] {
    return Repeated(bytes, [&] {
      std::string line;
      for (int i = 0; i < 76; ++i) {
        line += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[random() % 64];
      }
      return line + '\n';
    });
  });
  add("random bytes", [&] {
    return Repeated(bytes, [&] {
      std::string block(4096, '\0');
      for (char& c : block) c = static_cast<char>(random());
      return block;
    });
  });
  return texts;
}

class NoSink final : public MatchSink {
 public:
  void OnMatch(const Match&) noexcept override { ++matches; }
  void OnRecordEvidence(const RecordEvidence&) noexcept override {}
  bool AlreadyNamed() const noexcept override { return false; }
  std::uint64_t matches = 0;
};

// A register of plates of these shapes in a hash set of its own.
class Register {
 public:
  Register(const std::vector<std::string>& shapes, std::size_t plates) : shapes_(shapes) {
    std::mt19937 random(105);
    hashset::HashSetWriter writer({.name = "bench", .created = PacketTimeFromNanoseconds(1)});
    const std::uint32_t collection = writer.AddCollection({.name = "reads", .owner = "Agency"});
    for (std::size_t i = 0; i < plates; ++i) {
      ItemId id{};
      std::memcpy(id.data(), &i, sizeof i);
      const std::uint32_t item = writer.AddItem({.id = id, .kind = ItemKind::kRecord, .collection = collection});
      for (const auto& record :
           fingerprint::FingerprintRecord(tagger, std::array{Random(random, shapes[i % shapes.size()])}, {})) {
        writer.AddRecord(item, record);
      }
    }
    for (const std::string& shape : shapes) {
      writer.AddShape({*fingerprint::PlateShapeOfPattern(shape), plates / shapes.size()});
    }
    const Bytes seed(32, 1);
    std::string path = (std::filesystem::temp_directory_path() / "bench-records-XXXXXX").string();
    ::close(::mkstemp(path.data()));
    if (!writer.Write(path, seed)) std::exit(1);
    const auto key = hashset::PublicKeyOf(seed);
    const std::vector<Bytes> trusted{Bytes(key.begin(), key.end())};
    auto set = hashset::MappedHashSet::Open(path, trusted);
    std::filesystem::remove(path);
    if (!set) std::exit(1);
    snapshot = *hashset::Snapshot::Make({*set});
  }

  std::uint64_t Scan(std::string_view text) {
    const fingerprint::RecordSearch search(*snapshot, {&tagger}, limits, *counters);
    NoSink sink;
    RecordScanner scanner(search, fingerprint::RecordScope::kObject, sink);
    constexpr std::size_t kSegment = 1448;
    for (std::size_t i = 0; i < text.size(); i += kSegment) scanner.Update(AsBytes(text.substr(i, kSegment)));
    scanner.Finish();
    return sink.matches;
  }

  hs_database_t* Patterns() const {
    std::vector<std::string> patterns;
    for (const std::string& shape : shapes_) {
      std::string pattern = "\\b";
      for (std::size_t i = 0; i < shape.size(); ++i) {
        pattern += i == 0 ? "" : "[ ._+-]?";
        pattern += shape[i] == 'L' ? "[A-Z]" : "[0-9]";
      }
      patterns.push_back(pattern + "\\b");
    }
    std::vector<const char*> expressions;
    std::vector<unsigned> flags(patterns.size(), HS_FLAG_CASELESS);
    std::vector<unsigned> ids(patterns.size());
    for (const std::string& pattern : patterns) expressions.push_back(pattern.c_str());
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(expressions.size()),
                         HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
      std::fprintf(stderr, "bench_records: %s\n", error->message);
      std::exit(1);
    }
    return database;
  }

  fingerprint::RecordKeys keys = *fingerprint::RecordKeys::Derive(Bytes(32, 7));
  fingerprint::RecordTagger tagger{keys};
  std::shared_ptr<const hashset::Snapshot> snapshot;
  config::Limits limits;
  std::unique_ptr<Counters> counters = std::make_unique<Counters>();

 private:
  std::vector<std::string> shapes_;
};

// Every shape of the built-in table that counts in running text.
std::vector<std::string> ListedShapes() {
  std::vector<std::string> shapes;
  for (std::uint16_t shape = 1u << fingerprint::kPlateMinimum; shape < fingerprint::kShapeNumbers; ++shape) {
    if (!fingerprint::IsListedShape(shape) || !fingerprint::CountsAnywhere(shape)) continue;
    std::string pattern;
    for (std::size_t i = fingerprint::ShapeLength(shape); i-- > 0;) pattern += (shape >> i & 1) != 0 ? 'L' : 'N';
    shapes.push_back(pattern);
  }
  return shapes;
}

void Compare(const char* title, const std::vector<std::string>& shapes, std::size_t plates,
             const std::vector<Text>& texts) {
  Register registered(shapes, plates);
  hs_database_t* const patterns = registered.Patterns();
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(patterns, &scratch) != HS_SUCCESS) std::exit(1);
  fmt::print(
      "\n{}: {} plates, {} shapes\n\n| text | scan GB/s | tokens looked up per KB | memcpy GB/s | Vectorscan GB/s | "
      "scan : Vectorscan |\n"
      "|---|---|---|---|---|---|\n",
      title, plates, shapes.size());
  for (const Text& text : texts) {
    const std::uint64_t before = registered.counters->Get(Counter::record_tokens);
    registered.Scan(text.content);
    const auto tokens = static_cast<double>(registered.counters->Get(Counter::record_tokens) - before);
    const double scan = Rate(text.content.size(), [&] { registered.Scan(text.content); });
    std::string copy(text.content.size(), '\0');
    const double copied =
        Rate(text.content.size(), [&] { std::memcpy(copy.data(), text.content.data(), copy.size()); });
    std::uint64_t matches = 0;
    const auto count = [](unsigned, unsigned long long, unsigned long long, unsigned, void* context) {
      ++*static_cast<std::uint64_t*>(context);
      return 0;
    };
    const double vectorscan = Rate(text.content.size(), [&] {
      hs_scan(patterns, text.content.data(), static_cast<unsigned>(text.content.size()), 0, scratch, count, &matches);
    });
    fmt::print("| {} | {:.2f} | {:.1f} | {:.1f} | {:.2f} | {:.1f} |\n", text.name, scan,
               tokens / static_cast<double>(text.content.size()) * 1000, copied, vectorscan, scan / vectorscan);
    std::fflush(stdout);
  }
  hs_free_scratch(scratch);
  hs_free_database(patterns);
}

void Tags() {
  const auto keys = *fingerprint::RecordKeys::Derive(Bytes(32, 7));
  std::mt19937 random(1);
  std::vector<fingerprint::PlateWord> words;
  for (int i = 0; i < 256; ++i) words.push_back(fingerprint::ToPlateWord(Random(random, "LLLNNNN")));
  std::vector<std::uint64_t> tags(words.size());
  fmt::print("| tag | ns |\n|---|---|\n");
  for (const auto& [name, path] : {std::pair{"AES-256-CMAC, one block, batches of 256", fingerprint::AesPath::kBest},
                                   std::pair{"the same without VAES", fingerprint::AesPath::kNarrow},
                                   std::pair{"the same by OpenSSL", fingerprint::AesPath::kPortable}}) {
    const fingerprint::RecordTagger tagger(keys, path);
    constexpr int kRounds = 4000;
    const double rate = Rate(words.size() * kRounds, [&] {
      for (int i = 0; i < kRounds; ++i) tagger.TagPlates(words, tags);
    });
    fmt::print("| {} | {:.2f} |\n", name, 1 / rate);
  }
}

}  // namespace
}  // namespace spanwatch

int main(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 16;
  const std::size_t plates = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 105'000;
  const auto texts = spanwatch::Texts(megabytes * 1'000'000, argc > 3 ? argv[3] : "");
  spanwatch::Tags();
  spanwatch::Compare("One border's register", {"LLLNNNN", "LLLNNN", "NLLLNNN", "LLNNNN"}, plates, texts);
  spanwatch::Compare("Every listed shape", spanwatch::ListedShapes(), plates, texts);
  return 0;
}
