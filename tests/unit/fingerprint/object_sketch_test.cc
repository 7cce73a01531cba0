#include "fingerprint/object_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "fingerprint/decoding_budget.h"
#include "fingerprint/file_fingerprint.h"
#include "fingerprint/fragment_search.h"
#include "fingerprint/picture_memory.h"
#include "support/fake_index.h"
#include "support/picture_maker.h"

namespace spanwatch::fingerprint {
namespace {

struct CountingAnomalies final : AnomalySink {
  void OnAnomaly(AnomalyCode) noexcept override { ++count; }
  int count = 0;
};

constexpr std::size_t kSampledWindow = SampledWindows().window;

using Told = std::vector<std::tuple<std::uint32_t, Method, Confidence, std::uint16_t, std::uint32_t, std::uint64_t>>;

// Frames 0 to 3 of one camera are registered, 4 to 11 are not.
class ObjectSketchTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kRegistered = 4;

  void SetUp() override {
    static const std::vector<test::Picture> kPictures = [] {
      const test::LaneCamera camera(11, 1, 800, 600);
      std::vector<test::Picture> made;
      for (std::uint32_t i = 0; i < 12; ++i) made.push_back(camera.Frame(i).picture);
      return made;
    }();
    pictures = &kPictures;
    static const std::vector<FileFingerprint> kFingerprints = [this] {
      std::vector<FileFingerprint> made;
      for (std::uint32_t i = 0; i < kRegistered; ++i) {
        made.push_back(FingerprintBytes(
            File(i), {.fragment_seed = FakeIndex::kSeed, .fragment_density = FakeIndex::kDensity}, limits));
      }
      return made;
    }();
    for (const FileFingerprint& file : kFingerprints) index.Add(file);
  }

  Bytes File(std::uint32_t frame) const { return EncodeJpeg((*pictures)[frame]); }

  // Feeds pieces of `piece` bytes; from `hole` on `lost` bytes are missing.
  KeepingMatchSink Search(ByteView bytes, ObjectKind kind = ObjectKind::kMessage, std::size_t piece = 1460,
                          std::size_t hole = 0, std::size_t lost = 0) {
    KeepingMatchSink sink;
    ObjectInfo info;
    info.kind = kind;
    ObjectContext object;
    object.info = &info;
    FragmentSearch search(index);
    ObjectSketch sketch({index, records, search, sink, limits, counters, anomalies, &memory, budget}, object);
    const auto feed = [&](ByteView part) {
      for (std::size_t at = 0; at < part.size(); at += piece)
        sketch.OnData(part.subspan(at, std::min(piece, part.size() - at)));
    };
    feed(bytes.first(lost == 0 ? bytes.size() : hole));
    if (lost > 0) {
      sketch.OnGap(lost);
      feed(bytes.subspan(hole + lost));
    }
    sketch.OnEnd(lost == 0 ? ObjectEnd::kComplete : ObjectEnd::kTruncated);
    return sink;
  }
  // As an inspector gives it: packets of `packet` bytes, of which the object gets pieces of `piece` bytes.
  KeepingMatchSink SearchShared(ByteView bytes, std::size_t packet, std::size_t piece) {
    KeepingMatchSink sink;
    ObjectInfo info;
    ObjectContext object;
    object.info = &info;
    FragmentSearch search(index);
    ObjectSketch sketch({index, records, search, sink, limits, counters, anomalies, &memory}, object);
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(packet, bytes.size()))) {
      const ByteView call = bytes.first(std::min(packet, bytes.size()));
      search.Begin(call);
      for (std::size_t at = 0; at < call.size(); at += piece)
        sketch.OnData(call.subspan(at, std::min(piece, call.size() - at)));
      search.End();
    }
    sketch.OnEnd(ObjectEnd::kComplete);
    return sink;
  }
  static Told Summary(const KeepingMatchSink& sink) {
    Told told;
    for (const auto& [key, match] : sink.matches) {
      told.emplace_back(match.item.row, match.method, match.confidence, match.distance, match.fragments_found,
                        match.offset);
    }
    return told;
  }

  const std::vector<test::Picture>* pictures = nullptr;
  FakeIndex index;
  config::Limits limits;
  Counters counters;
  CountingAnomalies anomalies;
  RecordSearch records{index, {nullptr}, limits, counters};
  PictureMemory memory{16, 1 << 28};
  DecodingBudget* budget = nullptr;
};

