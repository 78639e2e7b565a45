// How long things take, on one thread or several at once.
#pragma once
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace myelin::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds of one call: the mean over as many calls as fill `budget` seconds. `run(calls)` makes so
// many calls and returns the seconds that they took; what the first call prepares does not count.
template <class Run>
double seconds_per_call(double budget, Run run) {
  run(1);
  for (int64_t calls = 1;;) {
    const double seconds = run(calls);
    if (seconds >= budget) return seconds / static_cast<double>(calls);
    const double missing = 1.1 * budget / (seconds > 1e-9 ? seconds : 1e-9);
    calls =
        static_cast<int64_t>(std::ceil(static_cast<double>(calls) * (missing < 8 ? missing : 8)));
  }
}

// Runs `work(thread)` on `threads` threads at once and returns the seconds from the first start to
// the last end.
template <class Work>
double seconds_on(int threads, Work work) {
  std::vector<double> starts(static_cast<size_t>(threads)), ends(starts.size());
  std::atomic<int> ready{0};
  auto run = [&](int thread) {
    ready++;
    while (ready < threads) std::this_thread::yield();
    starts[static_cast<size_t>(thread)] = now();
    work(thread);
    ends[static_cast<size_t>(thread)] = now();
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; thread++) others.emplace_back(run, thread);
  run(0);
  for (std::thread& other : others) other.join();
  double first = starts[0], last = ends[0];
  for (double start : starts) first = start < first ? start : first;
  for (double end : ends) last = end > last ? end : last;
  return last - first;
}

}  // namespace myelin::bench
