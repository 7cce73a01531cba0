#include "process/supervisor_setup.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "support/memory_file.h"

namespace spanwatch::process {
namespace {

using test::ContentOf;
using test::MemoryFile;

HashSetFacts Facts(std::string name, std::uint64_t images) {
  HashSetFacts facts;
  facts.name = std::move(name);
  facts.digest = "0badcafe";
  facts.serial = 42;
  facts.created = -7;
  facts.loaded_at = -5;
  facts.superseded = true;
  facts.images = images;
  facts.records = 2;
  facts.files = 3;
  return facts;
}

TEST(SupervisorSetup, ArrivesWithEveryFieldAndDescriptor) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  SupervisorSetup setup;
  setup.run_as = "somebody";
  setup.verbose = true;
  setup.launcher_block = MemoryFile("launcher");
  setup.generation = MemoryFile("generation");
  setup.inspectors.push_back({MemoryFile("ring 0"), MemoryFile("block 0"), 1ull << 60, true});
  setup.inspectors.push_back({MemoryFile("ring 1"), MemoryFile("block 1"), 17, false});
  setup.hashsets = {Facts("agency", 1)};
  ASSERT_TRUE(SendSetup(channels->first, setup).has_value());
  const auto received = ReceiveSupervisorSetup(channels->second);
  ASSERT_TRUE(received.has_value()) << received.error().message;
  EXPECT_EQ(received->run_as, "somebody");
  EXPECT_TRUE(received->verbose);
  EXPECT_EQ(ContentOf(received->launcher_block), "launcher");
  EXPECT_EQ(ContentOf(received->generation), "generation");
  ASSERT_EQ(received->inspectors.size(), 2u);
  EXPECT_EQ(received->inspectors[0].incarnation, 1ull << 60);
  EXPECT_TRUE(received->inspectors[0].running);
  EXPECT_EQ(ContentOf(received->inspectors[1].ring), "ring 1");
  EXPECT_EQ(ContentOf(received->inspectors[1].shared_block), "block 1");
  EXPECT_FALSE(received->inspectors[1].running);
  ASSERT_EQ(received->hashsets.size(), 1u);
  EXPECT_EQ(received->hashsets[0].name, "agency");
  EXPECT_EQ(received->hashsets[0].digest, "0badcafe");
  EXPECT_EQ(received->hashsets[0].serial, 42u);
  EXPECT_EQ(received->hashsets[0].created, -7);
  EXPECT_EQ(received->hashsets[0].loaded_at, -5);
  EXPECT_TRUE(received->hashsets[0].superseded);
  EXPECT_EQ(received->hashsets[0].files, 3u);
}

TEST(SupervisorSetup, AReplacedRingArrivesWithItsDescriptor) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  ASSERT_TRUE(SendRingReplaced(channels->first, {3, 1ull << 50, MemoryFile("new ring")}));
  auto received = ParseRingReplaced(std::move(*channels->second.Receive()));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->inspector, 3u);
  EXPECT_EQ(received->incarnation, 1ull << 50);
  EXPECT_EQ(ContentOf(received->ring), "new ring");
  ControlMessage without{Bytes{static_cast<std::uint8_t>(SupervisorMessage::kRingReplaced), 3, 0, 0, 0}, {}};
  EXPECT_FALSE(ParseRingReplaced(std::move(without)).has_value());
}

TEST(SupervisorSetup, CutShortIsRefused) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  SupervisorSetup setup;
  setup.launcher_block = MemoryFile("launcher");
  setup.generation = MemoryFile("generation");
  setup.hashsets = {Facts("agency", 1)};
  ASSERT_TRUE(SendSetup(channels->first, setup).has_value());
  auto whole = channels->second.Receive();
  ASSERT_TRUE(whole.has_value());
  for (std::size_t length = 1; length < whole->body.size(); ++length) {
    const int descriptors[] = {whole->descriptors[0].get(), whole->descriptors[1].get()};
    ASSERT_TRUE(channels->first.Send(ByteView(whole->body).first(length), descriptors).has_value());
    EXPECT_FALSE(ReceiveSupervisorSetup(channels->second).has_value()) << length;
  }
}

TEST(SupervisorSetup, RefusesOtherThanTwoDescriptorsAnInspector) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  SupervisorSetup setup;
  setup.launcher_block = MemoryFile("launcher");
  setup.generation = MemoryFile("generation");
  setup.inspectors.push_back({MemoryFile("ring"), MemoryFile("block"), 1, true});
  ASSERT_TRUE(SendSetup(channels->first, setup).has_value());
  auto whole = channels->second.Receive();
  ASSERT_TRUE(whole.has_value());
  const int descriptors[] = {whole->descriptors[0].get(), whole->descriptors[1].get(), whole->descriptors[2].get()};
  ASSERT_TRUE(channels->first.Send(whole->body, descriptors).has_value());
  EXPECT_FALSE(ReceiveSupervisorSetup(channels->second).has_value());
}

TEST(SupervisorSetup, ReloadAndInspectorMessagesComeBack) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  ASSERT_TRUE(SendReload(channels->first, MemoryFile("generation").get(), {Facts("a", 7), Facts("b", 8)}).has_value());
  ASSERT_TRUE(SendAboutInspector(channels->first, SupervisorMessage::kInspectorEnded, 5).has_value());
  auto reload = channels->second.Receive();
  ASSERT_TRUE(reload.has_value());
  EXPECT_EQ(reload->body.front(), static_cast<std::uint8_t>(SupervisorMessage::kReload));
  const auto parsed = ParseSupervisorReload(std::move(*reload));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(ContentOf(parsed->generation), "generation");
  ASSERT_EQ(parsed->hashsets.size(), 2u);
  EXPECT_EQ(parsed->hashsets[1].images, 8u);
  const auto ended = channels->second.Receive();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->body.front(), static_cast<std::uint8_t>(SupervisorMessage::kInspectorEnded));
  const auto inspector = ParseAboutInspector(ended->body);
  ASSERT_TRUE(inspector.has_value());
  EXPECT_EQ(*inspector, 5u);
  EXPECT_FALSE(ParseAboutInspector(ByteView(ended->body).first(3)).has_value());
}

TEST(ControlChannel, GivesUpOnAProcessThatNoLongerReads) {
  auto channels = ControlChannel::MakePair();
  ASSERT_TRUE(channels.has_value());
  const timeval soon{0, 20'000};
  ASSERT_EQ(::setsockopt(channels->first.fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)), 0);
  const Bytes message(ControlChannel::kMessageBytesMax / 2, 1);
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) refused = !channels->first.Send(message).has_value();
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace spanwatch::process