TEST_F(ObjectSketchTest, TheUntouchedFileIsExact) {
  const auto sink = Search(File(2));
  const Match* match = sink.Find({0, 2}, Method::kExact);
  ASSERT_NE(match, nullptr);
  EXPECT_EQ(match->confidence, Confidence::kSure);
  EXPECT_EQ(sink.Find({0, 2}, Method::kPerceptual), nullptr) << "what is named already is not decoded";
  for (const auto& [key, other] : sink.matches) EXPECT_EQ(key.first.row, 2u);
}

TEST_F(ObjectSketchTest, AFileKnownByItsMd5AloneIsFoundWholeAndBeforeAGap) {
  FileFingerprint known;
  known.md5 = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};  // abc
  index.Add(known);
  const Bytes file{'a', 'b', 'c'};
  EXPECT_EQ(Search(file).Find({0, kRegistered}, Method::kExact), nullptr) << "no set asks for MD5";
  index.has_bare_md5 = true;
  for (const std::size_t piece : {1, 3}) {
    EXPECT_NE(Search(file, ObjectKind::kMessage, piece).Find({0, kRegistered}, Method::kExact), nullptr);
  }
  const Bytes longer{'a', 'b', 'c', 'd', 'e'};
  EXPECT_EQ(Search(longer).Find({0, kRegistered}, Method::kExact), nullptr);
  EXPECT_NE(Search(longer, ObjectKind::kMessage, 1460, 3, 1).Find({0, kRegistered}, Method::kExact), nullptr);
}

TEST_F(ObjectSketchTest, EditedMetadataLeavesTheImageData) {
  Bytes file = File(1);
  const std::string_view comment(
      "\xFF\xFE\x00\x07"
      "notes",
      9);
  file.insert(file.begin() + 2, comment.begin(), comment.end());
  const auto sink = Search(file);
  ASSERT_NE(sink.Find({0, 1}, Method::kExact), nullptr);
  EXPECT_EQ(sink.Find({0, 1}, Method::kExact)->coverage, 1);
}

TEST_F(ObjectSketchTest, AnySegmentationGivesTheSameMatches) {
  const Bytes file = File(0);
  Bytes tail(file.begin() + 9000, file.end());
  const Bytes other = EncodeJpeg((*pictures)[3], {.quality = 50});
  for (const Bytes& bytes : {file, tail, other}) {
    for (const ObjectKind kind : {ObjectKind::kMessage, ObjectKind::kStream}) {
      const Told whole = Summary(Search(bytes, kind, bytes.size()));
      for (const std::size_t piece : {1u, 15u, 64u, 1000u, 4097u}) {
        EXPECT_EQ(Summary(Search(bytes, kind, piece)), whole) << piece;
      }
    }
  }
}

TEST_F(ObjectSketchTest, WindowsFoundForAWholePacketAreThoseOfItsPieces) {
  Bytes bytes = EncodeJpeg((*pictures)[3], {.quality = 50});  // nothing registered, then a piece, then another's
  const Bytes first = File(0), second = File(1);
  bytes.insert(bytes.end(), first.begin() + 3000, first.begin() + 15000);
  bytes.insert(bytes.end(), second.begin() + 7000, second.end());
  const Told expected = Summary(Search(bytes, ObjectKind::kMessage, bytes.size()));
  EXPECT_GE(expected.size(), 2u);
  for (const std::size_t packet : {40u, 63u, 64u, 1448u, 65536u}) {
    for (const std::size_t piece : {1u, 64u, 700u, 65536u}) {
      EXPECT_EQ(Summary(SearchShared(bytes, packet, piece)), expected) << packet << " " << piece;
    }
  }
}

