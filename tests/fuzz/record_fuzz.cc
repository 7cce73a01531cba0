// Record family: any bytes, cut in any way, give the same matches; a text gives the same tokens by every path of the
// processor and however often it is looked through; masking a name twice changes nothing.
//
// The first two bytes are a seed for how the rest is cut.
#include <algorithm>

#include "base/check.h"
#include "fingerprint/plate_mask.h"
#include "fingerprint/plate_normaliser.h"
#include "fingerprint/record_family.h"
#include "fingerprint/record_fingerprint.h"
#include "support/fake_record_index.h"
#include "support/token_run.h"

namespace spanwatch::fingerprint {
namespace {

constexpr std::size_t kLongestInput = 1 << 16;

struct World {
  World() {
    for (const char* plate : {"AAA1234", "AAA1235", "AAA1236", "BB12345", "AB12", "123456"}) {
      for (const auto& record : FingerprintRecord(tagger, PlateVariants(plate), {"TX", "2019-05-13T02:11:40Z"}))
        index.Add(record);
    }
  }
  RecordKeys keys = *RecordKeys::Derive(Bytes(32, 7));
  RecordTagger tagger{keys};
  FakeRecordIndex index;
  config::Limits limits;
  Counters counters;
  RecordSearch search{index, {&tagger}, limits, counters};
};

RecordingMatchSink Scan(const World& world, ByteView bytes, RecordScope scope, std::uint32_t seed) {
  RecordingMatchSink sink;
  RecordScanner scanner(world.search, scope, sink);
  while (!bytes.empty()) {
    seed = seed * 1664525 + 1013904223;
    const std::size_t length = std::min<std::size_t>(bytes.size(), seed == 0 ? bytes.size() : 1 + (seed >> 16) % 200);
    const Bytes copy(bytes.begin(),
                     bytes.begin() + static_cast<std::ptrdiff_t>(length));  // of exact size, for the sanitizer
    scanner.Update(copy);
    bytes = bytes.subspan(length);
  }
  scanner.Finish();
  return sink;
}

void CheckSame(const RecordingMatchSink& a, const RecordingMatchSink& b) {
  CHECK(a.matches.size() == b.matches.size());
  CHECK(a.sure() == b.sure() && a.supported() == b.supported() && a.structures == b.structures);
  CHECK(a.evidence.distinct_plates == b.evidence.distinct_plates && a.evidence.probability == b.evidence.probability);
}

}  // namespace
}  // namespace spanwatch::fingerprint

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spanwatch::fingerprint;
  static const World world;
  if (size < 2 || size > kLongestInput) return 0;
  const std::uint32_t seed = static_cast<std::uint32_t>(data[0]) << 8 | data[1];
  const spanwatch::ByteView bytes(data + 2, size - 2);
  for (const RecordScope scope : {RecordScope::kObject, RecordScope::kStream}) {
    CheckSame(Scan(world, bytes, scope, seed), Scan(world, bytes, scope, ~seed));
  }
  const std::string text(spanwatch::AsText(bytes));
  WantedShapes some;
  constexpr unsigned kFirstShape = 1u << kPlateMinimum;
  some.Add(static_cast<std::uint16_t>(kFirstShape + seed % (kShapeNumbers - kFirstShape)));
  for (const WantedShapes& wanted : {WantedShapes::All(), some}) {
    const auto tokens = TokensOf(text, MaskPath::kPortable, kLongestInput, wanted);
    CHECK(TokensOf(text, BestMaskPath(), 1 + seed % 40, wanted) == tokens);
    if (BestMaskPath() != MaskPath::kPortable) CHECK(TokensOf(text, MaskPath::kAvx2, kLongestInput, wanted) == tokens);
  }
  const std::string masked = MaskPlates(text.substr(0, 300));
  CHECK(MaskPlates(masked) == masked);
  return 0;
}
