// On which CPU the calling thread runs.
#pragma once
#if defined(__linux__)
#include <sched.h>
#endif

namespace myelin::bench {

// CPUs of one machine differ, most of all where others share them, and a thread stays where it
// began. All that one thread does is therefore measured on one CPU. Only on Linux.
class SingleCpu {
 public:
  // `cpu`: -1 for none
  explicit SingleCpu([[maybe_unused]] int cpu) {
#if defined(__linux__)
    sched_getaffinity(0, sizeof all_, &all_);
    one_ = all_;
    if (cpu < 0) return;
    CPU_ZERO(&one_);
    CPU_SET(static_cast<unsigned>(cpu), &one_);
#endif
  }

  // Before work on so many threads. Others are started from here and begin where this one may run.
  void use([[maybe_unused]] int threads) const {
#if defined(__linux__)
    sched_setaffinity(0, sizeof all_, threads == 1 ? &one_ : &all_);
#endif
  }

#if defined(__linux__)
 private:
  cpu_set_t all_, one_;
#endif
};

}  // namespace myelin::bench
