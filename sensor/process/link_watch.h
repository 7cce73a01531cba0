// LinkWatch: the state of the interface that is captured on, by its name, from the kernel's routing messages
// (rtnetlink(7)) and from looking (netdevice(7)).
//
// An interface that goes down and up rebuilds a fan-out group in the order in which its sockets were created, so the
// launcher must then set the program again. One that is taken away, even when another of the same name comes in its
// place, takes every socket on it along: all inspectors must begin anew. Launcher thread; needs no privilege.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::process {

enum class LinkState : std::uint8_t { kUp, kNoCarrier, kDown, kGone };

// For messages: "up", "without carrier", "down", "gone".
std::string_view ToString(LinkState state);

class LinkWatch {
 public:
  using Clock = std::chrono::steady_clock;

  // What happened since the last call.
  struct Changes {
    bool state = false;    // it is another one
    bool came_up = false;  // the same interface was down in between
    bool left = false;     // it was taken away; whether there is one of this name again, the state tells
  };

  static Result<LinkWatch> Open(const std::string& interface);

  int poll_fd() const { return events_.get(); }
  // Reads what waits and looks, when there is reason to or when it is time; never blocks.
  Changes Take(Clock::time_point now);
  LinkState state() const { return state_; }

 private:
  LinkWatch(std::string interface, UniqueFd events, UniqueFd any)
      : interface_(std::move(interface)), events_(std::move(events)), any_(std::move(any)) {}
  bool TakeEvents(Changes& changes);
  void Look(Changes& changes);

  std::string interface_;
  UniqueFd events_;
  UniqueFd any_;   // some socket, to look by
  int index_ = 0;  // 0: it is gone
  bool up_ = false;
  LinkState state_ = LinkState::kGone;
  Clock::time_point look_at_{};
};

}  // namespace spanwatch::process
