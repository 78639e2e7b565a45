#include "job.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace myelin {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }

std::string expected(const std::string& where, const std::string& wanted, int64_t received) {
  return where + " must be " + wanted + ", got " + std::to_string(received);
}

int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

void check_columns(const Plan& plan, const Job& job) {
  if (job.columns.size() != plan.inputs.size()) {
    refuse(expected("columns", "one per plan input, " + std::to_string(plan.inputs.size()),
                    static_cast<int64_t>(job.columns.size())));
  }
  int64_t rows = job.epoch_rows;
  if (job.indices) {
    // Only what this run may read: the slices of a long training each check their rest.
    int64_t epoch = job.first_step / ceil_divide(job.epoch_rows, job.batch_size);
    const uint32_t* end = job.indices + job.epochs * job.epoch_rows;
    uint32_t largest = 0;
    for (const uint32_t* p = job.indices + epoch * job.epoch_rows; p < end; p++) {
      largest = std::max(largest, *p);
    }
    rows = int64_t{largest} + 1;
  }
  for (size_t i = 0; i < job.columns.size(); i++) {
    const Column& column = job.columns[i];
    std::string where = "columns[" + std::to_string(i) + "] (" + plan.inputs[i].name + ")";
    int64_t size = plan.inputs[i].buffer.size;
    if (column.length / size < rows) {
      refuse(expected(where,
                      "at least " + std::to_string(rows) + " rows of " + std::to_string(size) +
                          " elements long",
                      column.length));
    }
    if (!std::isfinite(column.scale) || !std::isfinite(column.offset)) {
      refuse(where + ": scale and offset must be finite");
    }
  }
}

void check_outputs(const Plan& plan, const Job& job, int64_t steps) {
  if (job.outputs.size() != plan.outputs.size()) {
    refuse(expected("outputs", "one per plan output, " + std::to_string(plan.outputs.size()),
                    static_cast<int64_t>(job.outputs.size())));
  }
  for (size_t i = 0; i < job.outputs.size(); i++) {
    const Operand& buffer = plan.outputs[i].buffer;
    int64_t length = job.outputs[i].length;
    int64_t times = buffer.batched ? job.epochs * job.epoch_rows : steps;
    if (length != 0 && length / buffer.size < times) {
      refuse(expected(
          "outputs[" + std::to_string(i) + "] (" + plan.outputs[i].name + ")",
          "of length 0 or at least " + std::to_string(times) + " * " + std::to_string(buffer.size),
          length));
    }
  }
  if (std::isnan(job.budget) || job.budget < 0) refuse("budget must be 0 or more milliseconds");
  if (std::isnan(job.stop_below)) return;
  bool scalar = !plan.outputs.empty() && !plan.outputs[0].buffer.batched &&
                plan.outputs[0].buffer.size == 1 && job.outputs[0].length != 0;
  if (!scalar) refuse("stopBelow needs a plan whose output 0 is a scalar, and an array for it");
}

}  // namespace

const char* reason_name(Reason reason) {
  switch (reason) {
    case Reason::kDone:
      return "done";
    case Reason::kBudget:
      return "budget";
    case Reason::kCancelled:
      return "cancelled";
    case Reason::kStopped:
      return "stopped";
    case Reason::kNotFinite:
      return "notFinite";
  }
  return "done";
}

void check_job(const Plan& plan, const Job& job) {
  constexpr int64_t kMax = int64_t{1} << 53;
  if (job.batch_size < 1 || job.batch_size > plan.capacity) {
    refuse(expected("batchSize", "from 1 to the plan's capacity " + std::to_string(plan.capacity),
                    job.batch_size));
  }
  if (job.epoch_rows < 1 || job.epoch_rows > kMax) {
    refuse(expected("epochRows", "from 1 to 2^53", job.epoch_rows));
  }
  if (job.epochs < 1 || job.epochs > kMax / job.epoch_rows) {
    refuse(expected("epochs", "at least 1, and epochs * epochRows at most 2^53", job.epochs));
  }
  int64_t steps = job.epochs * ceil_divide(job.epoch_rows, job.batch_size);
  if (job.first_step < 0 || job.first_step > steps) {
    refuse(expected("firstStep", "from 0 to the job's " + std::to_string(steps) + " steps",
                    job.first_step));
  }
  if (job.learning_rate_count != 1 && job.learning_rate_count < steps) {
    refuse(expected("learningRates", "of length 1 or at least " + std::to_string(steps),
                    job.learning_rate_count));
  }
  if (job.indices && job.index_count < job.epochs * job.epoch_rows) {
    refuse(expected("indices",
                    "of length epochs * epochRows = " + std::to_string(job.epochs * job.epoch_rows),
                    job.index_count));
  }
  check_columns(plan, job);
  check_outputs(plan, job, steps);
}

Cursor::Cursor(const Job& job)
    : batch_size_(job.batch_size),
      epoch_rows_(job.epoch_rows),
      steps_per_epoch_(ceil_divide(epoch_rows_, batch_size_)) {
  int64_t epoch = job.first_step / steps_per_epoch_;
  steps_ = job.epochs * steps_per_epoch_;
  step_ = job.first_step;
  epoch_start_ = epoch * steps_per_epoch_;
  epoch_offset_ = epoch * epoch_rows_;
  row_ = (step_ - epoch_start_) * batch_size_;
}

}  // namespace myelin
