// FloodWatch: recognises floods (model/flow.h, Flood). It counts the conversations that begin and are not answered, by
// host and by network (IPv4 /24, IPv6 /64) of either end and in all, within windows of flow.flood_window_ms of packet
// time. What begins beyond flow.flood_conversations_count of the window, or of the one before it, is part of a flood.
// Owned by FlowTable; one inspector thread.
//
// Counts stand in two rows of cells, each under a hash of its own, and the lower of two cells counts (Cormode and
// Muthukrishnan, "An Improved Data Stream Summary: The Count-Min Sketch", 2005): never too low, and the memory does not
// grow with the flood. The seed is random, so that nobody can choose addresses that share a cell.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "config/limits.h"
#include "model/flow.h"

namespace spanwatch::flow {

class FloodWatch {
 public:
  // `limits` outlive the watch.
  FloodWatch(const config::Limits& limits, std::uint64_t seed);

  // A conversation begins: what it is part of.
  Flood OnBegin(const IpAddress& from, const IpAddress& to, PacketTime now) noexcept;
  // One that began at `began`, when OnBegin said `flood`, has been answered or carries much: it no longer counts.
  void OnSettled(const IpAddress& from, const IpAddress& to, PacketTime began, Flood flood) noexcept;

 private:
  static constexpr std::size_t kRows = 2, kCells = 8192;

  struct Window {
    std::array<std::vector<std::uint32_t>, kRows> cells;
    std::uint32_t all = 0;
  };
  // The cells of one end, by host or by network.
  using Place = std::array<std::size_t, kRows>;
  enum class End : std::uint8_t { kFrom, kTo };

  Place PlaceOf(End end, const Network& network) const;
  std::int64_t NumberOf(PacketTime time) const;
  void TurnTo(std::int64_t number);
  static std::uint32_t Count(const Window& window, const Place& place);
  static void Add(Window& window, const Place& place);
  static void Take(Window& window, const Place& place);
  // Whether the place is flooded already; counts one more there.
  bool Flooded(const Place& place);

  const config::Limits& limits_;
  const std::uint64_t seed_;
  std::int64_t number_ = 0;  // of the current window
  Window current_, previous_;
};

}  // namespace spanwatch::flow
