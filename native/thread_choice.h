// Whether a plan's steps are faster on all threads or on the caller's alone, found by measuring.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>

namespace myelin {

// What dividing a step gains depends on what nobody knows beforehand: how far the CPUs are from
// each other, and whether other programs have them. The results are the same, so both ways are
// tried, the slower one ever more rarely, and never for more than a small share of the steps.
class ThreadChoice {
 public:
  using Clock = std::chrono::steady_clock;

  bool divided() const { return divided_; }

  // Before the steps of a run: time between runs does not count.
  void resume(Clock::time_point now = Clock::now()) { last_ = now; }

  // After each step.
  void count(int64_t rows, Clock::time_point now = Clock::now()) {
    spent_ += now - last_;
    last_ = now;
    rows_ += rows;
    steps_++;
    if (trying_ ? spent_ >= kTry : spent_ >= period_ && steps_ >= kStepsBetweenTries) decide();
  }

 private:
  static constexpr Clock::duration kTry = std::chrono::milliseconds(1);
  static constexpr Clock::duration kShortest = std::chrono::milliseconds(5);
  static constexpr Clock::duration kLongest = std::chrono::seconds(1);
  // A try is at least one step, and where steps are long that is much.
  static constexpr int64_t kStepsBetweenTries = 32;

  // At the end of a period or of a try.
  void decide() {
    double speed = static_cast<double>(rows_) / static_cast<double>(spent_.count());
    rows_ = steps_ = 0;
    spent_ = {};
    if (!trying_) {
      usual_speed_ = speed;
    } else if (speed > 1.02 * usual_speed_) {
      period_ = kShortest;
      trying_ = false;
      return;
    } else {
      period_ = std::min(2 * period_, kLongest);
    }
    trying_ = !trying_;
    divided_ = !divided_;
  }

  bool divided_ = true;
  bool trying_ = false;  // the other way
  Clock::duration period_ = kShortest;
  double usual_speed_ = 0;  // rows a tick in the period before the try
  int64_t rows_ = 0;        // since then
  int64_t steps_ = 0;
  Clock::duration spent_{};
  Clock::time_point last_;
};

}  // namespace myelin
