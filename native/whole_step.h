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

  // While it lives, steps run on the kernel's copy of the state.
  class Residence {
   public:
    explicit Residence(WholeStep& step);
    ~Residence();
    Residence(const Residence&) = delete;
    Residence& operator=(const Residence&) = delete;

   private:
    WholeStep& step_;
  };

  // Whether steps of the job can run many at a time: its rows count as they are.
  bool reads(const Job& job) const;

  // Only during a residence. The next steps of a job that it reads, `most` at most; returns how
  // many are done. One that is not finite sets `failed`.
  int64_t run(const Job& job, const Cursor& cursor, int64_t most, const StepContext& context);

  // The same for one step on what is in the input region.
  void run(const StepContext& context);

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
  };

  void* memory() { return lines_.data(); }

  const PlanKernel* kernel_ = nullptr;
  std::vector<Line> lines_;
  std::vector<Operand> inputs_;
  std::vector<const float*> columns_;  // of each input: the caller's data, or the input region
};

}  // namespace myelin
