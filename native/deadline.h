// When a run is to come back to its caller.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>

namespace myelin {

// Says when a budget is spent. Reads the clock only every so many steps, as many as fit into a
// fraction of a millisecond: a tiny network's step takes less than reading it.
class Deadline {
 public:
  explicit Deadline(double milliseconds) : limited_(milliseconds < 1e12) {
    if (!limited_) {
      countdown_ = kStepsUnlimited;
      return;
    }
    last_ = Clock::now();
    end_ = last_ + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double, std::milli>(milliseconds));
  }

  // Steps until the clock is to be read.
  int64_t steps() const { return countdown_; }

  // After so many steps.
  bool passed(int64_t steps) {
    if (!limited_) return false;
    countdown_ -= steps;
    return countdown_ <= 0 && read_clock();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t kStepsUnlimited = 1024;  // so that a run can be cancelled

  bool read_clock() {
    constexpr std::chrono::duration<double, std::milli> kInterval(0.25);
    Clock::time_point now = Clock::now();
    if (now >= end_) return true;
    double share = kInterval / std::max(now - last_, Clock::duration(1));
    // Steps may become slower, so growth is slow too.
    double next = std::clamp(static_cast<double>(interval_) * share, 1.0, 2.0 * interval_);
    interval_ = countdown_ = static_cast<int64_t>(std::min(next, 1e6));
    last_ = now;
    return false;
  }

  bool limited_;
  Clock::time_point last_;
  Clock::time_point end_;
  int64_t interval_ = 1;
  int64_t countdown_ = 1;
};

}  // namespace myelin
