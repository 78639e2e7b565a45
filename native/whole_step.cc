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
  columns_.resize(inputs_.size());
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

WholeStep::Residence::Residence(WholeStep& step) : step_(step) {
  if (step_) step_.kernel_->load(step_.memory());
}

WholeStep::Residence::~Residence() {
  if (step_) step_.kernel_->store(step_.memory());
}

bool WholeStep::reads(const Job& job) const {
  return kernel_ && std::all_of(job.columns.begin(), job.columns.end(), is_plain);
}

int64_t WholeStep::run(const Job& job, const Cursor& cursor, int64_t most,
                       const StepContext& context) {
  Steps steps{};
  steps.count = most;
  steps.batch_size = job.batch_size;
  steps.epoch_rows = job.epoch_rows;
  steps.row = cursor.row();
  steps.order = job.indices ? job.indices + cursor.position() : nullptr;
  steps.last_row = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < inputs_.size(); i++) {
    columns_[i] = static_cast<const float*>(job.columns[i].data);
    steps.last_row = std::min(steps.last_row, job.columns[i].length / inputs_[i].size - 1);
  }
  steps.inputs = columns_.data();
  steps.constant_rate = job.learning_rate_count == 1;
  steps.learning_rates = job.learning_rates + (steps.constant_rate ? 0 : cursor.step());
  steps.losses = job.outputs[0].length > 0 ? job.outputs[0].data + cursor.step() : nullptr;
  return kernel_->run(memory(), context, steps);
}

void WholeStep::run(const StepContext& context) {
  for (size_t i = 0; i < inputs_.size(); i++) columns_[i] = inputs_[i].data;
  Steps step{};
  step.count = 1;
  step.batch_size = step.epoch_rows = context.batch;
  step.inputs = columns_.data();
  step.learning_rates = &context.learning_rate;
  kernel_->run(memory(), context, step);
}

}  // namespace myelin
