#include "cli/interruption.h"

#include <atomic>

namespace spanwatch::cli {
namespace {

std::atomic<bool> g_asked = false;  // a signal handler has no other way to reach its state
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

Interruption::Interruption() {
  g_asked = false;
  struct sigaction action{};
  action.sa_handler = [](int) { g_asked.store(true, std::memory_order_relaxed); };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, &before_interrupt_);
  ::sigaction(SIGTERM, &action, &before_terminate_);
  // What a shell let run in the background is not to be interrupted.
  if (before_interrupt_.sa_handler == SIG_IGN) ::sigaction(SIGINT, &before_interrupt_, nullptr);
}

Interruption::~Interruption() {
  ::sigaction(SIGINT, &before_interrupt_, nullptr);
  ::sigaction(SIGTERM, &before_terminate_, nullptr);
}

bool Interruption::asked() { return g_asked.load(std::memory_order_relaxed); }

}  // namespace spanwatch::cli
