// bench_pictures N uniform|alike|lanes QUERIES [faiss]: the picture index over N hashes beside a linear scan and,
// when told to, faiss's binary indexes; one query at a time, one thread, CPU time.
//
// Half of the queries are registered hashes with up to as many bits flipped as are searched for, half are held back
// hashes of the same kind. Prints a line for each index and distance:
//   name distance median_us p95_us recall bytes_per_hash build_seconds
// The truth is what the linear scan finds.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string_view>

#include <faiss/IndexBinaryFlat.h>
#include <faiss/IndexBinaryHash.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <omp.h>

#include "hashset/picture_index.h"
#include "picture_hashes.h"

namespace spanwatch::bench {
namespace {

using hashset::PictureIndex;
using Numbers = std::vector<std::uint32_t>;
using FindFunction = std::function<Numbers(const PdqHash&, int)>;

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Query {
  PdqHash hash;
  Numbers truth;
};

void Measure(std::string_view name, int distance, const std::vector<Query>& queries, double bytes, double build,
             const FindFunction& find) {
  std::vector<double> times;
  std::uint64_t found_count = 0, truth_count = 0;
  for (const Query& query : queries) {
    const double begin = CpuSeconds();
    const Numbers found = find(query.hash, distance);
    times.push_back(CpuSeconds() - begin);
    const std::set<std::uint32_t> once(found.begin(), found.end());
    truth_count += query.truth.size();
    for (const std::uint32_t number : query.truth) found_count += once.count(number);
  }
  std::ranges::sort(times);
  const double recall = truth_count == 0 ? 1 : static_cast<double>(found_count) / static_cast<double>(truth_count);
  fmt::print("{}\t{}\t{:.1f}\t{:.1f}\t{:.4f}\t{:.1f}\t{:.1f}\n", name, distance, times[times.size() / 2] * 1e6,
             times[times.size() * 95 / 100] * 1e6, recall, bytes, build);
  std::fflush(stdout);
}

// The scan gives the truth.
void MeasureScan(int distance, std::vector<Query>& queries, const FindFunction& find) {
  std::size_t next = 0;
  Measure("linear scan", distance, queries, 32, 0, [&](const PdqHash& hash, int radius) {
    queries[next].truth = find(hash, radius);
    return queries[next++].truth;
  });
}

Numbers FindIn(const PictureIndex& index, const PdqHash& hash, int distance) {
  Numbers found;
  index.Find(hash, distance, [&](std::uint32_t number, std::uint16_t) { found.push_back(number); });
  return found;
}

const std::uint8_t* BytesOf(const PdqHash& hash) { return reinterpret_cast<const std::uint8_t*>(hash.words.data()); }

// The queries of each distance.
using QuerySets = std::map<int, std::vector<Query>>;

void MeasureFaiss(std::string_view name, faiss::IndexBinary& index, double bytes, const std::vector<PdqHash>& hashes,
                  const QuerySets& sets, const std::function<void(int distance)>& prepare) {
  const double begin = CpuSeconds();
  constexpr std::size_t kPiece = 1'000'000;
  for (std::size_t at = 0; at < hashes.size(); at += kPiece) {
    index.add(static_cast<faiss::IndexBinary::idx_t>(std::min(kPiece, hashes.size() - at)), BytesOf(hashes[at]));
  }
  const double build = CpuSeconds() - begin;
  for (const auto& [distance, queries] : sets) {
    prepare(distance);
    Measure(name, distance, queries, bytes, build, [&](const PdqHash& hash, int radius) {
      faiss::RangeSearchResult result(1);
      index.range_search(1, BytesOf(hash), radius + 1, &result);  // faiss: nearer than
      Numbers found;
      for (std::size_t i = 0; i < result.lims[1]; ++i) found.push_back(static_cast<std::uint32_t>(result.labels[i]));
      return found;
    });
  }
}

void MeasureAllOfFaiss(const std::vector<PdqHash>& hashes, const QuerySets& sets) {
  omp_set_num_threads(1);
  {
    faiss::IndexBinaryFlat flat(256);
    MeasureFaiss("faiss IndexBinaryFlat", flat, 32, hashes, sets, [](int) {});
  }
  {
    faiss::IndexBinaryHash hash(256, 20);
    MeasureFaiss("faiss IndexBinaryHash, 20 bits", hash, 40, hashes, sets, [&](int) { hash.nflip = 4; });
  }
  faiss::IndexBinaryMultiHash multi(256, 16, 16);
  MeasureFaiss("faiss IndexBinaryMultiHash, 16x16", multi, 32 + 16 * 8, hashes, sets,
               [&](int distance) { multi.nflip = distance / 16; });  // as many flips as exactness takes
}

// Hashes, then for each distance the queries with their truth.
class Bench {
 public:
  Bench(std::uint64_t count, std::string_view kind, std::size_t queries, bool faiss)
      : query_count_(queries), faiss_(faiss) {
    if (kind == "lanes")
      source_ = std::make_unique<LaneHashes>();
    else if (kind == "alike")
      source_ = std::make_unique<AlikeHashes>();
    else
      source_ = std::make_unique<UniformHashes>();
    hashes_.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) hashes_.push_back(source_->Next(i));
    if (kind == "lanes") DescribeLanes(static_cast<const LaneHashes&>(*source_));
  }

