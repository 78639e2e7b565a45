// A plan's step as one kernel, where its ISA variant has one for plans of this kind.
#pragma once
#include <vector>

#include "job.h"
#include "plan.h"

namespace myelin {

class WholeStep {
 public:
  explicit WholeStep(const Plan& plan);

  explicit operator bool() const { return kernel_ != nullptr; }

  // While it lives, steps run on the kernel's copy of the state; on the data of a job if there is
  // one, else on what is in the input region.
  class Residence {
   public:
    explicit Residence(WholeStep& step, const Job* job = nullptr);
    ~Residence();
    Residence(const Residence&) = delete;
    Residence& operator=(const Residence&) = delete;

   private:
    WholeStep& step_;
  };

  // Finds the rows of the job's next step: where the caller has them, if they lie side by side and
  // count as they are, else in the input region, gathered.
  void find_rows(const Job& job, const Cursor& cursor) {
    if (!in_place_) return gather_rows(job, cursor);
    int64_t row = cursor.row();
    if (job.indices) row = checked_row(job.indices + cursor.position(), last_row_);
    for (size_t i = 0; i < rows_.size(); i++) {
      rows_[i] = static_cast<const float*>(job.columns[i].data) + row * inputs_[i].size;
    }
  }

  // Only during a residence. False: the guard found the step not finite.
  bool run(const StepContext& context) const {
    kernel_->run(memory(), context, rows_.data());
    return !*context.failed;
  }

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
  };

  void* memory() const { return lines_.data(); }
  void gather_rows(const Job& job, const Cursor& cursor);

  const PlanKernel* kernel_ = nullptr;
  mutable std::vector<Line> lines_;
  std::vector<Operand> inputs_;
  std::vector<const float*> rows_;  // of each input
  // Whether the caller's rows are read where they lie, and the last one that all columns have.
  bool in_place_ = false;
  int64_t last_row_ = 0;
};

}  // namespace myelin
