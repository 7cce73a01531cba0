// PictureTally: pictures that only look like registered ones, weighed against chance over all conversations from one
// address to another, a day at a time (design.md section 10, Evidence). Frames of the cameras that were registered look
// like those registered, so that somebody who sends many unregistered frames sends some that are near; calibration has
// measured how many. One inspector sees all that an address pair sends, so one tally of an inspector is enough.
//
// A trial is a distinct picture by its hash, a hit one with a weak match in the collection. For each distance at which
// hits lie the binomial tail is taken with the chance of one picture to lie as near; the least of them counts, times
// the number of those distances. Beyond kExact distinct pictures their number is estimated from the least of their
// tags, within a few hundredths.
//
// One inspector thread; memory is bounded by perceptual.tallied_pairs, the pair that was quiet longest goes.
#pragma once

#include <array>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_set>

#include "config/limits.h"
#include "model/ip_address.h"
#include "model/match.h"
#include "telemetry/counters.h"

namespace spanwatch::inspector {

class PictureTally {
 public:
  struct Way {
    IpAddress source, destination;
    friend auto operator<=>(const Way&, const Way&) = default;
  };

  PictureTally(const config::Limits& limits, Counters& counters) : limits_(limits), counters_(counters) {}

  // A picture was looked up; its matches follow.
  void Begin(const Way& way, const PdqHash& hash, PacketTime now);
  // One of its weak matches.
  void Add(const FingerprintIndex& index, const Match& match);
  // Of the collection of this item.
  PictureEvidence Weigh(const Way& way, const FingerprintIndex& index, ItemRef item) const;

 private:
  static constexpr std::size_t kExact = 256;
  static constexpr std::size_t kHitsMax = 1024;  // of a collection: with so many, the tally begins again
  static constexpr std::size_t kDistances = 257;

  struct Alike {
    std::unordered_set<std::uint64_t> pictures;
    std::array<std::uint32_t, kDistances> nearest{};  // how many have their nearest match at a distance
  };
  struct Pair {
    PacketTime since;
    std::set<std::uint64_t> tags;  // of pictures, the kExact least
    bool more = false;             // there were others
    std::map<std::string, Alike> collections;
    std::list<Way>::iterator place;  // in order_
  };

  static bool IsOver(const Pair& pair, PacketTime now);
  static std::string NameOf(const FingerprintIndex& index, ItemRef item);
  static std::uint64_t PicturesOf(const Pair& pair);

  const config::Limits& limits_;
  Counters& counters_;
  std::map<Way, Pair> pairs_;
  std::list<Way> order_;  // the one used last first
  Pair* current_ = nullptr;
  std::uint64_t tag_ = 0;  // of the current picture
};

}  // namespace spanwatch::inspector
