// bench_fragments [PRINTS]: the fragment sampler and its lookup in a hash set of so many registered windows (10 million
// unless told otherwise), on every path that this processor has, beside memcpy, SHA-256 and a scalar gear hash over the
// same bytes. Thread CPU time, the median of seven interleaved rounds; a Markdown table.
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "fingerprint/fragment_search.h"
#include "hashset/hashset_writer.h"
#include "hashset/snapshot.h"

namespace spanwatch {
namespace {

using fingerprint::FragmentSearch;
using fingerprint::PrintSink;
using fingerprint::SamplerPath;
using fingerprint::WindowScanner;

constexpr std::uint64_t kSeed = 99;
constexpr std::uint32_t kDensity = 256;
constexpr int kRounds = 7;
constexpr std::size_t kPrintsPerFile = 400;
constexpr std::size_t kPacketBytes = 1448;
constexpr std::size_t kResidentBytes = 256u << 10;
constexpr std::size_t kMemoryBytes = 64u << 20;
constexpr std::uint64_t kBytesPerRound = 64u << 20;

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::shared_ptr<const hashset::Snapshot> MakeSnapshot(std::uint64_t prints) {
  std::mt19937_64 random(1);
  hashset::HashSetWriter writer({.name = "bench", .fragment_seed = kSeed, .fragment_density = kDensity});
  const std::uint32_t collection = writer.AddCollection({.name = "bench"});
  for (std::uint64_t made = 0; made < prints;) {
    FileFingerprint file{.size = 100000, .crc32 = static_cast<std::uint32_t>(made), .head_xxh3 = random()};
    std::memcpy(file.sha256.data(), &made, sizeof(made));
    for (std::size_t i = 0; i < kPrintsPerFile && made < prints; ++i, ++made)
      file.fragments.push_back({i * kDensity, random()});
    writer.AddFile(writer.AddItem({.collection = collection, .size = file.size}), file);
  }
  const Bytes signing_seed(32, 1);
  const auto path = std::filesystem::temp_directory_path() / ("bench_fragments." + std::to_string(::getpid()));
  const auto written = writer.Write(path, signing_seed);
  const auto public_key = hashset::PublicKeyOf(signing_seed);
  const Bytes trusted[] = {Bytes(public_key.begin(), public_key.end())};
  auto set = written ? hashset::MappedHashSet::Open(path, trusted) : Fail(written.error());
  std::filesystem::remove(path);
  if (!set) return nullptr;
  auto snapshot = hashset::Snapshot::Make({*set});
  return snapshot ? *snapshot : nullptr;
}

struct Count final : PrintSink {
  void OnPrints(std::span<const FragmentPrint> prints, const fingerprint::WindowBytes&) noexcept override {
    seen += prints.size();
  }
  std::uint64_t seen = 0;
};

struct LookUp final : PrintSink {
  explicit LookUp(const FingerprintIndex& fingerprint_index) : index(fingerprint_index) {}
  void OnPrints(std::span<const FragmentPrint> prints, const fingerprint::WindowBytes& windows) noexcept override {
    fingerprint::FindFragments(index, 0, prints, windows, hits);
  }
  const FingerprintIndex& index;
  std::vector<FragmentHit> hits;
};

// The boundary test of a content-defined chunker, one byte after the other.
std::uint64_t Gear(ByteView bytes, const std::vector<std::uint64_t>& table) {
  std::uint64_t hash = 0, boundaries = 0;
  for (const std::uint8_t byte : bytes) {
    hash = (hash << 1) + table[byte];
    boundaries += hash < ~std::uint64_t{0} / kDensity;
  }
  return boundaries;
}

struct Row {
  std::string name;
  std::function<std::uint64_t(ByteView)> run;  // the result keeps the work from being left out
  std::vector<double> rates = {};              // GB/s, a round each
};

std::vector<Row> Rows(const FingerprintIndex& index) {
  static Bytes copy(kMemoryBytes);
  static std::vector<std::uint64_t> table(256);
  std::mt19937_64 random(2);
  std::ranges::generate(table, random);
  std::vector<Row> rows;
  rows.push_back({"memcpy", [](ByteView bytes) {
                    std::memcpy(copy.data(), bytes.data(), bytes.size());
                    return std::uint64_t{copy[bytes.size() / 2]};
                  }});
  rows.push_back({"SHA-256", [](ByteView bytes) {
                    unsigned char digest[EVP_MAX_MD_SIZE];
                    EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, EVP_sha256(), nullptr);
                    return std::uint64_t{digest[0]};
                  }});
  rows.push_back({"scalar gear hash", [](ByteView bytes) { return Gear(bytes, table); }});
  const std::pair<SamplerPath, const char*> paths[] = {
      {SamplerPath::kScalar, "portable"}, {SamplerPath::kAvx2, "AVX2"}, {SamplerPath::kAvx512, "AVX-512"}};
  for (const auto& [path, name] : paths) {
    if (!WindowScanner::Supports(path)) continue;
    const WindowScanner scanner({kSeed, kDensity}, path);
    rows.push_back({std::string("sampler, ") + name, [scanner](ByteView bytes) {
                      Count count;
                      scanner.Scan(bytes.data(), bytes.size() - scanner.window() + 1, 0, count);
                      return count.seen;
                    }});
    rows.push_back({std::string("sampler and lookup, ") + name, [scanner, &index](ByteView bytes) {
                      LookUp look_up(index);
                      scanner.Scan(bytes.data(), bytes.size() - scanner.window() + 1, 0, look_up);
                      return std::uint64_t{look_up.hits.size()};
                    }});
  }
  rows.push_back({"sampler and lookup, packet by packet", [&index](ByteView bytes) {
                    FragmentSearch search(index);
                    std::vector<FragmentHit> hits;
                    while (!bytes.empty()) {
                      const ByteView packet = bytes.first(std::min(kPacketBytes, bytes.size()));
                      search.Begin(packet);
                      if (search.Holds(packet)) search.Find(packet, 0, hits);
                      search.End();
                      bytes = bytes.subspan(packet.size());
                    }
                    return std::uint64_t{hits.size()};
                  }});
  return rows;
}

void Measure(std::vector<Row>& rows, ByteView bytes, std::uint64_t& kept) {
  for (Row& row : rows) row.rates.clear();
  for (int round = 0; round < kRounds; ++round) {
    for (Row& row : rows) {
      const double began = ThreadSeconds();
      std::uint64_t done = 0;
      for (; done < kBytesPerRound; done += bytes.size()) kept += row.run(bytes);
      row.rates.push_back(static_cast<double>(done) / (ThreadSeconds() - began) / 1e9);
    }
  }
  for (Row& row : rows) std::ranges::sort(row.rates);
}

}  // namespace
}  // namespace spanwatch

