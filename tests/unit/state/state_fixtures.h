// What the state's tests share: a file in a temporary folder, and made-up sightings.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "state/state.h"

namespace spanwatch::state {

using namespace std::chrono_literals;

inline PacketTime At(Duration since_start) {
  return PacketTime(std::chrono::sys_days(std::chrono::year(2019) / 5 / 13)) + since_start;
}

// Both clocks so long after what a test has made, of which packets say 2019 and the wall clock says now.
inline Clocks BothAt(Duration since_start) { return {At(since_start), WallClockNow() + since_start}; }

inline ItemId Item(std::uint32_t number) {
  ItemId id{};
  for (std::size_t i = 0; i < 4; ++i) id[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

inline Sighting MakeSighting(std::uint64_t flow, std::uint32_t object, std::vector<SightedItem> items) {
  Sighting sighting;
  sighting.time = At(1s);
  sighting.flow.flow_id = flow;
  sighting.flow.source = {*ParseIpAddress("10.20.0.9"), 51514};
  sighting.flow.destination = {*ParseIpAddress("198.51.100.7"), 443};
  sighting.flow.crossing = Crossing::kEgress;
  sighting.object_id = object;
  sighting.object_size = 1000;
  sighting.collection = "lanes";
  sighting.provenance = {"http POST /up", "zip lane3/1.jpg"};
  sighting.items = std::move(items);
  return sighting;
}

// A state file that goes with the test; Reopen is what a restart does, kill -9 included.
class StateFile {
 public:
  StateFile() {
    std::string folder = testing::TempDir() + "state.XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~StateFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ / "state.db"; }
  std::unique_ptr<State> Open() {
    auto state = State::Open(path(), limits, counters);
    EXPECT_TRUE(state.has_value()) << (state ? "" : state.error().message);
    return state ? std::move(*state) : nullptr;
  }

  config::Limits limits;
  Counters counters;

 private:
  std::filesystem::path folder_;
};

}  // namespace spanwatch::state
