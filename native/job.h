// What a run of a plan does: the data it reads, the order of rows, where results go.
#pragma once
#include <cstdint>
#include <vector>

#include "gather.h"
#include "plan.h"

namespace myelin {

// What to train or evaluate on. An epoch is ceil(epoch_rows / batch_size) steps, of which the last
// may be smaller. Pointers are borrowed for the length of a run.
struct Job {
  std::vector<Column> columns;  // one per plan input
  // Rows in reading order for all epochs; null: 0 .. epoch_rows - 1 in each.
  const uint32_t* indices = nullptr;
  int64_t index_count = 0;
  int64_t epoch_rows = 0;
  int64_t epochs = 1;
  int64_t batch_size = 0;
  int64_t first_step = 0;  // steps of this job that earlier runs did
  uint64_t counter = 0;    // the network's step number at the job's step 0
  const float* learning_rates = nullptr;
  int64_t learning_rate_count = 0;  // one per step of the job, or 1
  uint32_t seed[2] = {0, 0};
  // One per plan output. A batched one gets the rows of all steps in order, another one value a
  // step; positions count from the job's step 0. Of length 0: not wanted.
  struct Output {
    float* data;
    int64_t length;
  };
  std::vector<Output> outputs;
  double budget = 0;      // milliseconds; infinite: none
  double stop_below = 0;  // NaN: none
};

enum class Reason { kDone, kBudget, kCancelled, kStopped, kNotFinite };
const char* reason_name(Reason reason);

struct RunResult {
  int64_t steps;  // of the job that are done, those of earlier runs included
  Reason reason;
};

// Throws std::invalid_argument, saying which part of the job is wrong, unless `plan` can run it
// without reading or writing out of bounds.
void check_job(const Plan& plan, const Job& job);

// Where a run is in its job; moves on without dividing.
class Cursor {
 public:
  explicit Cursor(const Job& job);

  int64_t step() const { return step_; }    // of the job
  int64_t steps() const { return steps_; }  // of the whole job
  int64_t row() const { return row_; }      // of the epoch, at which the step begins
  int64_t position() const { return epoch_offset_ + row_; }  // the same, of the job
  int64_t rows() const {
    return batch_size_ < epoch_rows_ - row_ ? batch_size_ : epoch_rows_ - row_;
  }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  int64_t epoch_end() const { return epoch_start_ + steps_per_epoch_; }  // its step
  bool at_end() const { return step_ == steps_; }

  void advance(int64_t steps) {
    step_ += steps;
    row_ += steps * batch_size_;
    while (row_ >= epoch_rows_) {
      row_ -= steps_per_epoch_ * batch_size_;
      epoch_start_ += steps_per_epoch_;
      epoch_offset_ += epoch_rows_;
    }
  }

 private:
  int64_t batch_size_;
  int64_t epoch_rows_;
  int64_t steps_per_epoch_;
  int64_t steps_;
  int64_t step_;
  int64_t epoch_start_;   // the step at which this epoch began
  int64_t epoch_offset_;  // rows of the epochs before
  int64_t row_;
};

}  // namespace myelin
