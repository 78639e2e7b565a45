#include "executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "deadline.h"
#include "denormals.h"

namespace myelin {
namespace {

// An elementary operation takes about 0.07 ns. Handing a part to another thread and waiting for it
// takes from 0.15 to 0.6 us, as near as the CPUs are to each other: less work than this a part is
// better left together.
constexpr double kMillisecondsOfWork = 0.07e-6;
constexpr int64_t kWorkPerPart = 12 * 1024;
// Waking threads takes 50 us, in which a run of less work than this (50 us too) ends without them.
constexpr int64_t kWorkPerWaking = 768 * 1024;
// Cutting matrices into pieces and putting them together again costs what pieces gain in 1 to 5
// steps.
constexpr double kStepsPerCut = 6;

// The mean of plan output 0 over the epoch that the cursor has just left, weighted by rows; read
// from where the steps put it, those of earlier runs included.
double epoch_mean(const Job& job, const Cursor& cursor) {
  const float* values = job.outputs[0].data;
  double sum = 0;
  int64_t rows = job.epoch_rows, step = cursor.step() - cursor.steps_per_epoch();
  for (; rows > job.batch_size; rows -= job.batch_size, step++) {
    sum += static_cast<double>(values[step]) * static_cast<double>(job.batch_size);
  }
  sum += static_cast<double>(values[step]) * static_cast<double>(rows);
  return sum / static_cast<double>(job.epoch_rows);
}

int64_t work_of(const Instruction& instruction, int64_t batch) {
  if (instruction.kernel->work) return instruction.kernel->work(instruction, batch);
  return instruction.output_count > 0 ? instruction.outputs[0].elements(batch) : 0;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Parts for this much work, of which at most `most` can be made.
int64_t divide(int64_t work, int64_t most, int threads) {
  return std::max(std::min({most, work / kWorkPerPart, int64_t{threads}}), int64_t{1});
}

void run_part(void* shared, const void* subject, int64_t part, int64_t parts, float* workspace) {
  StepContext context = *static_cast<const StepContext*>(shared);
  const auto* instruction = static_cast<const Instruction*>(subject);
  const Kernel& kernel = *instruction->kernel;
  context.workspace = workspace;
  int64_t pieces = instruction->pieces;
  if (pieces == 0) return kernel.run(*instruction, context, part, parts);
  for (int64_t piece = pieces * part / parts; piece < pieces * (part + 1) / parts; piece++) {
    kernel.run(*instruction, context, piece, pieces);
  }
}

struct GatherTask {
  const Column* column;
  int64_t row_size;
  const uint32_t* rows;  // null: from `first` on
  int64_t first;
  int64_t count;
  float* out;
};

void gather_part(void*, const void* subject, int64_t part, int64_t parts, float*) {
  const auto* task = static_cast<const GatherTask*>(subject);
  int64_t begin = task->count * part / parts;
  int64_t end = task->count * (part + 1) / parts;
  gather(*task->column, task->row_size, task->rows ? task->rows + begin : nullptr,
         task->first + begin, end - begin, task->out + begin * task->row_size);
}

void copy_outputs(const Plan& plan, const Job& job, const Cursor& cursor) {
  const Port* port = plan.outputs.data();
  for (const Job::Output& output : job.outputs) {
    const Operand& buffer = port++->buffer;
    if (output.length == 0) continue;
    int64_t place = buffer.batched ? cursor.position() : cursor.step();
    float* to = output.data + place * buffer.size;
    int64_t count = buffer.elements(cursor.rows());
    if (count == 1) {
      *to = *buffer.data;
    } else {
      std::memcpy(to, buffer.data, static_cast<size_t>(count) * sizeof(float));
    }
  }
}

}  // namespace

// In a cache line of its own: what else the caller writes would take it from the other threads.
struct alignas(64) Executor::SharedContext : StepContext {};

Executor::Executor(Plan plan)
    : plan_(std::move(plan)),
      whole_step_(plan_),
      input_places_(plan_, !whole_step_),
      column_pieces_(plan_) {}

// A call of `run`: what its steps share.
struct Executor::Run {
  const Job& job;
  Cursor cursor;
  InputPlaces::Reading reading;  // before what asks how much work instructions have
  int threads;
  ThreadPool::Lease lease;
  SharedContext context{};
  ColumnPieces::Residence columns;

