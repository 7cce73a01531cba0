// LinkWatch: tells when an interface came up again after it was down, from the kernel's routing messages
// (rtnetlink(7)).
//
// An interface that goes down and up rebuilds a fan-out group in the order in which its sockets were created, so the
// launcher must then set the program again. Launcher thread; needs no privilege.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace spanwatch::process {

class LinkWatch {
 public:
  static Result<LinkWatch> Open(const std::string& interface);

  int poll_fd() const { return socket_.get(); }
  // Reads what waits, without blocking. True when the interface came up since the last call.
  bool TakeCameUp();
  bool up() const { return up_; }

 private:
  LinkWatch(UniqueFd socket, int interface_index, bool up)
      : socket_(std::move(socket)), interface_index_(interface_index), up_(up) {}

  UniqueFd socket_;
  int interface_index_;
  bool up_;
};

}  // namespace spanwatch::process
