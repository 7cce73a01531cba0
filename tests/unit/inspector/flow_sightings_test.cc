#include "inspector/flow_sightings.h"

#include <gtest/gtest.h>

#include <set>

namespace spanwatch::inspector {
namespace {

// Two collections of one set and a negative bank, from row 200 on; the item's row is its id.
class NamedItems : public FingerprintIndex {
 public:
  static constexpr std::uint32_t kNegative = 200;
  std::size_t set_count() const override { return 1; }
  SetFacts Set(std::size_t) const override { return {.name = "agency", .serial = 7}; }
  ItemFacts Item(ItemRef item) const override {
    ItemFacts facts;
    facts.id[0] = static_cast<std::uint8_t>(item.row);
    facts.negative = item.row >= kNegative;
    return facts;
  }
  CollectionFacts Collection(ItemRef item) const override {
    CollectionFacts facts;
    facts.name = item.row < 100 ? "lanes" : "reads";
    return facts;
  }
  void FindDigest(const Sha256Digest&, std::uint64_t, std::vector<ItemRef>&) const override {}
  void FindImageData(const Sha256Digest&, std::vector<ItemRef>&) const override {}
  bool MayBegin(std::uint64_t) const override { return true; }
  void FindFragments(std::size_t, std::span<const FragmentPrint>, std::vector<FragmentHit>&) const override {}
  void FindPictures(const PdqHash&, int, std::vector<PictureHit>&) const override {}
  void FindPlates(std::size_t, std::span<const std::uint64_t>, std::vector<PlateHit>&) const override {}
  void FindPairs(std::size_t, std::span<const std::uint64_t>, std::vector<PlateHit>&) const override {}
  std::uint64_t RegisteredPlates(std::size_t, std::uint16_t) const override { return 0; }
};

class Recorder : public InspectorSink {
 public:
  void OnMessage(const InspectorMessage& message) noexcept override {
    sightings.push_back(std::get<Sighting>(message));
  }
  std::vector<Sighting> sightings;
};

PacketTime At(int milliseconds) { return PacketTime(std::chrono::milliseconds(milliseconds)); }

Match Found(std::uint32_t row, Method method, Confidence confidence = Confidence::kSure) {
  Match match;
  match.item.row = row;
  match.method = method;
  match.confidence = confidence;
  return match;
}

struct Flow {
  ObjectEvidence& Begin(const std::string& step, bool in_raw_stream = false) {
    return Begin(Provenance{step}, in_raw_stream);
  }
  ObjectEvidence& Begin(const Provenance& steps, bool in_raw_stream = false,
                        Direction direction = Direction::kFromClient,
                        std::shared_ptr<const ExchangeFacts> exchange = nullptr) {
    infos.push_back(std::make_unique<ObjectInfo>());
    infos.back()->step = steps.back();
    infos.back()->exchange = std::move(exchange);
    provenances.push_back(std::make_unique<Provenance>(steps));
    ObjectContext context;
    context.info = infos.back().get();
    context.provenance = provenances.back().get();
    context.direction = direction;
    context.id = static_cast<std::uint32_t>(infos.size());
    return sightings.Begin(context, in_raw_stream);
  }

