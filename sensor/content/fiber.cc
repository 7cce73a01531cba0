#include "content/fiber.h"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include "base/check.h"

// clang says by __has_feature what g++ says by macros of its own.
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SPANWATCH_ASAN 1
#include <sanitizer/common_interface_defs.h>
#else
#define SPANWATCH_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define SPANWATCH_TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define SPANWATCH_TSAN 0
#endif

namespace spanwatch::content {
namespace {

// libarchive needs little stack (its buffers are on the heap); sanitizers make frames several times as large.
constexpr std::size_t kStackBytes = SPANWATCH_ASAN || SPANWATCH_TSAN ? 1 << 20 : 256 << 10;

// What the sanitizers keep of one stack while another runs. Nothing without them.
class StackRecord {
 public:
  void* fake = nullptr;  // ASan: the stack's fake frames
  const void* bottom = nullptr;
  std::size_t size = 0;
  void* tsan = nullptr;

  // Just before the switch from this stack to `to`; `last` when this stack is never entered again.
  void Leave([[maybe_unused]] const StackRecord& to, [[maybe_unused]] bool last) {
#if SPANWATCH_ASAN
    __sanitizer_start_switch_fiber(last ? nullptr : &fake, to.bottom, to.size);
#endif
#if SPANWATCH_TSAN
    __tsan_switch_to_fiber(to.tsan, 0);
#endif
  }
  // First thing on this stack again; `from` learns the bounds of the stack that was left.
  void Enter([[maybe_unused]] StackRecord& from) {
#if SPANWATCH_ASAN
    __sanitizer_finish_switch_fiber(fake, &from.bottom, &from.size);
#endif
  }
};

}  // namespace

struct Fiber::State {
  Function function;
  boost::context::fiber other;  // the fiber while outside, the resumer while inside
  StackRecord inside;
  StackRecord outside;
  bool done = false;
  bool aborting = false;
};

Fiber::Fiber(Function function) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.function = std::move(function);
  boost::context::protected_fixedsize_stack allocator(kStackBytes);
  const boost::context::stack_context stack = allocator.allocate();
  state.inside.bottom = static_cast<const char*>(stack.sp) - stack.size;
  state.inside.size = stack.size;
#if SPANWATCH_TSAN
  state.inside.tsan = __tsan_create_fiber(0);
#endif
  state.other = boost::context::fiber(std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack),
                                      allocator, [this](boost::context::fiber&& resumer) {
                                        State& self = *state_;
                                        self.other = std::move(resumer);
                                        self.inside.Enter(self.outside);
                                        self.function(*this);
                                        self.done = true;
                                        self.inside.Leave(self.outside, true);
                                        return std::move(self.other);
                                      });
}

Fiber::~Fiber() {
  state_->aborting = true;
  while (!state_->done) Resume();
#if SPANWATCH_TSAN
  __tsan_destroy_fiber(state_->inside.tsan);
#endif
}

void Fiber::Resume() {
  State& state = *state_;
  CHECK(!state.done);
#if SPANWATCH_TSAN
  state.outside.tsan = __tsan_get_current_fiber();
#endif
  state.outside.Leave(state.inside, false);
  state.other = std::move(state.other).resume();
  state.outside.Enter(state.inside);
}

void Fiber::Suspend() {
  State& state = *state_;
  state.inside.Leave(state.outside, false);
  state.other = std::move(state.other).resume();
  state.inside.Enter(state.outside);
}

bool Fiber::done() const { return state_->done; }
bool Fiber::aborting() const { return state_->aborting; }

}  // namespace spanwatch::content
