// Fiber: a function on a stack of its own that stops in the middle until it is resumed: how a library that pulls its
// input is fed by bytes that are pushed. The one place that switches stacks; ASan and TSan are told of every switch.
//
// A suspended fiber is never destroyed: unwinding through C frames would abort. The destructor resumes it with
// aborting() set until the function has returned, so the function must return soon once aborting() is true. Everything
// happens in the thread that made it; the function must not throw and must not outlive what it captured.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace spanwatch::content {

class Fiber {
 public:
  using Function = std::function<void(Fiber&)>;

  explicit Fiber(Function function);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // From outside: runs until the function suspends or returns. REQUIRES: !done().
  void Resume();
  bool done() const;

  // From inside: returns when the fiber is resumed.
  void Suspend();
  bool aborting() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace spanwatch::content