  Run(Executor& executor, const Job& its_job, const Resources& resources)
      : job(its_job),
        cursor(job),
        reading(executor.input_places_, job),
        threads(executor.threads_for(cursor.rows(), steps_left(), *resources.pool)),
        lease(*resources.pool),
        columns(executor.column_pieces_, lease, resources.workspace) {
    context.seed[0] = job.seed[0];
    context.seed[1] = job.seed[1];
    context.workspace = resources.workspace;
  }

  int64_t steps_left() const { return cursor.steps() - cursor.step(); }
};

RunResult Executor::run(const Job& job, const Resources& resources,
                        const std::atomic<bool>& cancelled) {
  FlushDenormals flush;
  bool has_stop_rule = !std::isnan(job.stop_below);
  Deadline deadline(job.budget);
  bool failed = false;
  Run run(*this, job, resources);
  const Cursor& cursor = run.cursor;
  run.context.failed = &failed;
  if (run.threads > 1) choice_for(job.batch_size, run.threads).resume();
  WholeStep::Residence residence(whole_step_);
  bool whole_steps = whole_step_.reads(job);

  for (;;) {
    if (cursor.at_end()) return {cursor.step(), Reason::kDone};
    if (cancelled.load(std::memory_order_relaxed)) return {cursor.step(), Reason::kCancelled};
    run.context.step = job.counter + static_cast<uint64_t>(cursor.step());
    int64_t end = has_stop_rule ? cursor.epoch_end() : cursor.steps();
    int64_t most = std::min(deadline.steps(), end - cursor.step());
    int64_t steps = whole_steps ? whole_step_.run(job, cursor, most, run.context) : run_step(run);
    run.cursor.advance(steps);
    if (failed) return {cursor.step(), Reason::kNotFinite};
    if (has_stop_rule && cursor.row() == 0 && epoch_mean(job, cursor) < job.stop_below) {
      return {cursor.step(), Reason::kStopped};
    }
    if (deadline.passed(steps) && !cursor.at_end()) return {cursor.step(), Reason::kBudget};
  }
}

bool Executor::step(const StepContext& context, ThreadPool& pool) {
  FlushDenormals flush;
  int threads = threads_for(context.batch, 1, pool);
  ThreadPool::Lease lease(pool);
  WholeStep::Residence residence(whole_step_);
  if (threads == 1) {
    run_instructions(context);
  } else {
    SharedContext shared{context};
    run_divided(shared, schedule(context.batch, threads), lease);
  }
  return !*context.failed;
}

// One step; returns how many are done, 0 where it is not finite.
int64_t Executor::run_step(Run& run) {
  const Job& job = run.job;
  const Cursor& cursor = run.cursor;
  SharedContext& context = run.context;
  // Every step reads the same rows, and no instruction writes to the input region.
  bool same_batch = !job.indices && job.epoch_rows <= job.batch_size;
  bool divided = run.threads > 1 && choice_.divided();
  if (divided != run.columns.is_cut() && column_pieces_.size() > 0) lay_out(run, divided);
  if (!same_batch || cursor.step() == job.first_step) {
    read_rows(job, cursor, run.reading, divided ? run.threads : 1, run.lease, context.workspace);
  }
  context.batch = cursor.rows();
  context.learning_rate = job.learning_rates[job.learning_rate_count == 1 ? 0 : cursor.step()];
  if (divided) {
    run_divided(context, schedule(context.batch, run.threads), run.lease);
  } else {
    run_instructions(context);
  }
  if (*context.failed) return 0;
  copy_outputs(plan_, job, cursor);
  if (run.threads > 1) choice_.count(cursor.rows());
  return 1;
}

// Puts matrices whole again where steps are not divided, and cuts them where they are and enough
// are left.
void Executor::lay_out(Run& run, bool divided) {
  if (!divided) {
    run.columns.join();
  } else {
    const Job& job = run.job;
    int64_t full = std::min(job.batch_size, job.epoch_rows), rest = job.epoch_rows % full;
    const Schedule& parts = schedule(full, run.threads);
    double step = kMillisecondsOfWork * static_cast<double>(parts.divided_work) / run.threads;
    if (std::min(static_cast<double>(run.steps_left()), job.budget / step) < kStepsPerCut) return;
    run.columns.cut(parts.parts, {full, rest > 0 ? rest : full});
  }
  choice_.resume();
}

// Threads that are worth waking for that many steps.
int Executor::threads_for(int64_t batch, int64_t steps, const ThreadPool& pool) {
  int threads = pool.threads();
  if (threads == 1 || whole_step_) return 1;
  int64_t work = schedule(batch, threads).divided_work;
  return work > 0 && steps >= divide_up(kWorkPerWaking, work) ? threads : 1;
}

ThreadChoice& Executor::choice_for(int64_t batch, int threads) {
  if (batch != chosen_batch_ || threads != chosen_threads_) {
    choice_ = ThreadChoice();
    chosen_batch_ = batch;
    chosen_threads_ = threads;
  }
  return choice_;
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
  Schedule result{batch, threads, 0, {}};
  for (const Instruction& instruction : plan_.instructions) {
    const Kernel& kernel = *instruction.kernel;
    int64_t parts = 1;
    if (threads > 1 && kernel.parts) {
      int64_t work = work_of(instruction, batch);
      parts = divide(work, kernel.parts(instruction, batch), threads);
      if (parts > 1) result.divided_work += work;
    }
    result.parts.push_back(static_cast<int32_t>(parts));
  }
  return result;
}

void Executor::run_instructions(const StepContext& context) {
  if (whole_step_) return whole_step_.run(context);
  for (const Instruction& instruction : plan_.instructions) {
    instruction.kernel->run(instruction, context, 0, 1);
    if (*context.failed) return;
  }
}

void Executor::run_divided(SharedContext& context, const Schedule& schedule,
                           ThreadPool::Lease& lease) const {
  const int32_t* parts = schedule.parts.data();
  for (const Instruction& instruction : plan_.instructions) {
    if (*parts == 1 && instruction.pieces == 0) {
      instruction.kernel->run(instruction, context, 0, 1);
    } else {
      int64_t most = instruction.pieces == 0 ? *parts : std::min(*parts, instruction.pieces);
      lease.run(run_part, &context, &instruction, most, context.workspace);
    }
    if (*context.failed) return;
    parts++;
  }
}

// The rows of a step into the input region, but for those that can be read where they lie.
void Executor::read_rows(const Job& job, const Cursor& cursor, InputPlaces::Reading& reading,
                         int threads, ThreadPool::Lease& lease, float* workspace) {
  const uint32_t* indices = job.indices ? job.indices + cursor.position() : nullptr;
  int64_t rows = cursor.rows();
  reading.begin_step(cursor.row());
  for (size_t i = 0; i < job.columns.size(); i++) {
    if (reading.in_place(i)) continue;
    const Operand& buffer = plan_.inputs[i].buffer;
    GatherTask task{&job.columns[i], buffer.size, indices, cursor.row(), rows, buffer.data};
    int64_t parts = divide(rows * buffer.size, rows, threads);
    if (parts == 1) {
      gather_part(nullptr, &task, 0, 1, workspace);
    } else {
      lease.run(gather_part, nullptr, &task, parts, workspace);
    }
  }
}

}  // namespace myelin