  NamedItems index;
  config::Limits limits;
  Counters counters;
  Recorder sink;
  FlowFacts facts;
  std::vector<std::unique_ptr<ObjectInfo>> infos;
  std::vector<std::unique_ptr<Provenance>> provenances;
  PacketTime now = At(0);
  FlowSightings sightings{{index, limits, counters, sink, now,
                           [this](Direction direction) {
                             FlowSummary summary;
                             summary.from_client = direction == Direction::kFromClient;
                             summary.facts = facts;
                             return summary;
                           },
                           [](Direction, ItemRef) { return PictureEvidence{70, 8, 0.4}; }}};
};

TEST(FlowSightings, AnObjectWithoutMatchesTellsNothing) {
  Flow flow;
  flow.sightings.Complete(flow.Begin("http POST /a"), ObjectEnd::kComplete, At(1));
  flow.sightings.Finish(At(2));
  EXPECT_TRUE(flow.sink.sightings.empty());
  EXPECT_FALSE(flow.sightings.next_deadline().has_value());
}

TEST(FlowSightings, ACompletedObjectTellsOneSightingForEachCollectionMethodAndConfidence) {
  Flow flow;
  auto& object = flow.Begin("http POST /a");
  object.OnMatch(Found(1, Method::kExact));
  object.OnMatch(Found(2, Method::kExact));
  object.OnMatch(Found(3, Method::kPerceptual, Confidence::kWeak));
  object.OnMatch(Found(100, Method::kRecord));
  flow.sightings.Complete(object, ObjectEnd::kComplete, At(5));
  ASSERT_EQ(flow.sink.sightings.size(), 3u);
  EXPECT_EQ(flow.sink.sightings[0].collection, "lanes");
  EXPECT_EQ(flow.sink.sightings[0].items.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[0].hashset_serial, 7u);
  EXPECT_TRUE(flow.sink.sightings[0].object_complete);
  EXPECT_FALSE(flow.sink.sightings[0].pictures.has_value());
  ASSERT_TRUE(flow.sink.sightings[1].pictures.has_value());
  EXPECT_EQ(flow.sink.sightings[1].pictures->pictures_alike, 8u);
  EXPECT_EQ(flow.sink.sightings[0].provenance, Provenance{"http POST /a"});
  EXPECT_EQ(flow.sink.sightings[1].confidence, Confidence::kWeak);
  EXPECT_EQ(flow.sink.sightings[2].collection, "reads");
}

TEST(FlowSightings, TheRawStreamAddsOnlyWhatNoParsedObjectShowed) {
  Flow flow;
  auto& stream = flow.Begin("tcp stream", true);
  stream.OnMatch(Found(1, Method::kFragment));
  stream.OnMatch(Found(2, Method::kFragment));
  auto& object = flow.Begin("http POST /a");
  object.OnMatch(Found(1, Method::kExact));
  flow.sightings.Complete(object, ObjectEnd::kComplete, At(1));
  flow.sightings.Complete(stream, ObjectEnd::kComplete, At(2));
  EXPECT_EQ(flow.sink.sightings.size(), 1u) << "what the stream shows waits for the flow's end";
  flow.sightings.Finish(At(3));
  ASSERT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[1].items.size(), 1u);
  EXPECT_EQ(flow.sink.sightings[1].items[0].id[0], 2);
}

TEST(FlowSightings, AContainerDoesNotRepeatWhatWasSeenInsideIt) {
  Flow flow;
  auto& archive = flow.Begin(Provenance{"http PUT /a.zip"});
  auto& member = flow.Begin(Provenance{"http PUT /a.zip", "zip 1.jpg"});
  archive.OnMatch(Found(1, Method::kFragment));
  archive.OnMatch(Found(2, Method::kFragment));
  member.OnMatch(Found(1, Method::kExact));
  flow.sightings.Complete(member, ObjectEnd::kComplete, At(1));
  flow.sightings.Complete(archive, ObjectEnd::kComplete, At(2));
  ASSERT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[1].method, Method::kFragment);
  ASSERT_EQ(flow.sink.sightings[1].items.size(), 1u);
  EXPECT_EQ(flow.sink.sightings[1].items[0].id[0], 2) << "only what no member showed";
}

TEST(FlowSightings, TheOrderInWhichObjectsEndChangesNothing) {
  for (const bool stream_first : {true, false}) {
    Flow flow;
    auto& stream = flow.Begin("tcp stream", true);
    auto& object = flow.Begin("http POST /a");
    stream.OnMatch(Found(1, Method::kExact));
    object.OnMatch(Found(1, Method::kExact));
    if (stream_first) flow.sightings.Complete(stream, ObjectEnd::kComplete, At(1));
    flow.sightings.Complete(object, ObjectEnd::kComplete, At(1));
    if (!stream_first) flow.sightings.Complete(stream, ObjectEnd::kComplete, At(1));
    flow.sightings.Finish(At(2));
    ASSERT_EQ(flow.sink.sightings.size(), 1u);
    EXPECT_EQ(flow.sink.sightings[0].provenance, Provenance{"http POST /a"});
  }
}

TEST(FlowSightings, BetterEvidenceOfTheSameItemIsTold) {
  Flow flow;
  auto& first = flow.Begin("http POST /a");
  first.OnMatch(Found(1, Method::kPerceptual, Confidence::kWeak));
  flow.sightings.Complete(first, ObjectEnd::kComplete, At(1));
  auto& second = flow.Begin("http POST /b");
  second.OnMatch(Found(1, Method::kExact));
  flow.sightings.Complete(second, ObjectEnd::kComplete, At(2));
  ASSERT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[1].method, Method::kExact);
}

TEST(FlowSightings, WhatWasSeenOneWayHidesNothingThatGoesTheOtherWay) {
  for (const bool raw : {true, false}) {
    Flow flow;
    for (const Direction direction : {Direction::kFromClient, Direction::kFromServer}) {
      auto& object = flow.Begin(Provenance{"tcp stream"}, raw, direction);
      object.OnMatch(Found(1, Method::kExact));
      flow.sightings.Complete(object, ObjectEnd::kComplete, At(1));
    }
    flow.sightings.Finish(At(2));
    ASSERT_EQ(flow.sink.sightings.size(), 2u);
    EXPECT_NE(flow.sink.sightings[0].flow.from_client, flow.sink.sightings[1].flow.from_client);
  }
}

