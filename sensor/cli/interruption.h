// Interruption: lets a long command end in good order on Ctrl-C (SIGINT) or SIGTERM. While one is alive the first of
// them only asks; a second one ends the program as ever. The command looks at asked() where it can stop, and says what
// it did and what it keeps. One at a time, of the main thread; asked() from any.
#pragma once

#include <signal.h>

namespace spanwatch::cli {

class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  static bool asked();

 private:
  struct sigaction before_interrupt_{};
  struct sigaction before_terminate_{};
};

}  // namespace spanwatch::cli