int main(int argc, char** argv) {
  using namespace spanwatch;
  const std::uint64_t prints = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const auto snapshot = MakeSnapshot(prints);
  if (snapshot == nullptr) {
    std::fputs("bench_fragments: cannot make the hash set\n", stderr);
    return 1;
  }
  Bytes bytes(kMemoryBytes);
  std::mt19937_64 random(3);
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, sizeof(word));
  }
  auto rows = Rows(*snapshot);
  std::uint64_t kept = 0;
  for (const auto& [size, place] :
       {std::pair(kResidentBytes, "256 KiB, in cache"), {kMemoryBytes, "64 MiB, in memory"}}) {
    Measure(rows, ByteView(bytes).first(size), kept);
    std::printf("\n%s; %llu registered windows\n\n", place, static_cast<unsigned long long>(prints));
    std::printf("| work | GB/s | memcpy = 1 | SHA-256 = 1 | gear = 1 |\n|---|---|---|---|---|\n");
    const auto rate = [&](std::size_t row) { return rows[row].rates[kRounds / 2]; };
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::printf("| %s | %.2f | %.2f | %.2f | %.2f |\n", rows[i].name.c_str(), rate(i), rate(i) / rate(0),
                  rate(i) / rate(1), rate(i) / rate(2));
    }
  }
  std::fprintf(stderr, "%llu\n", static_cast<unsigned long long>(kept));
  return 0;
}
