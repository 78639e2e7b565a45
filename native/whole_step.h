// A plan's step as one kernel, where its ISA variant has one for plans of this kind.
#pragma once
#include <vector>

#include "plan.h"

namespace myelin {

class WholeStep {
 public:
  explicit WholeStep(const Plan& plan);

  explicit operator bool() const { return kernel_ != nullptr; }

  // While it lives, steps run on the kernel's copy of the state.
  class Residence {
   public:
    explicit Residence(const WholeStep& step) : step_(step) {
      if (step_) step_.kernel_->load(step_.memory());
    }
    ~Residence() {
      if (step_) step_.kernel_->store(step_.memory());
    }
    Residence(const Residence&) = delete;
    Residence& operator=(const Residence&) = delete;

   private:
    const WholeStep& step_;
  };

  // Only during a residence. False: the guard found the step not finite.
  bool run(const StepContext& context) const {
    kernel_->run(memory(), context);
    return !*context.failed;
  }

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
  };

  void* memory() const { return lines_.data(); }

  const PlanKernel* kernel_ = nullptr;
  mutable std::vector<Line> lines_;
};

}  // namespace myelin
