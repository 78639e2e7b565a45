#include "whole_step.h"

#include <algorithm>
#include <limits>

namespace myelin {
namespace {

std::vector<Operand> buffers_of(const std::vector<Port>& ports) {
  std::vector<Operand> buffers;
  buffers.reserve(ports.size());
  for (const Port& port : ports) buffers.push_back(port.buffer);
  return buffers;
}

}  // namespace

WholeStep::WholeStep(const Plan& plan) : inputs_(buffers_of(plan.inputs)) {
  std::vector<Operand> outputs = buffers_of(plan.outputs);
  PlanView view{plan.capacity,
                plan.instructions.data(),
                static_cast<int>(plan.instructions.size()),
                inputs_.data(),
                static_cast<int>(inputs_.size()),
                outputs.data(),
                static_cast<int>(outputs.size())};
  rows_.resize(inputs_.size());
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

WholeStep::Residence::Residence(WholeStep& step, const Job* job) : step_(step) {
  if (!step_) return;
  step_.in_place_ = job && (!job->indices || job->batch_size == 1);
  step_.last_row_ = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < step_.inputs_.size(); i++) {
    const Operand& input = step_.inputs_[i];
    step_.rows_[i] = input.data;
    if (!job) continue;
    step_.in_place_ &= is_plain(job->columns[i]);
    step_.last_row_ = std::min(step_.last_row_, job->columns[i].length / input.size - 1);
  }
  step_.kernel_->load(step_.memory());
}

WholeStep::Residence::~Residence() {
  if (step_) step_.kernel_->store(step_.memory());
}

void WholeStep::gather_rows(const Job& job, const Cursor& cursor) {
  const uint32_t* indices = job.indices ? job.indices + cursor.position() : nullptr;
  for (size_t i = 0; i < inputs_.size(); i++) {
    const Operand& input = inputs_[i];
    gather(job.columns[i], input.size, indices, cursor.row(), cursor.rows(), input.data);
  }
}

}  // namespace myelin