TEST_F(ObjectSketchTest, OneWindowIsWeakAndTwoThatAgreeAreSure) {
  const Bytes file = File(0);
  const auto prints =
      FingerprintBytes(file, {.fragment_seed = FakeIndex::kSeed, .fragment_density = FakeIndex::kDensity}, limits)
          .fragments;
  std::size_t i = 0;  // the first pair that does not overlap, without others between
  while (prints[i + 1].offset - prints[i].offset < kSampledWindow) ++i;
  const auto run = [&](std::size_t first, std::size_t last) {
    return Bytes(file.begin() + static_cast<std::ptrdiff_t>(prints[first].offset),
                 file.begin() + static_cast<std::ptrdiff_t>(prints[last].offset + kSampledWindow));
  };
  const auto one = Search(run(i, i), ObjectKind::kStream);
  ASSERT_NE(one.Find({0, 0}, Method::kFragment), nullptr);
  EXPECT_EQ(one.Find({0, 0}, Method::kFragment)->confidence, Confidence::kWeak);
  const auto two = Search(run(i, i + 1), ObjectKind::kStream);
  ASSERT_NE(two.Find({0, 0}, Method::kFragment), nullptr);
  EXPECT_EQ(two.Find({0, 0}, Method::kFragment)->confidence, Confidence::kSure);
  Bytes torn = run(i, i);  // both windows, at another distance than in the file
  torn.insert(torn.end(), 1000, 0);
  const Bytes second = run(i + 1, i + 1);
  torn.insert(torn.end(), second.begin(), second.end());
  EXPECT_EQ(Search(torn, ObjectKind::kStream).Find({0, 0}, Method::kFragment)->confidence, Confidence::kWeak);
}

TEST_F(ObjectSketchTest, AFragmentTellsItsCoverageAndItsPlace) {
  const Bytes file = File(3);
  Bytes stream(5000, 0);
  stream.insert(stream.end(), file.begin() + static_cast<std::ptrdiff_t>(file.size() / 2), file.end());
  const auto sink = Search(stream, ObjectKind::kStream);
  const Match* match = sink.Find({0, 3}, Method::kFragment);
  ASSERT_NE(match, nullptr);
  EXPECT_NEAR(match->coverage, 0.5, 0.15);
  EXPECT_GE(match->offset, 5000u);
  EXPECT_LT(match->offset, 8000u);
}

TEST_F(ObjectSketchTest, AGapLosesTheDigestAndKeepsTheFragments) {
  const Bytes file = File(2);
  const auto sink = Search(file, ObjectKind::kMessage, 1460, file.size() / 2, 2920);
  EXPECT_EQ(sink.Find({0, 2}, Method::kExact), nullptr);
  const Match* match = sink.Find({0, 2}, Method::kFragment);
  ASSERT_NE(match, nullptr);
  EXPECT_EQ(match->confidence, Confidence::kSure);
  EXPECT_GT(match->coverage, 0.85);
}

TEST_F(ObjectSketchTest, AReencodedPictureIsFoundWithItsDistance) {
  const test::Picture& picture = (*pictures)[1];
  const std::pair<const char*, Bytes> copies[] = {
      {"quality 40", EncodeJpeg(picture, {.quality = 40})},
      {"quality 10", EncodeJpeg(picture, {.quality = 10})},
      {"progressive", EncodeJpeg(picture, {.quality = 60, .progressive = true})},
      {"png of half the sides", EncodePng(Resize(picture, picture.width / 2, picture.height / 2))},
      {"a thumbnail", EncodeJpeg(Resize(picture, 160, 120))}};
  for (const auto& [name, copy] : copies) {
    const auto sink = Search(copy);
    const Match* match = sink.Find({0, 1}, Method::kPerceptual);
    ASSERT_NE(match, nullptr) << name;
    EXPECT_EQ(match->confidence, Confidence::kSure) << name;
    EXPECT_LE(match->distance, 31) << name;
    EXPECT_EQ(match->view, View::kFull) << name;
    EXPECT_EQ(sink.matches.size(), 1u) << name;
  }
}

