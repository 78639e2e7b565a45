#include "executor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

namespace myelin {
namespace {

// An instruction is divided among threads from this many elementary operations a part on: below,
// handing it over (some 0.2 us) costs more than it saves.
constexpr int64_t kWorkPerPart = 4096;

// Says when a budget is spent. Reads the clock only every so many steps, as many as fit into a
// fraction of a millisecond: a tiny network's step takes less than reading it.
class Deadline {
 public:
  explicit Deadline(double milliseconds) : limited_(milliseconds < 1e12) {
    if (!limited_) return;
    last_ = Clock::now();
    end_ = last_ + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double, std::milli>(milliseconds));
  }

  // Once a step.
  bool passed() { return limited_ && --countdown_ == 0 && read_clock(); }

 private:
  using Clock = std::chrono::steady_clock;

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

// The mean of plan output 0 over the epoch that ends with the cursor's step, weighted by rows; read
// from where the steps left it, those of earlier runs included.
double epoch_mean(const Job& job, const Cursor& cursor) {
  const float* values = job.outputs[0].data;
  double sum = 0;
  for (int64_t step = cursor.epoch_start(); step < cursor.step(); step++) {
    sum += static_cast<double>(values[step]) * static_cast<double>(job.batch_size);
  }
  sum += static_cast<double>(values[cursor.step()]) * static_cast<double>(cursor.rows());
  return sum / static_cast<double>(job.epoch_rows);
}

int64_t work_of(const Instruction& instruction, int64_t batch) {
  if (instruction.kernel->work) return instruction.kernel->work(instruction, batch);
  return instruction.output_count > 0 ? instruction.outputs[0].elements(batch) : 0;
}

// Parts for this much work, of which at most `most` can be made.
int64_t divide(int64_t work, int64_t most, int threads) {
  return std::max(std::min({most, work / kWorkPerPart, int64_t{threads}}), int64_t{1});
}

struct InstructionTask {
  const Instruction* instruction;
  const StepContext* context;
};

void run_part(void* task_pointer, int64_t part, int64_t parts, float* workspace) {
  const auto* task = static_cast<const InstructionTask*>(task_pointer);
  StepContext context = *task->context;
  context.workspace = workspace;
  task->instruction->kernel->run(*task->instruction, context, part, parts);
}

struct GatherTask {
  const Column* column;
  int64_t row_size;
  const uint32_t* rows;  // null: from `first` on
  int64_t first;
  int64_t count;
  float* out;
};

void gather_part(void* task_pointer, int64_t part, int64_t parts, float*) {
  const auto* task = static_cast<const GatherTask*>(task_pointer);
  int64_t begin = task->count * part / parts;
  int64_t end = task->count * (part + 1) / parts;
  gather(*task->column, task->row_size, task->rows ? task->rows + begin : nullptr,
         task->first + begin, end - begin, task->out + begin * task->row_size);
}

}  // namespace

Executor::Executor(Plan plan) : plan_(std::move(plan)) {}

RunResult Executor::run(const Job& job, const Resources& resources,
                        const std::atomic<bool>& cancelled) {
  // Every step reads the same rows, and no instruction writes to the input region.
  bool same_batch = !job.indices && job.epoch_rows <= job.batch_size;
  bool has_stop_rule = !std::isnan(job.stop_below);
  int threads = resources.pool->threads();
  ThreadPool::Lease lease(*resources.pool);
  Deadline deadline(job.budget);
  bool failed = false;
  StepContext context{};
  context.seed[0] = job.seed[0];
  context.seed[1] = job.seed[1];
  context.workspace = resources.workspace;
  context.failed = &failed;

  for (Cursor cursor(job);;) {
    if (cursor.at_end()) return {cursor.step(), Reason::kDone};
    if (cancelled.load(std::memory_order_relaxed)) return {cursor.step(), Reason::kCancelled};
    if (!same_batch || cursor.step() == job.first_step) {
      gather_batch(job, cursor, threads, lease, resources.workspace);
    }
    context.batch = cursor.rows();
    context.step = job.counter + static_cast<uint64_t>(cursor.step());
    context.learning_rate = job.learning_rates[job.learning_rate_count == 1 ? 0 : cursor.step()];
    if (!run_instructions(context, schedule(context.batch, threads), lease)) {
      return {cursor.step(), Reason::kNotFinite};
    }
    copy_outputs(job, cursor);
    if (has_stop_rule && cursor.at_epoch_end() && epoch_mean(job, cursor) < job.stop_below) {
      return {cursor.step() + 1, Reason::kStopped};
    }
    cursor.advance();
    if (deadline.passed() && !cursor.at_end()) return {cursor.step(), Reason::kBudget};
  }
}

bool Executor::step(const StepContext& context, ThreadPool& pool) {
  ThreadPool::Lease lease(pool);
  return run_instructions(context, schedule(context.batch, pool.threads()), lease);
}

const Executor::Schedule& Executor::schedule(int64_t batch, int threads) {
  for (const Schedule& known : schedules_) {
    if (known.batch == batch && known.threads == threads) return known;
  }
  Schedule& oldest = schedules_[oldest_schedule_];
  oldest = make_schedule(batch, threads);
  oldest_schedule_ = 1 - oldest_schedule_;
  return oldest;
}

Executor::Schedule Executor::make_schedule(int64_t batch, int threads) const {
  Schedule result{batch, threads, false, {}};
  for (const Instruction& instruction : plan_.instructions) {
    const Kernel& kernel = *instruction.kernel;
    int64_t parts = 1;
    if (threads > 1 && kernel.parts) {
      parts = divide(work_of(instruction, batch), kernel.parts(instruction, batch), threads);
    }
    result.parts.push_back(static_cast<int32_t>(parts));
    result.divided |= parts > 1;
  }
  return result;
}

bool Executor::run_instructions(const StepContext& context, const Schedule& schedule,
                                ThreadPool::Lease& lease) const {
  const Instruction* instruction = plan_.instructions.data();
  const Instruction* end = instruction + plan_.instructions.size();
  if (!schedule.divided) {
    for (; instruction != end; instruction++) {
      instruction->kernel->run(*instruction, context, 0, 1);
      if (*context.failed) return false;
    }
    return true;
  }
  for (const int32_t* parts = schedule.parts.data(); instruction != end; instruction++, parts++) {
    if (*parts == 1) {
      instruction->kernel->run(*instruction, context, 0, 1);
    } else {
      InstructionTask task{instruction, &context};
      lease.run(run_part, &task, *parts, context.workspace);
    }
    if (*context.failed) return false;
  }
  return true;
}

void Executor::gather_batch(const Job& job, const Cursor& cursor, int threads,
                            ThreadPool::Lease& lease, float* workspace) const {
  const uint32_t* indices = job.indices ? job.indices + cursor.position() : nullptr;
  int64_t rows = cursor.rows();
  for (size_t i = 0; i < job.columns.size(); i++) {
    const Operand& buffer = plan_.inputs[i].buffer;
    GatherTask task{&job.columns[i], buffer.size, indices, cursor.row(), rows, buffer.data};
    int64_t parts = divide(rows * buffer.size, rows, threads);
    if (parts == 1) {
      gather_part(&task, 0, 1, workspace);
    } else {
      lease.run(gather_part, &task, parts, workspace);
    }
  }
}

void Executor::copy_outputs(const Job& job, const Cursor& cursor) const {
  for (size_t i = 0; i < job.outputs.size(); i++) {
    if (job.outputs[i].length == 0) continue;
    const Operand& buffer = plan_.outputs[i].buffer;
    int64_t place = buffer.batched ? cursor.position() : cursor.step();
    float* to = job.outputs[i].data + place * buffer.size;
    int64_t count = buffer.elements(cursor.rows());
    if (count == 1) {
      *to = *buffer.data;
    } else {
      std::memcpy(to, buffer.data, static_cast<size_t>(count) * sizeof(float));
    }
  }
}

}  // namespace myelin
