// Acknowledgements: how far the receiver of one direction of a TCP connection has acknowledged, as far as that can be
// believed. Owned and driven by TcpReassembler; one inspector thread. Positions are those of TcpReassembler.
//
// A receiver acknowledges nothing beyond the window that it granted (RFC 9293 section 3.8.6). So an acknowledgement is
// believed up to the furthest byte that was seen of the sender, and up to the furthest edge of the windows that came
// with acknowledgements believed before. One beyond both may have the numbers of another connection: it is forged, or
// was seen behind a firewall that renumbers; or else the sensor missed both directions for a while. It is believed once
// the receiver goes on from there: a later one moves on within its window, none of the old numbers came meanwhile, and
// what the span port reordered would have come by now. What rests on that alone is not sure until bytes bear it out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace spanwatch::flow {

// Where and when a conversation is: packet time, and the number of its packet.
struct Moment {
  PacketTime time;
  std::uint64_t packet = 0;
};

// How far the packets of a conversation may be out of order when the sensor sees them: within so many, or so long.
struct Reordering {
  std::uint64_t packets = 0;
  Duration time{};

  // Whether a packet that was due at `since` would have come by `now`.
  bool Over(Moment since, Moment now) const {
    return now.packet - since.packet >= packets || now.time - since.time >= time;
  }
};

class Acknowledgements {
 public:
  explicit Acknowledgements(const Reordering& reordering) : reordering_(reordering) {}

  // The receiver has everything before `position` and takes `window` bytes more. `seen`: behind the furthest byte of
  // the sender that was seen, its FIN included.
  void See(std::uint64_t position, std::uint64_t window, std::uint64_t seen, Moment moment) noexcept {
    // The one number more is that of a FIN that was not seen.
    const bool borne_out = position <= seen + 1;
    if (borne_out || position <= edge_ + 1) {
      latest_ = moment.time;
      Believe(position, window, borne_out || edge_sure_);
      if (borne_out) edge_sure_ = true;
    } else {
      Doubt(position, window, moment);
    }
  }

  // The bytes up to `seen` came: they bear out an acknowledgement that came before them, and those that followed it.
  void OnSeen(std::uint64_t seen) noexcept {
    if (!doubted_.has_value() || doubted_->position > seen + 1) return;
    edge_sure_ = true;
    Believe(doubted_->latest, doubted_->edge - doubted_->latest, true);
  }

  // One came that nothing explains yet.
  bool doubts() const { return doubted_.has_value(); }
  // Everything before this is acknowledged; 0: nothing is known.
  std::uint64_t believed() const { return believed_; }
  // The part of it that windows or bytes explain.
  std::uint64_t sure() const { return sure_; }
  // The furthest position that the sender was granted; 0: nothing is known.
  std::uint64_t edge() const { return edge_; }
  // When the latest came that was believed.
  PacketTime latest() const { return latest_; }

 private:
  struct Doubted {
    std::uint64_t position = 0;  // of the first acknowledgement that was doubted
    std::uint64_t latest = 0;    // the furthest of those that followed it within the windows that they granted
    std::uint64_t edge = 0;
    Moment since;
  };

  void Believe(std::uint64_t position, std::uint64_t window, bool sure) noexcept {
    believed_ = std::max(believed_, position);
    edge_ = std::max(edge_, position + window);
    if (sure) sure_ = std::max(sure_, position);
    doubted_.reset();
  }
  void Doubt(std::uint64_t position, std::uint64_t window, Moment moment) noexcept;

  const Reordering reordering_;
  std::uint64_t believed_ = 0;
  std::uint64_t sure_ = 0;
  std::uint64_t edge_ = 0;
  bool edge_sure_ = true;
  PacketTime latest_ = PacketTime::min();
  std::optional<Doubted> doubted_;
};

}  // namespace spanwatch::flow
