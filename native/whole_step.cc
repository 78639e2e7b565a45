#include "whole_step.h"

namespace myelin {

WholeStep::WholeStep(const Plan& plan) {
  std::vector<Operand> outputs;
  outputs.reserve(plan.outputs.size());
  for (const Port& port : plan.outputs) outputs.push_back(port.buffer);
  PlanView view{plan.instructions.data(), static_cast<int>(plan.instructions.size()),
                outputs.data(), static_cast<int>(outputs.size())};
  for (int i = 0; i < plan.table->plan_kernel_count; i++) {
    const PlanKernel& kernel = plan.table->plan_kernels[i];
    int64_t bytes = kernel.bytes(view);
    if (bytes == 0) continue;
    lines_.resize((static_cast<size_t>(bytes) + sizeof(Line) - 1) / sizeof(Line));
    kernel.build(view, memory());
    kernel_ = &kernel;
    return;
  }
}

}  // namespace myelin