  void Run() {
    const auto begin = std::chrono::steady_clock::now();
    const Bytes slots_bytes = hashset::BuildPictureSlots(hashes_);
    const double build = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    // Read once, as the check of a set's sections does before it is loaded.
    if (std::accumulate(slots_bytes.begin(), slots_bytes.end(), std::uint64_t{0}) == 0) fmt::print("# empty slots\n");
    const auto slots = hashset::PictureSlots::View(slots_bytes, hashes_.size());
    const PictureIndex scan({.hashes = hashes_});
    const PictureIndex index({.hashes = hashes_, .slots = *slots});
    const double bytes = 32 + static_cast<double>(slots_bytes.size()) / static_cast<double>(hashes_.size());
    QuerySets sets;
    for (const int distance : {31, 40}) {
      sets[distance] = Queries(distance);
      MeasureScan(distance, sets[distance],
                  [&](const PdqHash& hash, int radius) { return FindIn(scan, hash, radius); });
      Measure("PictureIndex", distance, sets[distance], bytes, build,
              [&](const PdqHash& hash, int radius) { return FindIn(index, hash, radius); });
    }
    if (faiss_) MeasureAllOfFaiss(hashes_, sets);
  }

 private:
  std::vector<Query> Queries(int distance) {
    std::vector<Query> queries(query_count_);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const std::uint64_t number = random_() % hashes_.size();
      if (i % 2 == 1) {
        queries[i].hash = source_->Next(number);
        continue;
      }
      queries[i].hash = hashes_[number];
      for (std::uint64_t flips = random_() % (static_cast<std::uint64_t>(distance) + 1); flips > 0; --flips) {
        const std::uint64_t bit = random_() % 256;
        queries[i].hash.words[bit / 64] ^= std::uint64_t{1} << bit % 64;
      }
    }
    return queries;
  }

  // What is drawn must be as near to each other as frames are.
  void DescribeLanes(const LaneHashes& lanes) {
    std::vector<int> frames, drawn;
    for (const auto& camera : lanes.frames()) {
      for (std::size_t i = 0; i < camera.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) frames.push_back(HammingDistance(camera[i], camera[j]));
      }
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
      drawn.push_back(HammingDistance(hashes_[i * 7 % std::min<std::size_t>(hashes_.size(), 99'991)],
                                      hashes_[i * 13 % std::min<std::size_t>(hashes_.size(), 99'989)]));
    }
    std::erase(drawn, 0);
    const auto at = [](std::vector<int>& values, double share) {
      std::ranges::sort(values);
      return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    fmt::print("# distances of one camera, 0.1 %, median: frames {}, {}; drawn {}, {}\n", at(frames, 0.001),
               at(frames, 0.5), at(drawn, 0.001), at(drawn, 0.5));
  }

  std::size_t query_count_;
  bool faiss_;
  std::unique_ptr<HashSource> source_;
  std::vector<PdqHash> hashes_;
  std::mt19937_64 random_{7};
};

}  // namespace
}  // namespace spanwatch::bench

int main(int argc, char** argv) {
  const std::string_view kind = argc >= 4 ? argv[2] : "";
  if (kind != "uniform" && kind != "alike" && kind != "lanes") {
    std::fputs("usage: bench_pictures N uniform|alike|lanes QUERIES [faiss]\n", stderr);
    return 2;
  }
  const bool faiss = argc == 5 && std::string_view(argv[4]) == "faiss";
  spanwatch::bench::Bench(std::strtoull(argv[1], nullptr, 10), kind, std::strtoull(argv[3], nullptr, 10), faiss).Run();
  return 0;
}