TEST_F(ObjectSketchTest, OtherVehiclesOfTheSameCameraAreSilent) {
  for (std::uint32_t frame = kRegistered; frame < pictures->size(); ++frame) {
    EXPECT_TRUE(Search(File(frame)).matches.empty()) << frame;
  }
  EXPECT_TRUE(Search(EncodePng((*pictures)[kRegistered])).matches.empty());
}

TEST_F(ObjectSketchTest, AnUncalibratedCollectionGivesWeakPictures) {
  index.collection.calibrated = false;
  const auto sink = Search(EncodeJpeg((*pictures)[1], {.quality = 40}));
  ASSERT_NE(sink.Find({0, 1}, Method::kPerceptual), nullptr);
  EXPECT_EQ(sink.Find({0, 1}, Method::kPerceptual)->confidence, Confidence::kWeak);
}

TEST_F(ObjectSketchTest, ThePictureSeenBeforeIsNotDecodedAgain) {
  const Bytes copy = EncodeJpeg((*pictures)[1], {.quality = 40});
  const Told first = Summary(Search(copy));
  EXPECT_EQ(Summary(Search(copy)), first);
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 1u);
  EXPECT_EQ(counters.Get(Counter::pictures_remembered), 1u);
}

TEST_F(ObjectSketchTest, APictureThatIsCutOffIsDecodedOnce) {
  const Bytes copy = EncodeJpeg((*pictures)[1], {.quality = 40});
  const ByteView cut = ByteView(copy).first(copy.size() - 900);
  const Told first = Summary(Search(cut));
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(Summary(Search(cut, ObjectKind::kCarved, 100)), first);
  Search(copy, ObjectKind::kMessage, 1460, cut.size(), 100);
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 1u);
  EXPECT_EQ(counters.Get(Counter::pictures_remembered), 2u);
  Search(ByteView(copy).first(copy.size() - 901));
  Search(copy);
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 3u) << "a byte more or less may be another picture";
}

TEST_F(ObjectSketchTest, WhereNoViewIsRegisteredNoPictureIsHeldOrDecoded) {
  FakeIndex digests;
  FileFingerprint known = FingerprintBytes(File(1), {}, limits);
  known.views.clear();
  known.fragments.clear();
  digests.Add(known);
  index = digests;
  limits.perceptual_object_bytes = 1000;
  EXPECT_TRUE(Search(EncodeJpeg((*pictures)[1], {.quality = 40})).matches.empty());
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 0u);
  EXPECT_EQ(counters.Get(Counter::pictures_over_limit), 0u);
  EXPECT_EQ(counters.Get(Counter::pictures_unwanted), 1u);
  Bytes commented = File(1);
  const std::uint8_t comment[] = {0xFF, 0xFE, 0, 4, 'h', 'i'};
  commented.insert(commented.begin() + 2, std::begin(comment), std::end(comment));
  const auto sink = Search(commented);
  ASSERT_NE(sink.Find({0, 0}, Method::kExact), nullptr) << "image data is looked for all the same";
  EXPECT_TRUE(sink.Find({0, 0}, Method::kExact)->image_data);
}

TEST_F(ObjectSketchTest, OtherMetadataIsTheSamePictureAndOtherTablesAreAnother) {
  const Bytes copy = EncodeJpeg((*pictures)[1], {.quality = 40});
  Search(copy);
  Bytes commented = copy;
  const std::uint8_t comment[] = {0xFF, 0xFE, 0, 4, 'h', 'i'};
  commented.insert(commented.begin() + 2, std::begin(comment), std::end(comment));
  Search(commented);
  EXPECT_EQ(counters.Get(Counter::pictures_remembered), 1u);
  Bytes other = copy;
  const std::uint8_t tables[] = {0xFF, 0xDB};
  auto quantisation = std::search(other.begin(), other.end(), std::begin(tables), std::end(tables));
  ASSERT_NE(quantisation, other.end());
  quantisation[5] ^= 0x10;
  Search(other);
  EXPECT_EQ(counters.Get(Counter::pictures_remembered), 1u);
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 2u);
}

