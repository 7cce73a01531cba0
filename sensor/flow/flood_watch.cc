#include "flow/flood_watch.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace spanwatch::flow {
namespace {

Network HostOf(const IpAddress& address) { return Network::Of(address, static_cast<std::uint8_t>(address.length * 8)); }

Network NetworkOf(const IpAddress& address) { return Network::Of(address, address.v6() ? 64 : 24); }

}  // namespace

FloodWatch::FloodWatch(const config::Limits& limits, std::uint64_t seed) : limits_(limits), seed_(seed) {
  for (Window* window : {&current_, &previous_}) {
    for (auto& row : window->cells) row.assign(kCells, 0);
  }
}

Flood FloodWatch::OnBegin(const IpAddress& from, const IpAddress& to, PacketTime now) noexcept {
  if (from.none() || to.none()) return Flood::kNone;
  TurnTo(NumberOf(now));
  // A host that is flooded does not make its network so, and neither everything.
  const bool from_host = Flooded(PlaceOf(End::kFrom, HostOf(from)));
  const bool to_host = Flooded(PlaceOf(End::kTo, HostOf(to)));
  if (from_host) return Flood::kFromHost;
  if (to_host) return Flood::kToHost;
  const bool from_network = Flooded(PlaceOf(End::kFrom, NetworkOf(from)));
  const bool to_network = Flooded(PlaceOf(End::kTo, NetworkOf(to)));
  if (from_network) return Flood::kFromNetwork;
  if (to_network) return Flood::kToNetwork;
  ++current_.all;
  const std::uint64_t limit = limits_.flow_flood_anywhere_count;
  return current_.all > limit || previous_.all > limit ? Flood::kAnywhere : Flood::kNone;
}

void FloodWatch::OnSettled(const IpAddress& from, const IpAddress& to, PacketTime began, Flood flood) noexcept {
  if (from.none() || to.none()) return;
  const std::int64_t number = NumberOf(began);
  if (number != number_ && number != number_ - 1) return;
  Window& window = number == number_ ? current_ : previous_;
  Take(window, PlaceOf(End::kFrom, HostOf(from)));
  Take(window, PlaceOf(End::kTo, HostOf(to)));
  if (flood == Flood::kFromHost || flood == Flood::kToHost) return;
  Take(window, PlaceOf(End::kFrom, NetworkOf(from)));
  Take(window, PlaceOf(End::kTo, NetworkOf(to)));
  if (flood == Flood::kFromNetwork || flood == Flood::kToNetwork) return;
  if (window.all > 0) --window.all;
}

FloodWatch::Place FloodWatch::PlaceOf(End end, const Network& network) const {
  std::array<std::uint8_t, 18> key{};
  std::ranges::copy(network.address.bytes, key.begin());
  key[16] = network.prefix_bits;
  key[17] = static_cast<std::uint8_t>(network.address.length << 1 | static_cast<std::uint8_t>(end));
  const XXH128_hash_t hash = XXH3_128bits_withSeed(key.data(), key.size(), seed_);
  return {hash.low64 % kCells, hash.high64 % kCells};
}

std::int64_t FloodWatch::NumberOf(PacketTime time) const {
  return Nanoseconds(time) / (static_cast<std::int64_t>(limits_.flow_flood_window_ms) * 1'000'000);
}

// A conversation may begin with a packet that is a little late, and clocks are set back.
void FloodWatch::TurnTo(std::int64_t number) {
  if (number == number_ || number == number_ - 1) return;
  const bool next = number == number_ + 1;
  if (next) std::swap(current_, previous_);
  const auto clear = [](Window& window) {
    for (auto& row : window.cells) std::ranges::fill(row, 0);
    window.all = 0;
  };
  clear(current_);
  if (!next) clear(previous_);
  number_ = number;
}

std::uint32_t FloodWatch::Count(const Window& window, const Place& place) {
  std::uint32_t least = UINT32_MAX;
  for (std::size_t row = 0; row < kRows; ++row) least = std::min(least, window.cells[row][place[row]]);
  return least;
}

void FloodWatch::Add(Window& window, const Place& place) {
  for (std::size_t row = 0; row < kRows; ++row) ++window.cells[row][place[row]];
}

void FloodWatch::Take(Window& window, const Place& place) {
  for (std::size_t row = 0; row < kRows; ++row) {
    std::uint32_t& cell = window.cells[row][place[row]];
    if (cell > 0) --cell;
  }
}

bool FloodWatch::Flooded(const Place& place) {
  Add(current_, place);
  const std::uint64_t limit = limits_.flow_flood_conversations_count;
  return Count(current_, place) > limit || Count(previous_, place) > limit;
}

}  // namespace spanwatch::flow