TEST(FlowSightings, WhatWasToldOneWayIsToldEarlyTheOtherWay) {
  Flow flow;
  auto& sent = flow.Begin(Provenance{"http POST /a"});
  sent.OnMatch(Found(1, Method::kExact));
  flow.sightings.Complete(sent, ObjectEnd::kComplete, At(1));
  auto& answer = flow.Begin(Provenance{"http 200 /a"}, false, Direction::kFromServer);
  flow.now = At(1);
  answer.OnMatch(Found(1, Method::kExact));
  flow.sightings.TellEarly(At(2000));
  EXPECT_EQ(flow.sink.sightings.size(), 1u);
  flow.sightings.TellEarly(At(2001));
  ASSERT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[1].phase, SightingPhase::kFirst);
  EXPECT_FALSE(flow.sink.sightings[1].flow.from_client);
  flow.sightings.Complete(answer, ObjectEnd::kComplete, At(2002));
}

TEST(FlowSightings, ASightingTellsTheFactsOfItsOwnExchange) {
  Flow flow;
  flow.facts.exchange.user_agent = "of the connection";
  const auto first = std::make_shared<const ExchangeFacts>(ExchangeFacts{"first.example", "one"});
  auto& of_first = flow.Begin(Provenance{"http POST /a"}, false, Direction::kFromClient, first);
  auto& stream = flow.Begin(Provenance{"tcp stream"}, true);
  of_first.OnMatch(Found(1, Method::kExact));
  stream.OnMatch(Found(2, Method::kFragment));
  flow.sightings.Complete(of_first, ObjectEnd::kComplete, At(1));
  flow.sightings.Complete(stream, ObjectEnd::kComplete, At(2));
  flow.sightings.Finish(At(3));
  ASSERT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[0].flow.facts.exchange.server_name, "first.example");
  EXPECT_EQ(flow.sink.sightings[1].flow.facts.exchange.server_name, "");
  EXPECT_EQ(flow.sink.sightings[1].flow.facts.exchange.user_agent, "of the connection");
}

TEST(FlowSightings, RepeatsAddAtMostEightPlaces) {
  Flow flow;
  for (int i = 0; i < 20; ++i) {
    auto& object = flow.Begin("http POST /" + std::to_string(i));
    object.OnMatch(Found(1, Method::kExact));
    flow.sightings.Complete(object, ObjectEnd::kComplete, At(i));
  }
  EXPECT_EQ(flow.sink.sightings.size(), 8u);
  EXPECT_EQ(flow.counters.Get(Counter::sightings_repeated), 12u);
}

Match LooksLike(std::uint32_t row, std::uint16_t distance) {
  Match match = Found(row, Method::kPerceptual, Confidence::kSure);
  match.distance = distance;
  return match;
}

// What is told of one object with these matches, by row.
std::vector<int> ToldOf(std::vector<Match> matches) {
  std::set<int> rows;
  Flow flow;
  auto& object = flow.Begin("http POST /a");
  for (const Match& match : matches) object.OnMatch(match);
  flow.sightings.Complete(object, ObjectEnd::kComplete, At(1));
  flow.sightings.Finish(At(2));
  for (const Sighting& sighting : flow.sink.sightings) {
    for (const SightedItem& item : sighting.items) rows.insert(item.id[0]);
  }
  return {rows.begin(), rows.end()};
}

TEST(FlowSightings, AFileOfANegativeBankExplainsEverythingFoundInIt) {
  const std::vector<Match> found{Found(1, Method::kExact), Found(2, Method::kFragment), Found(100, Method::kRecord),
                                 LooksLike(3, 2)};
  EXPECT_EQ(ToldOf(found), (std::vector<int>{1, 2, 3, 100}));
  for (const bool first : {true, false}) {
    std::vector<Match> with = found;
    with.insert(first ? with.begin() : with.end(), Found(NamedItems::kNegative, Method::kExact));
    EXPECT_TRUE(ToldOf(with).empty());
  }
}

TEST(FlowSightings, APictureOfANegativeBankLeavesWhatItsMetadataMayHide) {
  Match picture = Found(NamedItems::kNegative, Method::kExact);
  picture.image_data = true;
  EXPECT_EQ(ToldOf({Found(1, Method::kExact), Found(2, Method::kFragment), picture, LooksLike(3, 0),
                    Found(100, Method::kRecord)}),
            (std::vector<int>{2, 100}));
}