TEST_F(ObjectSketchTest, OfAProgressivePictureTheFirstScansAreEnough) {
  const Bytes whole = EncodeJpeg((*pictures)[3], {.quality = 60, .progressive = true});
  const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * 3 / 4));
  const Told expected = Summary(Search(whole));
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(Summary(Search(cut)), expected);
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 1u) << "the same first scans are known again";
  EXPECT_EQ(counters.Get(Counter::pictures_remembered), 1u);
  limits.perceptual_object_bytes = whole.size() * 3 / 4;
  EXPECT_EQ(Summary(Search(whole)), expected) << "the rest is not held";
  EXPECT_EQ(counters.Get(Counter::pictures_over_limit), 0u);
}

TEST_F(ObjectSketchTest, OneIntactPacketIsFound) {
  std::vector<Bytes> files;
  for (std::uint32_t i = 0; i < kRegistered; ++i) files.push_back(File(i));
  std::mt19937 random(5);
  constexpr std::size_t kPacket = 1460;
  constexpr int kTrials = 2000;
  int found = 0;
  for (int i = 0; i < kTrials; ++i) {
    const std::uint32_t row = random() % kRegistered;
    const ByteView packet = ByteView(files[row]).subspan(random() % (files[row].size() - kPacket), kPacket);
    found += Search(packet, ObjectKind::kStream).Find({0, row}, Method::kFragment) != nullptr;
  }
  EXPECT_GE(found, kTrials * 99 / 100);
}

TEST_F(ObjectSketchTest, APictureOverTheLimitIsCountedAndNotHeld) {
  limits.perceptual_object_bytes = 20000;
  EXPECT_TRUE(Search(EncodeJpeg((*pictures)[1], {.quality = 60})).matches.empty());
  EXPECT_EQ(counters.Get(Counter::pictures_over_limit), 1u);
  EXPECT_EQ(anomalies.count, 1);
  EXPECT_TRUE(memory.Hold(1 << 28)) << "nothing is held any more";
}

TEST_F(ObjectSketchTest, APictureThatItsConversationCannotPayForIsPassedOverAndTold) {
  limits.perceptual_pixels = std::uint64_t{2} * 800 * 600;
  limits.perceptual_pixels_per_byte = 1;
  DecodingPool pool(limits);
  DecodingBudget of_conversation(pool);
  budget = &of_conversation;
  for (std::uint32_t frame = 5; frame < 8; ++frame) Search(File(frame));
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 2u) << "out of the pool";
  EXPECT_EQ(counters.Get(Counter::pictures_over_budget), 1u);
  EXPECT_EQ(anomalies.count, 1);
  of_conversation.Earn(800 * 600);
  Search(File(8));
  EXPECT_EQ(counters.Get(Counter::pictures_decoded), 3u);
  EXPECT_EQ(counters.Get(Counter::pixels_decoded), 3u * 800 * 600);
}

TEST_F(ObjectSketchTest, PicturesThatTogetherAreTooManyAreRefused) {
  PictureMemory full(0, 1000);
  EXPECT_TRUE(full.Hold(900));
  EXPECT_FALSE(full.Hold(101));
  full.Release(900);
  EXPECT_TRUE(full.Hold(1000));
}

TEST_F(ObjectSketchTest, NothingAndLittleAreNoObjects) {
  EXPECT_TRUE(Search({}).matches.empty());
  EXPECT_TRUE(Search(ByteView(File(0)).first(10)).matches.empty());
}

}  // namespace
}  // namespace spanwatch::fingerprint
