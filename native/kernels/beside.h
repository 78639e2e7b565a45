// Work for vectors, done in shares while a matrix unit multiplies.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace bf16 {

// Steps of some work, done in so many shares, as even as can be.
class Job {
 public:
  // Does the steps from `begin` to `end`, of which each comes after the one before.
  using Run = void (*)(void* self, int64_t begin, int64_t end);

  Job() = default;
  Job(Run run, void* self, int64_t steps, int64_t shares)
      : run_(run), self_(self), steps_(steps), shares_(shares) {}

  MYELIN_INLINE void advance() {
    if (done_ == steps_) return;
    ++share_;
    go(share_ < shares_ ? steps_ * share_ / shares_ : steps_);
  }
  MYELIN_INLINE void finish() {
    if (done_ < steps_) go(steps_);
  }

 private:
  MYELIN_INLINE void go(int64_t end) {
    if (end > done_) run_(self_, done_, end);
    done_ = end;
  }

  Run run_ = nullptr;
  void* self_ = nullptr;
  int64_t steps_ = 0, done_ = 0;
  int64_t shares_ = 1, share_ = 0;
};

// What is done beside a product: packing what comes next of its two sides, and using up the sums of
// the strip before.
struct Beside {
  Job next_to_pass, next_to_stay, strip_before;

  MYELIN_INLINE void advance() {
    next_to_pass.advance();
    next_to_stay.advance();
    strip_before.advance();
  }
};

}  // namespace bf16
}  // namespace
}  // namespace myelin