TEST(FlowSightings, ALookAlikeOfANegativeBankTakesAwayWhatLooksLessLikeIt) {
  for (const bool first : {true, false}) {
    std::vector<Match> found{LooksLike(1, 9), LooksLike(2, 10), LooksLike(3, 11), Found(4, Method::kFragment)};
    found.insert(first ? found.begin() : found.end(), LooksLike(NamedItems::kNegative, 10));
    EXPECT_EQ(ToldOf(found), (std::vector<int>{1, 4})) << "as near as the harmless one is not nearer";
  }
}

TEST(FlowSightings, AnotherObjectIsNotExplainedByAHarmlessOne) {
  Flow flow;
  auto& harmless = flow.Begin("http POST /a");
  harmless.OnMatch(Found(NamedItems::kNegative, Method::kExact));
  harmless.OnMatch(Found(1, Method::kExact));
  EXPECT_TRUE(harmless.AlreadyNamed()) << "its picture need not be decoded";
  auto& other = flow.Begin("http POST /b");
  other.OnMatch(Found(1, Method::kExact));
  flow.sightings.Complete(harmless, ObjectEnd::kComplete, At(1));
  flow.sightings.Complete(other, ObjectEnd::kComplete, At(2));
  ASSERT_EQ(flow.sink.sightings.size(), 1u);
  EXPECT_EQ(flow.counters.Get(Counter::negative_matches), 1u);
  EXPECT_EQ(flow.counters.Get(Counter::matches_negative), 1u);
}

TEST(FlowSightings, ACertainMatchIsToldEarlyWhileItsObjectRuns) {
  Flow flow;
  auto& object = flow.Begin("http POST /long");
  object.OnMatch(Found(1, Method::kFragment, Confidence::kWeak));
  EXPECT_FALSE(flow.sightings.next_deadline().has_value()) << "weak evidence waits for the end";
  object.OnMatch(Found(1, Method::kFragment));
  ASSERT_TRUE(flow.sightings.next_deadline().has_value());
  EXPECT_EQ(*flow.sightings.next_deadline(), At(2000));
  flow.sightings.TellEarly(At(1999));
  EXPECT_TRUE(flow.sink.sightings.empty());
  flow.sightings.TellEarly(At(2000));
  ASSERT_EQ(flow.sink.sightings.size(), 1u);
  EXPECT_EQ(flow.sink.sightings[0].phase, SightingPhase::kFirst);
  flow.sightings.TellEarly(At(9000));
  EXPECT_EQ(flow.sink.sightings.size(), 1u) << "once";
  flow.sightings.Complete(object, ObjectEnd::kTruncated, At(9001));
  ASSERT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(flow.sink.sightings[1].phase, SightingPhase::kComplete);
  EXPECT_FALSE(flow.sink.sightings[1].object_complete);
  EXPECT_FALSE(flow.sightings.next_deadline().has_value());
}

TEST(FlowSightings, DeadlinesComeInOrderAndGoWithTheirObjects) {
  Flow flow;
  ObjectEvidence* objects[3];
  for (int i = 0; i < 3; ++i) {
    objects[i] = &flow.Begin("http POST /" + std::to_string(i));
    flow.now = At(100 * i);
    objects[i]->OnMatch(Found(static_cast<std::uint32_t>(1 + i), Method::kExact));
  }
  EXPECT_EQ(*flow.sightings.next_deadline(), At(2000));
  flow.sightings.Complete(*objects[0], ObjectEnd::kComplete, At(300));
  EXPECT_EQ(*flow.sightings.next_deadline(), At(2100));
  flow.now = At(2150);
  flow.sightings.TellEarly(flow.now);
  EXPECT_EQ(flow.sink.sightings.size(), 2u);
  EXPECT_EQ(*flow.sightings.next_deadline(), At(2200));
  // More of an object that was told already is told after the delay, together.
  objects[1]->OnMatch(Found(10, Method::kExact));
  objects[1]->OnMatch(Found(11, Method::kExact));
  flow.sightings.TellEarly(At(2200));
  EXPECT_EQ(*flow.sightings.next_deadline(), At(4150));
  flow.sightings.TellEarly(At(4150));
  ASSERT_EQ(flow.sink.sightings.size(), 4u);
  EXPECT_EQ(flow.sink.sightings[3].items.size(), 2u);
  EXPECT_FALSE(flow.sightings.next_deadline().has_value());
}

TEST(FlowSightings, WhatANegativeBankTookBackIsNotToldEarly) {
  Flow flow;
  auto& object = flow.Begin("http POST /a");
  object.OnMatch(Found(1, Method::kExact));
  object.OnMatch(Found(NamedItems::kNegative, Method::kExact));
  flow.sightings.TellEarly(At(9000));
  EXPECT_TRUE(flow.sink.sightings.empty());
}

}  // namespace
}  // namespace spanwatch::inspector
