// Work for vectors, done in shares while a matrix unit multiplies.
#pragma once
#include "common.h"

namespace myelin {
namespace {
namespace bf16 {

// Steps of some work, done in so many shares, as even as can be; none to begin with.
class Beside {
 public:
  // Does the steps from `begin` to `end`, of which each comes after the one before.
  using Run = void (*)(void* self, int64_t begin, int64_t end);

  Beside() = default;
  Beside(Run run, void* self, int64_t steps, int64_t shares)
      : run_(run), self_(self), steps_(steps), shares_(shares) {}

  // Without a division, which there would be for every few products of tiles.
  MYELIN_INLINE void advance() {
    if (done_ == steps_) return;
    int64_t end = done_;
    for (owed_ += steps_; owed_ >= shares_; owed_ -= shares_) ++end;
    go(end);
  }
  MYELIN_INLINE void finish() { go(steps_); }

 private:
  MYELIN_INLINE void go(int64_t end) {
    if (end > done_) run_(self_, done_, end);
    done_ = end;
  }

  Run run_ = nullptr;
  void* self_ = nullptr;
  int64_t steps_ = 0, done_ = 0;
  int64_t shares_ = 1, owed_ = 0;  // steps that are due, in parts of `shares_`
};

}  // namespace bf16
}  // namespace
}  // namespace myelin
